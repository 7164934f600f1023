"""What the store in DynamoDB writes: one unit for a refresh, and everything exactly."""

import math

import msgspec
import pytest
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from admit.stores.dynamodb import expressions, items
from admit.testing import samples, store_rotation
from admit.testing.samples import ABSOLUTE, DAY, NOW
from admit.testing.store_rotation import KEY, LATER
from admit.testing.store_sessions import sign_in
from tests.emulators import opened

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]

UNIT = 1_024
"""Bytes that a write unit holds."""
WRITES = ("UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")


@pytest.fixture
async def store(moto_server, wire, aws_credentials):
    async with opened(moto_server.url(endpoint=wire.endpoint)) as store:
        yield store


async def rotated(*args, **given):
    """The rotation of a session that is there."""
    rotation = await store_rotation.rotate(*args, **given)
    assert rotation is not None
    return rotation


def size(item):
    """How large DynamoDB finds an item, in bytes: names, and values by their type, rounded up."""
    return sum(
        len(name.encode()) + _size(*pair) for name, each in item.items() for pair in each.items()
    )


def _size(kind, value):
    if kind == "N":  # two digits a byte, and one or two beside them
        digits = value.partition("e")[0].replace(".", "").lstrip("-")
        return math.ceil(len(digits) / 2) + 2
    return len(value) if kind == "B" else len(value.encode())


def largest(**changes):
    """A session as large as one can be."""
    fields = {
        "id": "x" * 22,
        "user_id": "f" * 32,
        "generation": 2**53,
        "rotated_at": 1_800_000_000.123456,
        "retry_key": bytes(32),
        "opened_at": 1_800_000_000.123456,
        "expires_at": 1_800_000_000.123456,
        "ends_at": 1_800_000_000.123456,
        "auth_time": 1_800_000_000.123456,
        "amr": ("pwd", "otp", "hwk", "user"),
        "user_agent": "ÿ" * 256,
        "ip": "2001:0db8:ffff:ffff:ffff:ffff:255.255.255.255%interface0",
    }
    return samples.session(**{**fields, **changes})


async def test_a_refresh_is_one_write_and_one_read(store, wire):
    """Whatever it carries: the index, the account and the trail are not touched."""
    await samples.opened(store)
    await rotated(store)
    for generation, retry_key in ((1, KEY), (2, None)):
        wire.seen.clear()
        rotation = await rotated(store, generation=generation, retry_key=retry_key)
        assert rotation.won
        assert wire.seen == ["UpdateItem", "GetItem"]


async def test_a_refresh_that_writes_nothing_is_judged_by_the_same_two(store, wire):
    """The answer that refuses shows the item: nothing is read once more for it."""
    await samples.opened(store)
    await rotated(store)
    wire.seen.clear()
    rotation = await rotated(store)
    assert not rotation.won
    assert rotation.session.generation == 1
    assert wire.seen == ["UpdateItem", "GetItem"]


async def test_a_refresh_changes_no_attribute_that_the_index_has(store):
    """DynamoDB writes an index where one of its attributes changes, and only there."""
    made = await samples.opened(store)
    key = items.session_key(made.id)
    before = (await store.table.ask("get_item", Key=key))["Item"]
    await rotated(store, retry_key=KEY)
    after = (await store.table.ask("get_item", Key=key))["Item"]
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"n", "r", "d", "k"}
    assert not changed & {"pk", "sk", "g", "h"}


@pytest.mark.parametrize("agent", ["x" * 256, "ÿ" * 256, "☃" * 256, "🦊" * 5_000])
async def test_the_largest_session_fits_into_one_unit(store, agent):
    """Whoever sends the header; what does not fit of a user agent is cut between characters."""
    made = largest(user_agent=agent)
    await samples.add(store, "ada")
    user = msgspec.structs.replace(samples.account("max").user, id=made.user_id)
    account = samples.account("max", user=user)
    assert await store.add_user(account, event=samples.event("user_registered")) is None
    assert await sign_in(store, made)
    rotation = await rotated(store, made.id, generation=2**53, retry_key=bytes(32), now=NOW - 1)
    assert rotation.won
    item = (await store.table.ask("get_item", Key=items.session_key(made.id)))["Item"]
    assert size(item) < UNIT - 100
    kept = rotation.session.user_agent or ""
    assert agent.startswith(kept)
    assert len(kept.encode()) > items.USER_AGENT_BYTES - 4 or kept == agent


