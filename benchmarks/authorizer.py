"""The authorizer's decisions, from API Gateway's event to the answer, in a process that is warm."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from joserfc import jwt
from joserfc.jwk import import_key

from admit.aws.authorizing import Authorizer
from admit.aws.authorizing.settings import read
from admit.errors import Unavailable
from benchmarks.figures import Figure, at_most, ratios, shown
from benchmarks.processes import START_SECONDS
from benchmarks.servers import admit_serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from joserfc.jwk import Key

    from benchmarks.sizes import Sizes

FIRST = 96
"""New tokens in each round; seeding a session for each is what takes time here."""
REPEATS = 16
LOOKS = 20
KEY = "the benchmark's own verifier key 0123456789"
BOUND = 100.0
"""Microseconds of our own that a decision may take."""
STAGE = "arn:aws:execute-api:eu-central-1:123456789012:abcdef123/prod"


def measure(sizes: Sizes) -> list[Figure]:
    sessions = sizes.rounds * FIRST
    with admit_serve(users=8, sessions=sessions, verifier_keys=KEY) as server:
        tokens = [each.access_token for each in server.tokens]
        warm, looking = _authorizer(server.port, "1h"), _authorizer(server.port, "0s")
        for each in (warm, looking):
            _begin(each, _http(tokens[0]))
        key = _key(server.port)
        rounds = [
            _round(warm, looking, key, tokens[start : start + FIRST])
            for start in range(0, sessions, FIRST)
        ]
        for each in (warm, looking):
            each.close()
    joserfc, first, simple, policy, look = zip(*rounds, strict=True)
    return [
        shown("authorizer: a token seen for the first time", " µs", first),
        at_most(
            "authorizer: the same, in proportion to joserfc's jwt.decode",
            " times",
            ratios(first, joserfc),
            1.3,
        ),
        at_most("authorizer: already seen, a simple answer", " µs", simple, BOUND),
        at_most("authorizer: already seen, a policy", " µs", policy, BOUND),
        shown("authorizer: with a look at the feed, over HTTP", " µs", look),
    ]


def _round(
    warm: Authorizer, looking: Authorizer, key: Key, tokens: Sequence[str]
) -> tuple[float, float, float, float, float]:
    joserfc = _time(lambda token: jwt.decode(token, key, algorithms=["ES256"]), tokens)
    first = _time(warm, [_http(each) for each in tokens])
    # Read anew, as a function does with every event: equal texts, but other objects.
    simple = _time(warm, [_http(each.encode().decode()) for each in tokens] * REPEATS)
    policy = _time(warm, [_rest(each.encode().decode()) for each in tokens] * REPEATS)
    look = _time(looking, [_http(each) for each in tokens[:LOOKS]], time.perf_counter)
    return joserfc, first, simple, policy, look


def _time(
    decide: Callable[[Any], object],
    events: Sequence[object],
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Microseconds for one; of our own time, where the clock is the processor's."""
    started = clock()
    for event in events:
        decide(event)
    return (clock() - started) / len(events) * 1e6


def _key(port: int) -> Key:
    """The server's public key."""
    url = f"http://127.0.0.1:{port}/auth/.well-known/jwks.json"
    with urlopen(url, timeout=START_SECONDS) as answer:
        (key,) = json.load(answer)["keys"]
    return import_key(key)


def _begin(authorizer: Authorizer, event: dict[str, Any]) -> None:
    """Have it know the keys and the revocations; the server may still be starting."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            authorizer(event)
        except Unavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _authorizer(port: int, look: str) -> Authorizer:
    environ = {
        "ADMIT_BASE_URL": "http://localhost:8000",
        "ADMIT_AUTHORIZER_URL": f"http://127.0.0.1:{port}/auth",
        "ADMIT_AUTHORIZER_KEY": KEY,
        "ADMIT_AUTHORIZER_LOOK": look,
        "ADMIT_REVOCATION_MAX_AGE": "1h",
    }
    return Authorizer(read(environ))


def _http(token: str) -> dict[str, Any]:
    """What an HTTP API sends, with as many headers as a browser does."""
    headers = {f"x-header-{number}": "some value" for number in range(12)}
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{STAGE}/GET/things/1",
        "identitySource": [f"Bearer {token}"],
        "headers": headers | {"authorization": f"Bearer {token}"},
    }


def _rest(token: str) -> dict[str, Any]:
    """What a REST API sends to an authorizer of type TOKEN."""
    return {
        "type": "TOKEN",
        "authorizationToken": f"Bearer {token}",
        "methodArn": f"{STAGE}/GET/things/1",
    }
