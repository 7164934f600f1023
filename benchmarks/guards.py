"""What a guard costs a request in each framework, beside what is usual there.

Every app of a framework answers the same bytes (benchmarks/guarded); they are loaded in turn, with
a token that was seen before on each request, on the bare one too.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmarks import scripts
from benchmarks.figures import Figure, at_least, at_most, ratios, shown
from benchmarks.guarded import ASKING, BARE, BARE_REST, HELLO, IDLE, OURS, OURS_REST, TOKENS, USUAL
from benchmarks.rounds import CONNECTIONS, Round, round_of
from benchmarks.servers import by_gunicorn, by_uvicorn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load import Script
    from benchmarks.servers import Server
    from benchmarks.sizes import Sizes

ANSWER_SECONDS = 60.0
SESSIONS = 64
BARE_GOAL = 1.15
USUAL_GOAL = 1.5
IDLING = "a guard that does nothing"
"""What the framework itself asks for a guard, whoever writes it."""


class Framework(NamedTuple):
    name: str
    usual: str
    """What is usual there."""
    besides: dict[str, str]
    """Routes that only explain: what each has."""


FRAMEWORKS = {
    "fastapi": Framework("FastAPI", "PyJWT in a dependency", {IDLE: IDLING}),
    "starlette": Framework("Starlette", "PyJWT in a decorator", {}),
    "litestar": Framework("Litestar", "PyJWT in a guard", {IDLE: IDLING}),
    "flask": Framework("Flask", "Flask-JWT-Extended", {}),
    "django": Framework(
        "Django",
        "simplejwt, stateless",
        {
            BARE_REST: "REST framework, bare",
            OURS_REST: "REST framework, ours",
            ASKING: "simplejwt, asking for the user",
        },
    ),
}
UNGUARDED = {BARE, IDLE, BARE_REST}
WITH_OURS = {BARE, IDLE, OURS, OURS_REST}
"""Which get a token of ours; the others get one of theirs."""
WSGI = {"flask", "django"}


def measure(sizes: Sizes) -> list[Figure]:
    return [figure for module in FRAMEWORKS for figure in framework(module, sizes)]


def framework(module: str, sizes: Sizes) -> list[Figure]:
    framework = FRAMEWORKS[module]
    routes = [BARE, OURS, USUAL, *framework.besides]
    serving = by_gunicorn if module in WSGI else by_uvicorn
    with serving(f"benchmarks.guarded.{module}:app", users=1, sessions=SESSIONS) as server:
        ours = [each.access_token for each in server.tokens]
        usual: list[str] = json.loads(_answer(server, TOKENS))
        presented = {route: ours if route in WITH_OURS else usual for route in routes}
        _check(server, presented)
        return _figures(framework, _rounds(server, presented, sizes))


def _rounds(
    server: Server, presented: dict[str, list[str]], sizes: Sizes
) -> dict[str, list[Round]]:
    """What each route does with these tokens; the first round warms up."""
    rounds: dict[str, list[Round]] = {route: [] for route in presented}
    for _ in range(sizes.guard_rounds + 1):
        for route, tokens in presented.items():
            rounds[route].append(round_of(server, _calling(route, tokens), sizes.guard_seconds))
    return {route: measured[1:] for route, measured in rounds.items()}


def _check(server: Server, presented: dict[str, list[str]]) -> None:
    """A guard that lets everybody in would be quick, and so would an app that does something else.

    Raises:
        RuntimeError: that is so.
    """
    for route, (token, *_) in presented.items():
        if (answer := json.loads(_answer(server, route, token))) != HELLO:
            raise RuntimeError(f"{route} answers something else: {answer}")
    for route in presented.keys() - UNGUARDED:
        try:
            _answer(server, route)
        except HTTPError as error:
            error.close()
            if error.code == HTTPStatus.UNAUTHORIZED:
                continue
        raise RuntimeError(f"{route} does not refuse who has no token")


def _answer(server: Server, route: str, token: str | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = Request(f"http://127.0.0.1:{server.port}{route}", headers=headers)
    with urlopen(request, timeout=ANSWER_SECONDS) as answer:
        body: bytes = answer.read()
        return body


def _calling(route: str, tokens: Sequence[str]) -> list[Script]:
    """Each connection starts with another token, so that all of them are in use at once."""
    starts = range(0, len(tokens), len(tokens) // CONNECTIONS)
    return [scripts.guarded(route, [*tokens[start:], *tokens[:start]]) for start in starts]


def _figures(framework: Framework, rounds: dict[str, list[Round]]) -> list[Figure]:
    name = f"guards: {framework.name}"
    told = {BARE: "bare", OURS: "ours", USUAL: framework.usual, **framework.besides}
    rates = {route: [each.per_second for each in measured] for route, measured in rounds.items()}
    spent = {route: [each.processor for each in measured] for route, measured in rounds.items()}
    bare, ours, usual = (rates[route] for route in (BARE, OURS, USUAL))
    return [
        *(shown(f"{name}, {told[route]}", "/s", measured) for route, measured in rates.items()),
        at_most(f"{name}, a request to a bare one", "", ratios(bare, ours), BARE_GOAL),
        at_least(f"{name}, as fast as {told[USUAL]}", " times", ratios(ours, usual), USUAL_GOAL),
        *(
            shown(f"{name}, {told[route]}, the server's processor time", " µs", measured)
            for route, measured in spent.items()
        ),
    ]
