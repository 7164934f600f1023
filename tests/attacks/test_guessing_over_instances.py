"""Guessing through all the instances of a function at once: each guess may get one of its own."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.no_cover,  # eight times what one instance does
    pytest.mark.usefixtures("patient_dynamodb"),
]
INSTANCES = 8
SECRET = "a secret of all the instances 0123456789"
OWNER, STRANGER = "192.0.2.1", "203.0.113.1"


@pytest.fixture
async def instances(serve, dynamodb_url):
    """Eight of them on one table, which know nothing else of each other."""
    async with AsyncExitStack() as stack:
        settings = {"database_url": dynamodb_url, "secret": (SECRET,), "watch": False}
        made = [await stack.enter_async_context(serve(**settings)) for _ in range(INSTANCES)]
        await made[0].register()
        yield made


async def sign_in(service, peer, password, login=EMAIL):
    transport = httpx.ASGITransport(service.auth.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        body = {"login": login, "password": password, "delivery": "body"}
        return (await client.post("/auth/login", json=body)).status_code


async def guessed(instances, count, peer=None):
    """The statuses of as many guesses at once, over all the instances."""
    guesses = [
        sign_in(instances[n % INSTANCES], peer or f"198.51.100.{n}", f"guess {n}")
        for n in range(count)
    ]
    return sorted(await asyncio.gather(*guesses))


async def test_as_many_guesses_get_through_as_the_limit_says(instances):
    assert await guessed(instances, 5 * INSTANCES, STRANGER) == [401] * 5 + [429] * 35
    assert await sign_in(instances[3], STRANGER, PASSWORD) == 429
    assert await sign_in(instances[3], OWNER, PASSWORD) == 200, "the owner is not locked out"


async def test_from_everywhere_the_accounts_limit_holds_in_all_of_them(serve, dynamodb_url):
    """Past it, an address without a failure of its own has one guess, whichever it meets."""
    async with AsyncExitStack() as stack:
        settings = {"database_url": dynamodb_url, "secret": (SECRET,), "watch": False}
        settings |= {"throttle_account": "5/hour"}
        made = [await stack.enter_async_context(serve(**settings)) for _ in range(INSTANCES)]
        await made[0].register()
        assert set(await guessed(made, 3 * INSTANCES)) == {401}
        assert set(await guessed(made[::-1], 3 * INSTANCES)) == {429}


async def test_a_success_gives_its_place_back_to_all(instances):
    """And leaves nothing behind in the table."""
    for n in range(2 * INSTANCES):
        assert await sign_in(instances[n % INSTANCES], OWNER, PASSWORD) == 200
    assert await counted(instances[0]) == []


async def test_what_is_counted_tells_nobodys_login_and_goes_by_itself(instances):
    await sign_in(instances[0], STRANGER, "guess")
    found = await counted(instances[0])
    assert len(found) == 3
    for each in found:
        assert EMAIL not in str(each)
        assert int(each["ttl"]["N"]) > instances[0].clock()


async def test_a_genuine_refresh_asks_nothing_of_the_counters(instances, monkeypatch):
    service = instances[0]
    tokens = await service.sign_in()
    (circuit,) = service.auth.counters._shared
    monkeypatch.setattr(circuit, "take", None)
    assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def counted(service):
    """What is counted of sign-ins in the table."""
    found = (await service.auth.store.table.ask("scan"))["Items"]
    names = ("count#login ", "count#account ", "count#address ")
    return [each for each in found if each["pk"]["S"].startswith(names)]


async def test_a_sign_in_costs_six_writes_of_counters_and_no_read(instances, monkeypatch):
    """A wrong one three, and the next of a guesser six: the first of each item finds it taken."""
    service = instances[0]
    table, asked = service.auth.store.table, []

    async def ask(operation, **parameters):
        key = str(parameters.get("Key", ""))
        if "count#" in key:
            asked.append(operation)
        return await type(table).ask(table, operation, **parameters)

    monkeypatch.setattr(table, "ask", ask)
    assert await sign_in(service, OWNER, PASSWORD) == 200
    assert asked == ["update_item"] * 3 + ["delete_item"] * 3
    asked.clear()
    assert await sign_in(service, STRANGER, "guess") == 401
    assert asked == ["update_item"] * 3
    asked.clear()
    assert await sign_in(service, STRANGER, "guess") == 401
    assert asked.count("update_item") == 6
