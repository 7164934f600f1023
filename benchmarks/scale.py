"""Ten million sessions: what a refresh takes, what a session takes, and purging a million of them.

Not among the parts that run by themselves: it takes an hour, and about 8 GB of disk.
The tables are filled behind the store's back, as its own verbs would have filled them; everything
that is timed goes through the engine, with real tokens.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from array import array
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg
import uvloop

from admit import watch
from admit.engine import Engine
from admit.upkeep import PURGE_GRACE
from admit.watch import PURGE_PAUSE, PURGE_ROWS
from benchmarks.figures import Figure, at_most, shown
from benchmarks.filling import DAY, SAMPLE, SQLITE, Filling, copy, filled, insert, settings
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.filling import Fill
    from benchmarks.sizes import Sizes

    Bytes = Callable[[str], int]

CLIENTS = 4
GOAL = 1.5
"""Latency with many sessions, in proportion to that with few."""
PURGE_GOAL = 2.0
PAUSE = 0.005
"""Between a client's refreshes: the latency is wanted, not the most that goes."""


def measure(sizes: Sizes) -> list[Figure]:
    watch.PURGE_SECONDS = DAY  # purging is measured by itself
    figures = _sqlite(sizes)
    server = PostgresServer()
    try:
        return figures + _compared("PostgreSQL", sizes, server.create, copy, _postgres_bytes)
    finally:
        server.close()


def _sqlite(sizes: Sizes) -> list[Figure]:
    with TemporaryDirectory(prefix="bench-") as home:
        number = itertools.count()
        return _compared(
            "SQLite",
            sizes,
            lambda: f"{SQLITE}{home}/{next(number)}.db",
            insert,
            lambda url: Path(url.removeprefix(SQLITE)).stat().st_size,
        )


def _compared(
    store: str, sizes: Sizes, new: Callable[[], str], fill: Fill, taken: Bytes
) -> list[Figure]:
    """Rounds with few and with many sessions in turn, then a purge in the larger."""
    few, many = new(), new()
    tokens = {few: filled(few, Filling(living=SAMPLE), fill)}
    empty = taken(few)
    large = Filling(living=sizes.sessions, expired=sizes.purged)
    tokens[many] = filled(many, large, fill)
    each = (taken(many) - empty) / (sizes.sessions + sizes.purged - SAMPLE)
    took: dict[str, list[array[float]]] = {few: [], many: []}
    for _ in range(sizes.scale_rounds + 1):
        for url, rounds in took.items():
            rounds.append(_refreshed(url, tokens[url], sizes.scale_refreshes))
    quiet = _refreshed(many, tokens[many], sizes.scale_refreshes)
    busy, gone, seconds = _purged(many, tokens[many], sizes.purged)
    name = f"scale: {store}"
    before, after = took[few][1:], took[many][1:]  # the first round warms up
    figures = [
        shown(f"{name}, sessions", "", [sizes.sessions + sizes.purged]),
        shown(f"{name}, bytes a session, indexes included", " B", [each]),
    ]
    for percent in (50, 99):
        low, high = ([_percentile(one, percent) for one in rounds] for rounds in (before, after))
        proportions = [there / here for here, there in zip(low, high, strict=True)]
        figures += [
            shown(f"{name}, refresh p{percent}, {SAMPLE:,} sessions", " ms", low),
            shown(f"{name}, refresh p{percent}, many sessions", " ms", high),
            at_most(f"{name}, refresh p{percent}, many to few", "", proportions, GOAL),
        ]
    ratio = _percentile(busy, 99) / _percentile(quiet, 99)
    return [
        *figures,
        shown(f"{name}, purged while serving", " rows", [gone]),
        shown(f"{name}, that took", " s", [seconds]),
        at_most(f"{name}, refresh p99 while purging, to quiet", "", [ratio], PURGE_GOAL),
    ]


def _postgres_bytes(url: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute("SELECT pg_total_relation_size('admit.sessions')").fetchone()
        assert row
        return int(row[0])


def _refreshed(url: str, tokens: list[str], count: int) -> array[float]:
    """Seconds that each of so many refreshes took; the tokens are replaced by the newest."""

    async def together() -> array[float]:
        async with Engine(settings(url)) as engine:
            took: array[float] = array("d")
            asked = iter(random.Random(7).choices(range(len(tokens)), k=count))
            await asyncio.gather(*(_client(engine, tokens, asked, took) for _ in range(CLIENTS)))
            return took

    return uvloop.run(together())


async def _client(
    engine: Engine, tokens: list[str], asked: Iterator[int], took: array[float]
) -> None:
    for slot in asked:
        token, tokens[slot] = tokens[slot], ""
        if not token:
            continue  # another client has it, and without leeway two are one too many
        begun = time.perf_counter()
        fresh = await engine.sessions.refresh(
            token, now=time.time(), idempotency_key=secrets.token_hex(8)
        )
        took.append(time.perf_counter() - begun)
        tokens[slot] = fresh.refresh_token
        await asyncio.sleep(PAUSE)


def _purged(url: str, tokens: list[str], count: int) -> tuple[array[float], int, float]:
    """Refreshes while a server's own purge goes on until nothing is left of it."""

    async def together() -> tuple[array[float], int, float]:
        async with Engine(settings(url)) as engine:
            took: array[float] = array("d")
            chosen = random.Random(11)
            over = False

            def asked() -> Iterator[int]:
                while not over:
                    yield chosen.randrange(len(tokens))

            stream = asked()
            clients = asyncio.gather(
                *(_client(engine, tokens, stream, took) for _ in range(CLIENTS))
            )
            begun, gone = time.perf_counter(), 0
            while gone < count:
                deleted = await engine.purge(rows=PURGE_ROWS, grace=PURGE_GRACE)
                gone += deleted
                if not deleted:
                    break
                await asyncio.sleep(PURGE_PAUSE)
            seconds = time.perf_counter() - begun
            over = True
            await clients
            return took, gone, seconds

    return uvloop.run(together())


def _percentile(took: array[float], percent: int) -> float:
    """In milliseconds."""
    return quantiles(took, n=100, method="inclusive")[percent - 1] * 1000
