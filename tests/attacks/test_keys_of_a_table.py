"""One table holds everything in DynamoDB: reaching for another item by a clever name for one's own.

Users, sessions, keys and the feed are told apart by how their keys begin. What comes from outside
is only ever the end of such a key, and DynamoDB takes neither an empty one, nor one that is too
long, nor one that is not Unicode: each of them has to be nobody's, and no error.
"""

import json

import pytest

from admit.stores.dynamodb import DynamoDBStore, items
from admit.testing import samples
from admit.testing.http_caller import refused
from admit.testing.samples import NOW
from admit.testing.store_rotation import rotate
from admit.testing.store_sessions import history, sign_in

from .forging import session_id

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]

NAMES = (
    "",
    "#",
    "-",
    "head",
    "feed",
    "keys",
    "schema",
    "emails",
    "user#id-ada",
    "id-ada#s#session-one",
    "s#session-one",
    "session#session-one",
    "session-one\0",
    "\0",
    ":id",
    "x OR attribute_exists(pk)",
    "\ud800",
    "é" * 600,
    "x" * 1_001,
    "x" * 100_000,
    "🦊" * 50_000,
)
SECRET = ("of-thirty-two-bytes-or-more-0123456789",)
SURROGATES = {"\ud800"}


@pytest.fixture
async def store(dynamodb_url):
    store = DynamoDBStore(dynamodb_url)
    await store.start()
    yield store
    await store.close()


async def everything(store):
    """Every item that there is."""
    return sorted((await store.table.ask("scan"))["Items"], key=str)


async def test_no_name_reaches_another_item(store):
    """It is nobody's, wherever it stands, and changes nothing."""
    await samples.opened(store)
    await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    await samples.opened(store, "two")
    assert await store.save_keys([samples.signing_key("kid")], seen=[])
    before = await everything(store)
    for name in NAMES:
        for by in ("id", "email", "username"):
            assert await store.find_user(by, name) is None
        assert await store.find_session(name) is None
        assert await rotate(store, name) is None
        assert await store.list_sessions(name, now=NOW) == []
        assert await store.events(user_id=name) == []
        for ending in (samples.ending(session_id=name), samples.ending(user_id=name)):
            assert await store.end_sessions(ending, now=NOW) == []
        assert await store.list_users(search=f"?{name}", after=name, limit=5) == []
    assert await everything(store) == before


async def test_no_session_opens_for_such_a_name(store):
    """There is no account behind it."""
    before = await everything(store)
    for name in NAMES:
        if not set(name) & SURROGATES:
            assert not await sign_in(store, samples.session("new", user_id=name[:900]))
    assert await everything(store) == before


async def test_two_names_that_cannot_be_kept_are_two(store):
    """What stands for a name that is too long stands for that one alone."""
    long = "x" * 2_000
    for index, key in enumerate((f"{long}1", f"{long}2")):
        account = samples.account(str(index), email_key=key, username_key=key)
        assert await store.add_user(account, event=samples.event("user_registered")) is None
        found = await store.find_user("email", key)
        assert found is not None
        assert found.user.id == f"id-{index}"
    again = samples.account("again", email_key=f"{long}1")
    assert await store.add_user(again, event=samples.event("user_registered")) == "email"
    stands_for = items.bounded(f"{long}1")
    assert await store.find_user("email", stands_for) is None
    assert await store.find_user("username", stands_for) is None


@pytest.mark.parametrize("reason", ["x OR attribute_exists(pk)", ":now", '"}], "j": "', "\0"])
async def test_a_value_is_never_read_as_an_expression(store, reason):
    """It comes back as it went in."""
    made = samples.session(user_agent=reason, ip=reason)
    await samples.add(store, "ada")
    assert await sign_in(store, made)
    assert await store.find_session(made.id) == made
    event = samples.event(reason=reason, user_agent=reason, detail={"kid": reason})
    await store.record(event)
    assert (await store.events(limit=1))[0].detail == {"kid": reason}
    before = await history(store)
    assert await store.end_sessions(samples.ending(session_id=reason), now=NOW) == []
    assert await history(store) == before


async def test_no_login_is_more_than_unknown(serve, dynamodb_url):
    """Over HTTP: refused as any other, never an error of the server's."""
    async with serve(database_url=dynamodb_url, secret=SECRET, throttle="off") as service:
        await service.register()
        for name in NAMES:
            for login in (name, f"{name}@example.com"):
                # Everything escaped: a lone surrogate too, which UTF-8 can't hold.
                body = json.dumps({"login": login, "password": "seven pale lanterns"}).encode()
                headers = {"Content-Type": "application/json"}
                answer = await service.send("POST", "/login", content=body, headers=headers)
                assert answer.status_code in {400, 401, 413, 422}, answer.text


async def test_no_session_id_is_more_than_unknown(serve, dynamodb_url):
    """The id of a session that lives is only ever compared."""
    async with serve(database_url=dynamodb_url, secret=SECRET) as service:
        await service.register()
        ada = await service.sign_in()
        mine = session_id(ada["access_token"])
        for name in ("%00", f"{mine}%00", f"session%23{mine}", "x" * 5_000, "%ED%A0%80", "feed"):
            answer = await service.send("DELETE", f"/sessions/{name}", bearer=ada["access_token"])
            refused(answer, 404, "not_found")
        assert await service.me(ada["access_token"]) == 200
