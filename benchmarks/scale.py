"""Ten million sessions: what a refresh takes, what a session takes, and purging a million of them.

Not among the parts that run by themselves: it takes an hour, and about 8 GB of disk.
The tables are filled behind the store's back, as its own verbs would have filled them; everything
that is timed goes through the engine, with real tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import secrets
import sqlite3
import time
from array import array
from base64 import urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg
import uvloop

from admit import Settings, watch
from admit.engine import Engine
from admit.model import Session
from admit.stores import rows
from admit.tokens import refresh
from admit.upkeep import PURGE_GRACE
from admit.watch import PURGE_PAUSE, PURGE_ROWS
from benchmarks.figures import Figure, at_most, shown
from benchmarks.seed import PASSWORD, address
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.sizes import Sizes

    Row = rows.Row
    Fill = Callable[[str, Iterator[Row]], None]
    Bytes = Callable[[str], int]

SECRET = "a secret of the benchmarks 0123456789abcdef"
CLIENTS = 4
SAMPLE = 10_000
"""Sessions that have tokens, spread evenly over all of them."""
GOAL = 1.5
"""Latency with many sessions, in proportion to that with few."""
PURGE_GOAL = 2.0
DAY = 86_400.0
PAUSE = 0.005
"""Between a client's refreshes: the latency is wanted, not the most that goes."""


def measure(sizes: Sizes) -> list[Figure]:
    watch.PURGE_SECONDS = DAY  # purging is measured by itself
    figures = _sqlite(sizes)
    server = PostgresServer()
    try:
        return figures + _compared("PostgreSQL", sizes, server.create, _copy, _postgres_bytes)
    finally:
        server.close()


def _sqlite(sizes: Sizes) -> list[Figure]:
    with TemporaryDirectory(prefix="bench-") as home:
        number = itertools.count()
        return _compared(
            "SQLite",
            sizes,
            lambda: f"sqlite:///{home}/{next(number)}.db",
            _insert,
            lambda url: Path(url.removeprefix("sqlite:///")).stat().st_size,
        )


def _compared(
    store: str, sizes: Sizes, new: Callable[[], str], fill: Fill, taken: Bytes
) -> list[Figure]:
    """Rounds with few and with many sessions in turn, then a purge in the larger."""
    few, many = new(), new()
    tokens = {few: _filled(few, SAMPLE, 0, fill)}
    empty = taken(few)
    tokens[many] = _filled(many, sizes.sessions, sizes.purged, fill)
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


def _settings(url: str) -> Settings:
    # No leeway: a token that rests would be answered without a write.
    return Settings.load(
        environ={}, dotenv=None, database_url=url, secret=(SECRET,), throttle=False, leeway=0
    )


def _filled(url: str, sessions: int, expired: int, fill: Fill) -> list[str]:
    """A database with so many sessions; the tokens of the sample."""

    async def begin() -> tuple[str, list[str], list[Session]]:
        engine = Engine(_settings(url))
        async with engine:
            now = time.time()
            user = await engine.accounts.register(email=address(0), password=PASSWORD, now=now)
            handles = [refresh.new_handle() for _ in range(SAMPLE)]
            sample = [_session(refresh.session_id(handle), user.id, now) for handle in handles]
            codec = engine.sessions._tokens  # noqa: SLF001  only a benchmark makes them by hand
            pairs = zip(handles, sample, strict=True)
            return user.id, [codec.of(handle, each) for handle, each in pairs], sample

    user_id, tokens, sample = asyncio.run(begin())
    fill(url, _all(user_id, sample, sessions - SAMPLE, expired))
    return tokens


def _session(session_id: str, user_id: str, now: float) -> Session:
    return Session(
        id=session_id,
        user_id=user_id,
        generation=0,
        rotated_at=now,
        retry_key=None,
        opened_at=now,
        expires_at=now + 7 * DAY,
        ends_at=now + 30 * DAY,
        ended_at=None,
        ended_because=None,
        auth_time=now,
        amr=("pwd",),
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ip="192.0.2.7",
    )


def _all(user_id: str, sample: list[Session], others: int, expired: int) -> Iterator[Row]:
    """Rows of the SESSION columns: the sample spread evenly among the others."""
    now = time.time()
    like = list(rows.session_row(_session("", user_id, now)))
    places = {name.strip(): at for at, name in enumerate(rows.SESSION.split(","))}
    every = max(1, (others + expired) // len(sample))
    left = iter(sample)
    for number in range(others + expired):
        like[0] = _name(number)
        over = number * expired // (others + expired) != (number + 1) * expired // (
            others + expired
        )
        like[places["ends_at"]] = now - 3 * DAY if over else now + 30 * DAY
        like[places["expires_at"]] = now - 3 * DAY if over else now + 7 * DAY
        yield tuple(like)
        if number % every == 0 and (one := next(left, None)):
            yield rows.session_row(one)
    for one in left:
        yield rows.session_row(one)


def _name(number: int) -> str:
    digest = hashlib.sha256(number.to_bytes(8, "big")).digest()[:16]
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _insert(url: str, made: Iterator[Row]) -> None:
    """Into SQLite, with nothing that would make it slow and safe."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4000000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        db.executemany(
            f"INSERT INTO sessions ({rows.SESSION}) VALUES ({rows.marks(rows.SESSION)})", made
        )
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode = WAL")


def _copy(url: str, made: Iterator[Row]) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        with db.cursor().copy(f"COPY admit.sessions ({rows.SESSION}) FROM STDIN") as copy:
            for row in made:
                copy.write_row(row)
        db.execute("VACUUM (ANALYZE) admit.sessions")
        db.execute("CHECKPOINT") if _superuser(db) else None


def _superuser(db: psycopg.Connection[Any]) -> bool:
    return db.execute("SHOW is_superuser").fetchone() == ("on",)


def _postgres_bytes(url: str) -> int:
    with psycopg.connect(url) as db:
        row = db.execute("SELECT pg_total_relation_size('admit.sessions')").fetchone()
        assert row
        return int(row[0])


def _refreshed(url: str, tokens: list[str], count: int) -> array[float]:
    """Seconds that each of so many refreshes took; the tokens are replaced by the newest."""

    async def together() -> array[float]:
        async with Engine(_settings(url)) as engine:
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
        async with Engine(_settings(url)) as engine:
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
