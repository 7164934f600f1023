"""PostgreSQL crashes, stands still and comes back while two hundred browsers refresh."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from .clients import (
    Weather,
    at_rest,
    browsers,
    nobody_is_signed_out,
    nothing_acknowledged_is_lost,
    under_load,
)
from .cluster import SERVE, Place, serving, until
from .conftest import LONG
from .wire import ask

pytestmark = pytest.mark.anyio
CLIENTS = 200
PROCESSES = 2
LONGEST_SECONDS = 2.0
"""How long an answer may take while the server is out, by the issue."""
SLACK_SECONDS = 3.0
"""For a machine on which other things run."""
WEATHER = Weather(leeway=6.0, cut=0.01, thrown_away=0.02, late=0.0, asleep=0.0, idle=0.0, pause=2.0)


@pytest.fixture
def here(own_postgres, tmp_path):
    return Place(tmp_path, database_url=own_postgres.create(), leeway=WEATHER.leeway)


async def test_a_crash_is_503_then_service_and_nothing_acknowledged_is_lost(
    here, own_postgres, dice, figures, long
):
    async def crash(clients):
        await asyncio.to_thread(own_postgres.stop, "immediate")
        await asyncio.sleep(dice.uniform(0.5, 3.0 if long else 1.0))
        async with at_rest(clients):
            await asyncio.to_thread(own_postgres.start)
            await nothing_acknowledged_is_lost(here, clients)

    await survived(here, crash, times=10 if long else 2, dice=dice, figures=figures)


@pytest.mark.skipif(not LONG, reason="FAULTS=long runs it; tests/store stops a server, too")
async def test_a_server_that_stands_still_is_503_then_service(here, own_postgres, dice, figures):
    """Every connection stays open, and nothing comes."""

    async def stand_still(_):
        held = _processes(own_postgres)
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(3.0, 5.0))
        for pid in held:
            os.kill(pid, signal.SIGCONT)

    await survived(here, stand_still, times=5, dice=dice, figures=figures)


async def survived(here, fault, *, times, dice, figures):
    """Load, the fault so many times, and after each of them every process serves."""
    opened = await here.sessions(*(f"user{number}" for number in range(CLIENTS)))
    with serving(here, *[SERVE] * PROCESSES) as servers:
        ports = [each.port for each in servers]
        clients = browsers(opened, ports=ports, dice=dice, figures=figures, weather=WEATHER)
        async with under_load(clients):
            for _ in range(times):
                await asyncio.sleep(dice.uniform(0.5, 1.5))
                await fault(clients)
                figures.count("faults")
                await ready_again(ports, figures)
        await nobody_is_signed_out(here, clients, figures)
    assert figures.spans["answers of 503"]
    if LONG:  # on a machine that does nothing else
        assert max(figures.spans["answers"]) < LONGEST_SECONDS + SLACK_SECONDS
        assert max(figures.spans["answers of 503"]) < LONGEST_SECONDS + SLACK_SECONDS


async def ready_again(ports, figures):
    """Wait until each process says that it serves, with nobody's help."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        for port in ports:
            while (await ask(port, "GET", "/readyz")).status != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    figures.took("until every process was ready again", time.monotonic() - began)


def _processes(server):
    """The server's first process and all that it has started."""
    first = int((server._home / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
    return [first, *map(int, children)]


async def test_a_worker_that_dies_meanwhile_takes_nobody_with_it(here, own_postgres):
    """Its successor can't reach the store, and waits for it as the others do."""
    [tokens] = await here.sessions("ada")
    with serving(here, (*SERVE, "--workers", "2", "--log-level", "info")) as [server]:

        async def both_begun():
            return server.said().count("Application startup complete") == 2

        async def begun():
            return "started without the store" in server.said()

        async def refreshed():
            cookie = {"Cookie": f"admit-refresh={tokens.refresh_token}"}
            return (await ask(server.port, "POST", "/auth/refresh", cookie)).status == 200

        await until(both_begun)
        assert not await begun()
        await asyncio.to_thread(own_postgres.stop, "immediate")
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        await until(begun)
        assert killed not in server.workers()
        assert len(server.workers()) == 2
        await asyncio.to_thread(own_postgres.start)
        assert server.process.poll() is None, server.said()
        await until(refreshed)
