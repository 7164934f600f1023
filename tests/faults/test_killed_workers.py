"""`kill -9` of one worker after the other while two hundred browsers refresh through the others."""

import asyncio
import os
import signal
import time

import pytest

from .clients import (
    Weather,
    at_rest,
    browsers,
    nobody_is_signed_out,
    nothing_acknowledged_is_lost,
    under_load,
)
from .cluster import SERVE, serving

pytestmark = pytest.mark.anyio
CLIENTS = 200
WORKERS = 4
WEATHER = Weather(leeway=6.0, cut=0.01, thrown_away=0.02, late=0.0, asleep=0.0, idle=0.0, pause=2.0)
"""A calm network: here it is the servers that break."""


async def test_clients_retry_and_none_is_signed_out(place, dice, figures, long):
    """Nothing that was answered is lost, and the workers come back by themselves."""
    here = place(leeway=WEATHER.leeway)
    opened = await here.sessions(*(f"user{number}" for number in range(CLIENTS)))
    with serving(here, (*SERVE, "--workers", str(WORKERS))) as [server]:
        ports = [server.port]
        clients = browsers(opened, ports=ports, dice=dice, figures=figures, weather=WEATHER)
        async with under_load(clients):
            for _ in range(100 if long else 5):
                await asyncio.sleep(dice.uniform(0, 0.4))
                os.kill(dice.choice(await all_there(server)), signal.SIGKILL)
                figures.count("workers killed")
                async with at_rest(clients):
                    await nothing_acknowledged_is_lost(here, clients)
        await all_there(server)
        await nobody_is_signed_out(here, clients, figures)


async def all_there(server):
    """The workers, as soon as the supervisor has another in the place of each that is gone."""
    deadline = time.monotonic() + 60
    while len(found := server.workers()) < WORKERS:
        assert server.process.poll() is None, server.said()
        assert time.monotonic() < deadline, server.said()
        await asyncio.sleep(0.02)
    return found
