"""Verifying an access token, beside joserfc's own `jwt.decode` of the same tokens."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from joserfc import jwt
from joserfc.jwk import import_key

from admit import Admit
from admit.tokens.checker import REMEMBERED
from benchmarks import importing
from benchmarks.figures import Figure, at_least, at_most, ratios, shown
from benchmarks.seed import alone, seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from joserfc.jwk import Key

    from benchmarks.sizes import Sizes

WARM = 64
"""Tokens in use at the same time."""
REPEATS = 16
"""A verification from memory is over too soon to be timed on few."""


def measure(sizes: Sizes) -> list[Figure]:
    with TemporaryDirectory(prefix="bench-") as directory:
        data_dir = Path(directory)
        seed(data_dir, users=1, sessions=1)
        return [*asyncio.run(_measure(data_dir, sizes)), *importing.measure(sizes)]


async def _measure(data_dir: Path, sizes: Sizes) -> list[Figure]:
    async with Admit(alone(data_dir)) as auth:
        tokens = await _tokens(auth)
        for token in islice(tokens, REMEMBERED):
            auth.verify(token)  # a full memory, as on a server that has run for a while
        key = import_key(json.loads(auth.keys.state[-1].row.public))
        rounds = [_round(auth.verify, key, tokens, sizes.calls) for _ in range(sizes.rounds)]
    joserfc, first, warm, same = zip(*rounds, strict=True)
    return [
        shown("verify: joserfc's jwt.decode, ES256", " µs", joserfc),
        at_most(
            "verify: first sight, in proportion to joserfc", " times", ratios(first, joserfc), 1.3
        ),
        at_least(
            "verify: already seen, faster than joserfc by", " times", ratios(joserfc, warm), 50
        ),
        at_most("verify: already seen, the text new each time", " µs", warm, 1.5),
        shown("verify: already seen, the very same object", " µs", same),
    ]


def _round(
    verify: Callable[[str], object], key: Key, tokens: Iterator[str], calls: int
) -> tuple[float, float, float, float]:
    unseen = list(islice(tokens, calls))
    joserfc = _time(lambda token: jwt.decode(token, key, algorithms=["ES256"]), unseen)
    first = _time(verify, unseen)
    texts = [token.encode() for token in unseen[-WARM:]]
    # Decoded anew, as a server does with every request's header: equal, but another object,
    # whose hash has never been taken.
    fresh = [text.decode() for _ in range(calls * REPEATS // WARM) for text in texts]
    warm = _time(verify, fresh)
    return joserfc, first, warm, _time(verify, fresh[:WARM] * (calls * REPEATS // WARM))


def _time(verify: Callable[[str], object], tokens: list[str]) -> float:
    """Microseconds for one."""
    started = time.perf_counter()
    for token in tokens:
        verify(token)
    return (time.perf_counter() - started) / len(tokens) * 1e6


async def _tokens(auth: Admit) -> Iterator[str]:
    """Valid tokens without end, no two alike."""
    account = await auth.accounts.find("user0@example.com")
    assert account is not None
    now = auth.clock()
    (session,) = await auth.sessions.list(account.user.id, now=now)
    return iter(lambda: auth.access.mint(account, session, now=now)[0], None)
