"""Four processes on one store, fifty browsers with three tabs each, a bad network, and thieves."""

import asyncio
import random
import time
from collections import Counter

import pytest

from .clients import Weather, browsers, under_load
from .cluster import SERVE, serving
from .cluster import until as come_about
from .thieves import Thief, settle
from .wire import ask

pytestmark = pytest.mark.anyio
CLIENTS = 50
THIEVES = 12
PROCESSES = 4


async def test_no_honest_client_is_signed_out_and_every_thief_is_caught(place, dice, figures, long):
    """And only the stolen session ends: the user's other one lives."""
    weather = Weather(leeway=4.0 if long else 3.0)
    here = place(leeway=weather.leeway)
    users = [f"user{number}" for number in range(CLIENTS)]
    opened = await here.sessions(*users, *users)
    others = {users[number]: opened[CLIENTS + number] for number in range(CLIENTS)}
    with serving(here, *[SERVE] * PROCESSES) as servers:
        ports = [each.port for each in servers]
        clients = browsers(
            opened[:CLIENTS], ports=ports, dice=dice, figures=figures, weather=weather, keyless=2
        )
        deadline = time.monotonic() + (30 if long else 6)
        thieves = await storm(clients, ports=ports, dice=dice, figures=figures, until=deadline)
        await asyncio.gather(*map(settle, thieves))

        honest = clients[THIEVES:]
        await asyncio.gather(*(each.refresh(storm=False) for each in honest if each.going))
        assert [each.signed_out for each in honest] == [None] * len(honest)
        await nothing_stolen_works(thieves, ports)
        for number in range(THIEVES):
            await lives(others[users[number]], ports)
    caught = Counter(await here.thefts())
    assert caught == {each.victim.session_id: 1 for each in thieves}
    assert figures.wrong == []
    figures.count("sessions of honest clients", len(honest))
    figures.count("honest clients signed out", sum(each.signed_out is not None for each in honest))
    figures.count("thieves", THIEVES)
    figures.count("thieves caught", len(caught))


async def storm(clients, *, ports, dice, figures, until):
    """All of them at once, up to the deadline; the first clients are stolen from."""
    thieves = []

    async def steal(number):
        await asyncio.sleep(dice.uniform(0.2, (until - time.monotonic()) * 0.4))
        thief = Thief(
            clients[number],
            ports=ports,
            dice=random.Random(dice.getrandbits(64)),
            figures=figures,
            patient=number % 2 == 0,
        )
        thieves.append(thief)
        await thief.live(until)

    async with under_load(clients):
        await asyncio.gather(*(steal(number) for number in range(THIEVES)))
        await asyncio.sleep(until - time.monotonic())
    return thieves


async def nothing_stolen_works(thieves, ports):
    """Neither the thief's tokens nor the owner's: refresh at once, access within a second or so."""
    for thief in thieves:
        if thief.owner_was_ahead:
            assert thief.refused == "reuse_detected"
        for token in (thief.token, thief.victim.jar.token):
            answer = await refreshed(ports[0], token)
            assert (answer.status, answer.json().get("reason")) == (401, "reuse_detected")
    for port in ports:
        for token in {token for thief in thieves for token in access_tokens(thief)}:

            async def refused(port=port, token=token):
                bearer = {"Authorization": f"Bearer {token}"}
                return (await ask(port, "GET", "/auth/me", bearer)).status == 401

            await come_about(refused)


def access_tokens(thief):
    return [each for each in (thief.access_token, thief.victim.jar.access_token) if each]


async def lives(tokens, ports):
    assert (await refreshed(ports[0], tokens.refresh_token)).status == 200


async def refreshed(port, token):
    return await ask(port, "POST", "/auth/refresh", {"Cookie": f"admit-refresh={token}"})
