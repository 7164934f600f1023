"""Refreshing on PostgreSQL, in proportion to pgbench running the bare statement.

Both ask the same server in the same round, one after the other, with as many clients: pgbench from
C with prepared statements, one statement and one commit for each client; Admit from Python,
reading the refresh token, judging, and signing an access token for each one that it moves.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import uvloop

from admit import Admit, Settings
from benchmarks import scripts
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import round_of
from benchmarks.seed import PASSWORD, address
from benchmarks.servers import admit_serve
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

CLIENTS = (1, 8, 64)
GOAL = 0.5
"""Refreshes for each bare statement, with 64 clients."""
ROWS = 2_000
MOST_SECONDS = 60
SECRET = "a secret of the benchmarks 0123456789abcdef"
BARE = """\
\\set row random(1, {rows})
UPDATE admit.sessions
SET generation = generation + 1, rotated_at = 1.0, retry_key = NULL,
    expires_at = least(1e10, ends_at)
WHERE id = 'bare-' || :row AND generation <= 1000000000 AND ended_at IS NULL AND expires_at > 1.0
  AND (generation < 1000000000 OR rotated_at <= 1.0 OR rotated_at >= 1.0)
RETURNING *;
"""
FILL = """
INSERT INTO admit.sessions
SELECT 'bare-' || n, (SELECT min(id) FROM admit.users), 0, 0, NULL, 0, 1e10, 1e10, NULL, NULL, 0,
       '["pwd"]', NULL, NULL
FROM generate_series(1, {rows}) AS n
"""


def measure(sizes: Sizes) -> list[Figure]:
    server = PostgresServer()
    try:
        return _measured(server, sizes)
    finally:
        server.close()


def _measured(server: PostgresServer, sizes: Sizes) -> list[Figure]:
    url = server.create()
    tokens = _seed(url, max(CLIENTS))
    database = url.rpartition("/")[2]
    server.sql(FILL.format(rows=ROWS), database)
    server.sql("VACUUM ANALYZE", database)
    bare: dict[int, list[float]] = {count: [] for count in CLIENTS}
    ours: dict[int, list[float]] = {count: [] for count in CLIENTS}
    for _ in range(sizes.postgres_rounds):
        for count in CLIENTS:
            bare[count].append(_pgbench(server, database, count, sizes.seconds))
            ours[count].append(_engine(url, tokens, count, sizes.seconds))
    figures = []
    for count in CLIENTS:
        clients = f"{count} client{'s' if count > 1 else ''}"
        figures += [
            shown(f"postgres: bare statement, {clients}", "/s", bare[count]),
            shown(f"postgres: refresh, {clients}", "/s", ours[count]),
            _proportion(f"postgres: in proportion, {clients}", count, ours[count], bare[count]),
        ]
    return figures + _over_http(server, url, database, tokens, sizes)


def _proportion(name: str, count: int, ours: list[float], bare: list[float]) -> Figure:
    proportions = ratios(ours, bare)
    return (
        at_least(name, "", proportions, GOAL)
        if count == max(CLIENTS)
        else shown(name, "", proportions)
    )


def _over_http(
    server: PostgresServer, url: str, database: str, tokens: list[str], sizes: Sizes
) -> list[Figure]:
    """The same through `admit serve`, whose one process also speaks HTTP."""
    count = max(CLIENTS)
    served, bare = [], []
    with admit_serve(users=1, sessions=0, database_url=url, secret=SECRET) as http:
        for _ in range(sizes.postgres_rounds + 1):
            bare.append(_pgbench(server, database, count, sizes.seconds))
            refreshing = [
                scripts.refreshing(token, _into(tokens, slot)) for slot, token in enumerate(tokens)
            ]
            served.append(round_of(http, refreshing, sizes.seconds))
    rates = [each.per_second for each in served[1:]]
    return [
        shown(f"postgres: POST /auth/refresh, {count} connections", "/s", rates),
        shown(f"postgres: POST /auth/refresh, in proportion, {count}", "", ratios(rates, bare[1:])),
        shown("postgres: POST /auth/refresh, p99", " ms", [each.p99 for each in served[1:]]),
    ]


def _settings(url: str) -> Settings:
    # No leeway: a token that rests would be answered without a write.
    return Settings.load(
        environ={}, dotenv=None, database_url=url, secret=(SECRET,), throttle=False, leeway=0
    )


def _seed(url: str, sessions: int) -> list[str]:
    """The refresh tokens of new sessions."""

    async def fill() -> list[str]:
        async with Admit(_settings(url)) as auth:
            email = address(0)
            await auth.accounts.register(email=email, password=PASSWORD, now=time.time())
            account = await auth.accounts.find(email)
            assert account is not None
            opened = [await auth.sessions.open(account, now=time.time()) for _ in range(sessions)]
            return [each.refresh_token for each in opened]

    return asyncio.run(fill())


def _engine(url: str, tokens: list[str], count: int, seconds: float) -> float:
    """Refreshes a second, each client with a session of its own; the newest tokens are kept."""

    async def client(auth: Admit, slot: int, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            fresh = await auth.sessions.refresh(tokens[slot], now=time.time())
            tokens[slot] = fresh.refresh_token
            done += 1
        return done

    async def together() -> float:
        async with Admit(_settings(url)) as auth:
            for slot in range(count):  # connections and plans are made beforehand
                fresh = await auth.sessions.refresh(tokens[slot], now=time.time())
                tokens[slot] = fresh.refresh_token
            started = time.perf_counter()
            until = started + seconds
            clients = (client(auth, slot, until) for slot in range(count))
            done = sum(await asyncio.gather(*clients))
            return done / (time.perf_counter() - started)

    return uvloop.run(together())


def _pgbench(server: PostgresServer, database: str, clients: int, seconds: float) -> float:
    """Bare statements a second.

    On a machine that is busy a second may be over before all clients are connected; then it is
    asked again for twice as long.
    """
    asked, told = max(1, round(seconds)), ""
    while asked < MOST_SECONDS:
        told = _told_by_pgbench(server, database, clients, asked)
        found = re.search(r"tps = ([\d.]+)", told)
        if found and float(found[1]):
            return float(found[1])
        asked *= 2
    raise RuntimeError(told)


def _told_by_pgbench(server: PostgresServer, database: str, clients: int, seconds: int) -> str:
    load = ("-c", str(clients), "-j", str(min(2, clients)), "-T", str(seconds))
    address = ("-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", database)
    with NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(BARE.format(rows=ROWS))
        script.flush()
        return subprocess.run(
            [server.program("pgbench"), "-n", "-M", "prepared", "-f", script.name, *load, *address],
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def _into(tokens: list[str], slot: int) -> Callable[[str], None]:
    """Keeps the session's newest token, with which the next round goes on."""

    def keep(token: str) -> None:
        tokens[slot] = token

    return keep
