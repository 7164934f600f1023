"""What a request asks of the table, in the units that AWS bills: the figures of docs/aws.md."""

import re
from collections import Counter
from pathlib import Path

import httpx
import pytest

from admit import Admit
from admit.stores.dynamodb import items
from admit.stores.dynamodb.table import Table
from admit.testing.http_caller import EMAIL, PASSWORD, Clock
from tests.cheap import cheap

pytestmark = pytest.mark.anyio
SECRET = "a secret of the units 0123456789 abcdefgh"
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "aws.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \|[^|]+\| *([\d ,a-z]*?) *\| *([\d ,a-z]*?) *\|$", re.MULTILINE)
FIGURE = re.compile(r"(\d+)(?: to (\d+))?(?:, and (\d+).*)?")
TOLD = {what: figures for what, *figures in ROW.findall(PAGE)}
WRITES = {"Put", "Update", "Delete", "put_item", "update_item", "delete_item"}


def units(operation, asked):
    """What AWS counts, for items of up to 1 KB: in a transaction each write is two."""
    if operation == "transact_write_items":
        found: Counter[str] = Counter()
        for action in asked["TransactItems"]:
            ((verb, given),) = action.items()
            assert verb in WRITES
            found += Counter(writes=2, index="g" in given.get("Item", ()))
        return found
    if operation in WRITES:
        return Counter(writes=1, index="g" in asked.get("Item", ()))
    assert operation in {"get_item", "query"}
    if asked.get("Key") == items.KEYS:
        return Counter()  # once in 10 s, whoever signs or verifies then
    return Counter(reads=1)


def figure(text):
    """The least and the most that the page says, and what comes on top for the index."""
    found = FIGURE.fullmatch(text or "0")
    assert found, text
    least, most, index = found.groups()
    return int(least), int(most or least), int(index or 0)


class Told:
    """Sends requests to one engine, and says whether each took what the page says."""

    def __init__(self, client, counted):
        self._client = client
        self._counted = counted

    async def __call__(self, what, method, path, *, status, **how):
        self._counted.clear()
        answer = await self._client.request(method, path, **how)
        assert answer.status_code == status, answer.text
        self._client.cookies.clear()
        writes, reads = TOLD[what]
        least, most, index = figure(writes)
        assert least <= self._counted["writes"] <= most, self._counted
        assert self._counted["index"] == index, self._counted
        least, most, _ = figure(reads)
        assert least <= self._counted["reads"] <= most, self._counted
        return answer.json() if answer.content else None


async def test_a_request_takes_the_units_that_the_page_says(
    dynamodb_url, monkeypatch, patient_dynamodb
):
    counted: Counter[str] = Counter()
    clock, ask = Clock(), Table.ask

    async def counting(table, operation, **asked):
        counted.update(units(operation, asked))
        return await ask(table, operation, **asked)

    settings = cheap(database_url=dynamodb_url, secret=SECRET)
    async with Admit(settings, clock=clock, watch=False) as auth:
        transport = httpx.ASGITransport(auth.app)
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            monkeypatch.setattr(Table, "ask", counting)
            await everything(Told(client, counted), clock)


async def everything(told, clock):
    """Each at first, and where others came just before it."""
    ada = {"email": EMAIL, "password": PASSWORD}
    for other in (ada, {**ada, "email": "b@example.com"}, {**ada, "email": "c@example.com"}):
        await told("registration", "POST", "/auth/register", status=201, json=other)
    named = {**ada, "email": "d@example.com", "username": "dora"}
    await told("registration", "POST", "/auth/register", status=201, json=named)

    right, wrong = {"login": EMAIL, "password": PASSWORD}, {"login": EMAIL, "password": "not this"}

    async def signed_in():
        how = {"json": {**right, "delivery": "body"}}
        return await told("sign-in", "POST", "/auth/login", status=200, **how)

    first = await signed_in()
    await told("wrong password", "POST", "/auth/login", status=401, json=wrong)
    await told("wrong password", "POST", "/auth/login", status=401, json=wrong)
    second = await signed_in()

    bearers = [{"Authorization": f"Bearer {each['access_token']}"} for each in (first, second)]
    await told("`GET /me`", "GET", "/auth/me", status=200, headers=bearers[0])
    clock.advance(1)
    await told("`GET /me`", "GET", "/auth/me", status=200, headers=bearers[0])
    await told("`readyz`", "GET", "/readyz", status=200)
    clock.advance(1)
    await told("`readyz`", "GET", "/readyz", status=200)

    clock.advance(15)
    token = {"Refresh-Token": second["refresh_token"]}
    await told("refresh, won or lost", "POST", "/auth/refresh", status=200, headers=token)
    await told("refresh, won or lost", "POST", "/auth/refresh", status=200, headers=token)
    for bearer in bearers:
        await told("signing one session out", "POST", "/auth/logout", status=204, headers=bearer)
