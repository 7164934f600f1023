"""Verifying an access token, beside joserfc's own `jwt.decode` of the same tokens."""

from __future__ import annotations

import asyncio
import json
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
from benchmarks.peers.minted import Minted
from benchmarks.peers.verifying import REPEATS, WARM, fresh, microseconds
from benchmarks.seed import alone, seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from joserfc.jwk import Key

    from benchmarks.sizes import Sizes


def measure(sizes: Sizes) -> list[Figure]:
    with TemporaryDirectory(prefix="bench-") as directory:
        data_dir = Path(directory)
        seed(data_dir, users=1, sessions=1)
        return [*asyncio.run(_measure(data_dir, sizes)), *importing.measure(sizes)]


async def _measure(data_dir: Path, sizes: Sizes) -> list[Figure]:
    async with Admit(alone(data_dir)) as auth:
        minted = await Minted.by(auth)
        for token in islice(minted, REMEMBERED):
            auth.verify(token)  # a full memory, as on a server that has run for a while
        key = import_key(json.loads(auth.keys.state[-1].row.public))
        rounds = [
            _round(auth.verify, key, islice(minted, sizes.calls)) for _ in range(sizes.rounds)
        ]
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
    verify: Callable[[str], object], key: Key, tokens: Iterable[str]
) -> tuple[float, float, float, float]:
    unseen = list(tokens)
    joserfc = microseconds(lambda token: jwt.decode(token, key, algorithms=["ES256"]), unseen)
    first = microseconds(verify, unseen)
    times = len(unseen) * REPEATS // WARM
    # As a server makes one of every request's header: equal, but another object.
    again = fresh(unseen[-WARM:] * times)
    warm = microseconds(verify, again)
    return joserfc, first, warm, microseconds(verify, again[:WARM] * times)