async def test_instants_are_kept_to_the_bit(store):
    """No decimal fraction is rounded on the way: a float comes back as itself."""
    await samples.add(store, "ada")
    for index, fraction in enumerate((0.1, 0.2 + 0.1, 1 / 3, math.nextafter(1.0, 0.0), 2**-20)):
        instant = NOW + fraction
        made = samples.session(
            str(index),
            opened_at=instant,
            rotated_at=instant,
            expires_at=instant + DAY,
            ends_at=ABSOLUTE,
        )
        assert await sign_in(store, made)
        assert await store.find_session(made.id) == made
        event = samples.event("signed_in", at=instant)
        await store.record(event)
        assert msgspec.structs.replace((await store.events(limit=1))[0], id=0) == event


async def test_a_sign_in_writes_four_items_in_one_request(store, wire):
    """The account's counter, the session, what points to it, and the event."""
    await samples.opened(store)
    wire.seen.clear()
    wire.bodies.clear()
    assert await sign_in(store, samples.session("two"))
    assert wire.seen == ["TransactWriteItems"]
    assert len(wire.bodies[0]["TransactItems"]) == 4


async def test_a_look_at_the_feed_is_one_read(store, wire):
    """Also where it asks for the last entry again, as the watch does."""
    await samples.opened(store)
    await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    wire.seen.clear()
    assert len((await store.revocations(after=0, now=NOW)).entries) == 1
    assert (await store.revocations(after=1, now=NOW)).entries == []
    assert wire.seen == ["GetItem", "GetItem"]


async def test_looking_for_what_is_over_never_looks_through_the_table(store, wire):
    """A purge of nothing costs five small reads, however much lives."""
    for index in range(5):
        await samples.opened(store, str(index))
    wire.seen.clear()
    assert await store.purge(now=NOW, events_before=0.0, limit=25) == 0
    assert wire.count("Scan") == 0
    assert sorted(wire.seen) == ["GetItem", "GetItem", "Query", "Query", "Query"]


async def test_everything_that_may_go_says_when(store):
    """An hour after its end, in whole seconds; what must stay says nothing."""
    await samples.opened(store)
    await samples.opened(store, "two")
    for name in ("one", "two"):  # the second puts the first one's revocation aside
        await store.end_sessions(samples.ending(session_id=f"session-{name}"), now=NOW)
    await store.save_keys([samples.signing_key("kid")], seen=[])
    found = (await store.table.ask("scan"))["Items"]
    ends = {
        "session": math.ceil(ABSOLUTE) + 3_600,
        "events": math.ceil(NOW + 90 * DAY) + 3_600,
        "feed": math.ceil(NOW + 3_600) + 3_600,
    }
    told: dict[str, set[int]] = {}
    for each in found:
        if "ttl" in each:
            told.setdefault(each["pk"]["S"].partition("#")[0], set()).add(int(each["ttl"]["N"]))
    assert told == {name: {end} for name, end in ends.items()}
    stays = {each["pk"]["S"].partition("#")[0] for each in found if "ttl" not in each}
    assert stays == {"emails", "feed", "keys", "schema", "user", "username"}


def test_no_expression_has_a_reserved_word():
    """DynamoDB refuses an expression that names an attribute so."""
    reserved = {each.upper() for each in ReservedKeywords.get_reserved_keywords()}
    account = items.account_values(samples.account(disabled_at=NOW))
    session = items.session_item(samples.session(retry_key=KEY))
    event = items.event_item(samples.event("signed_in", user_id="id-ada"), kept=DAY)
    names = {*account, *session, *event, "v", "c", "l", "j", "f", "n", "t"} - {"ttl"}
    assert not {each.upper() for each in names} & reserved
    assert "ttl" not in " ".join(
        vars(expressions)[name]
        for name in vars(expressions)
        if name.isupper() and isinstance(vars(expressions)[name], str)
    )


async def test_a_refresh_long_after_the_last_is_the_same_two(store, wire):
    """Nothing is done beside it now and then."""
    await samples.opened(store)
    wire.seen.clear()
    for generation in range(20):
        assert (await rotated(store, generation=generation, now=LATER + generation)).won
    assert wire.count(*WRITES) == 20
    assert wire.seen == ["UpdateItem", "GetItem"] * 20
