"""What does not fit into one request: many sessions, many accounts, a feed that others move."""

import asyncio
import threading
import time

import msgspec
import pytest

from admit.errors import Unavailable
from admit.stores.dynamodb import feed, items, reads, sessions
from admit.stores.dynamodb import store as stores
from admit.testing import samples
from admit.testing.samples import DAY, NOW
from admit.testing.store_sessions import history, sign_in
from tests.emulators import opened
from tests.servers import PATIENCE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]

MANY = 120
CHANGED = samples.account(password_version=1, password_hash="another")
ENDING = samples.ending(user_id="id-ada", because="password_changed")


@pytest.fixture
def url(moto_server, aws_credentials):
    return moto_server.url()


@pytest.fixture
async def other(url):
    """Straight to the emulator."""
    async with opened(url) as store:
        yield store


@pytest.fixture
async def store(other, moto_server, wire):
    """The same table, over a line that counts and fails."""
    async with opened(moto_server.url(other.table.name, endpoint=wire.endpoint)) as store:
        yield store
        wire.rule = lambda _: None


@pytest.fixture
def few(monkeypatch):
    """A transaction ends two sessions, and a look finds two items."""
    monkeypatch.setattr(stores, "ENDS_AT_ONCE", 2)
    monkeypatch.setattr(reads, "MOST", 2)


async def many(store, count):
    """So many sessions, put as a sign-in leaves them: moto copies its table for a transaction."""
    await samples.opened(store, "000", opened_at=NOW)
    for index in range(1, count):
        made = samples.session(f"{index:03}", opened_at=NOW + index)
        for item in (items.session_item(made), items.pointer_item(made)):
            await store.table.ask("put_item", Item=item)


async def living(store):
    return [each.id for each in await store.list_sessions("id-ada", now=NOW + MANY)]


def after(passes, does, operation="TransactWriteItems"):
    """A rule that lets the first few of an operation pass."""
    left = [None] * passes

    def rule(asked):
        if asked != operation:
            return None
        return left.pop() if left else does

    return rule


async def test_more_sessions_than_a_transaction_holds_end_with_the_change(store, wire):
    """All 120, each with its revocation and its event, in as few transactions as there must be."""
    await many(store, MANY)
    wire.seen.clear()
    assert await store.save_user(CHANGED, ending=ENDING)
    assert wire.count("TransactWriteItems") == MANY / stores.ENDS_AT_ONCE
    assert await living(store) == []
    entries = (await store.revocations(after=0, now=NOW)).entries
    assert [each.seq for each in entries] == list(range(1, MANY + 1))
    assert len({each.subject for each in entries}) == MANY
    assert len(await store.events(kind="session_ended", limit=1_000)) == MANY
    ended = [await store.find_session(f"session-{index:03}") for index in (0, 60, 119)]
    assert {each and each.ended_because for each in ended} == {"password_changed"}


async def test_a_change_that_dies_half_way_is_no_change(store, other, wire, few):
    """Whichever transaction is lost: the password is the old one as long as a session lives."""
    count = 7
    await samples.add(store, "ada")
    for passes in range(4):
        version = passes
        for index in range(count):
            made = samples.session(f"{passes}-{index}", opened_at=NOW + index)
            assert await sign_in(store, made, password_version=version)
        wire.rule = after(passes, "lose")
        change = msgspec.structs.replace(CHANGED, version=version, password_version=version + 1)
        with pytest.raises(Unavailable):
            await store.save_user(change, ending=ENDING)
        wire.rule = lambda _: None
        held = await other.find_user("id", "id-ada")
        assert held is not None
        assert held.password_version == version
        assert len(await living(other)) == count - 2 * passes
        assert await store.save_user(change, ending=ENDING)  # a retry does the rest
        assert await living(other) == []


async def test_a_change_that_loses_to_another_ends_nothing_of_many(store, other, wire, few):
    """Where its account has moved on meanwhile, the older sessions live too."""
    await many(store, 7)
    held = hold(wire)
    changing = asyncio.create_task(store.save_user(CHANGED, ending=ENDING))
    await sent(wire, "TransactWriteItems")
    assert await other.save_user(samples.account())
    held.set()
    assert not await changing
    assert len(await living(other)) == 7


async def test_who_signs_in_while_the_sessions_are_counted_is_thrown_out_too(store, other, wire):
    """The change sees that somebody came, and looks again."""
    await samples.opened(store)
    held = hold(wire)
    changing = asyncio.create_task(store.save_user(CHANGED, ending=ENDING))
    await sent(wire, "TransactWriteItems")
    assert await sign_in(other, samples.session("late"))
    wire.rule = lambda _: None
    held.set()
    assert await changing
    assert await living(other) == []
    assert (await samples.found(other, "session-late")).ended_because == "password_changed"


@pytest.mark.parametrize("shown", ["account and session", "account"])
async def test_a_sign_in_of_which_not_all_is_shown_yet_is_thrown_out_too(store, other, wire, shown):
    """What a transaction wrote shows one item after the other: the account before the session."""
    await samples.opened(store)
    late = samples.session("late")
    assert await sign_in(other, late)
    hidden = [items.pointer_item(late)]
    if shown == "account":
        hidden.append(items.session_item(late))
    for item in hidden:
        key = {name: item[name] for name in ("pk", "sk")}
        await other.table.ask("delete_item", Key=key)
    held = hold(wire)
    changing = asyncio.create_task(store.save_user(CHANGED, ending=ENDING))
    await sent(wire, "TransactWriteItems")
    for item in hidden:
        await other.table.ask("put_item", Item=item)
    wire.rule = lambda _: None
    held.set()
    assert await changing
    assert await living(other) == []
    assert (await samples.found(other, "session-late")).ended_because == "password_changed"


async def test_a_session_that_ends_meanwhile_keeps_its_own_reason(store, other, wire):
    """The change looks again, and succeeds; nothing is told twice."""
    await samples.opened(store)
    held = hold(wire)
    changing = asyncio.create_task(store.save_user(CHANGED, ending=ENDING))
    await sent(wire, "TransactWriteItems")
    assert await other.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    wire.rule = lambda _: None
    held.set()
    assert await changing
    assert (await samples.found(other, "session-one")).ended_because == "signed_out"
    assert (await history(other))[1] == 1


async def test_many_sessions_end_by_a_command(store, wire):
    """In several steps, each whole."""
    await many(store, 65)
    wire.seen.clear()
    ended = await store.end_sessions(samples.ending(user_id="id-ada"), now=NOW)
    assert len(set(ended)) == 65
    assert wire.count("TransactWriteItems") == 3
    assert await living(store) == []


async def test_the_list_holds_so_many_of_the_newest(store, monkeypatch, few):
    """A thousand, of which no more is read than has to be."""
    monkeypatch.setattr(sessions, "MOST_LISTED", 3)
    await many(store, 6)
    assert await living(store) == ["session-005", "session-004", "session-003"]


async def test_more_accounts_than_a_transaction_holds(store, wire):
    """Added in their order; one that is taken keeps no other back."""
    accounts = [samples.account(f"n{index:03}") for index in range(60)]
    accounts[30] = msgspec.structs.replace(accounts[30], email_key=accounts[5].email_key)
    wire.seen.clear()
    answers = await store.add_users(accounts, event=samples.event("user_registered"))
    assert [index for index, each in enumerate(answers) if each] == [30]
    assert answers[30] == "email"
    assert wire.count("TransactWriteItems") <= 5
    found = await store.list_users(search="", after="", limit=100)
    assert [each.user.id for each in found] == [
        each.user.id for index, each in enumerate(accounts) if index != 30
    ]


async def test_what_dynamodb_leaves_out_for_now_is_asked_for_again(store, monkeypatch):
    """A look at many items may come back in part."""
    await many(store, 5)
    asks = store.table.ask

    async def in_part(operation, **given):
        if operation != "batch_get_item":
            return await asks(operation, **given)
        ((name, wanted),) = given["RequestItems"].items()
        first, *rest = wanted["Keys"]
        answer = await asks(operation, RequestItems={name: {**wanted, "Keys": [first]}})
        return answer | {"UnprocessedKeys": {name: {**wanted, "Keys": rest}} if rest else {}}

    monkeypatch.setattr(store.table, "ask", in_part)
    assert len(await living(store)) == 5
    monkeypatch.setattr("admit.stores.dynamodb.table.TRIES", 2)
    with pytest.raises(Unavailable):
        await living(store)


async def test_a_reader_between_two_reads_misses_nothing(store, other, wire):
    """What it read as the head is old by then; up to that head, everything is there."""
    for name in ("one", "two", "three", "four"):
        await samples.opened(other, name)
    for name in ("one", "two"):
        await end(other, name)
    held = hold(wire, "Query")
    reading = asyncio.create_task(store.revocations(after=0, now=NOW))
    await sent(wire, "Query")
    for name in ("three", "four"):
        await end(other, name)
    held.set()
    seen = await reading
    assert seen.head == 2
    assert [each.subject for each in seen.entries] == ["session-one", "session-two"]
    rest = await store.revocations(after=seen.head, now=NOW)
    assert [each.subject for each in rest.entries] == ["session-three", "session-four"]


@pytest.mark.parametrize("lost", ["PutItem", "TransactWriteItems"])
async def test_an_ending_that_is_lost_at_any_step_loses_no_other(store, other, wire, lost):
    """Neither while the one before it is put aside, nor after; none is told twice."""
    for name in ("one", "two", "three"):
        await samples.opened(other, name)
    await end(other, "one")
    wire.rule = after(0, "lose", lost)
    with pytest.raises(Unavailable):
        await end(store, "two")
    assert await subjects(other) == ["session-one"]
    await end(other, "three")
    wire.rule = lambda _: None
    await end(store, "two")
    assert await subjects(other) == ["session-one", "session-three", "session-two"]


async def test_a_head_that_others_moved_is_read_again(store, other, wire):
    """The ending takes the next number: none is given twice."""
    for name in ("one", "two"):
        await samples.opened(other, name)
    held = hold(wire)
    ending = asyncio.create_task(end(store, "one"))
    await sent(wire, "TransactWriteItems")
    await end(other, "two")
    wire.rule = lambda _: None
    held.set()
    await ending
    entries = (await other.revocations(after=0, now=NOW)).entries
    assert [(each.seq, each.subject) for each in entries] == [
        (1, "session-two"),
        (2, "session-one"),
    ]


async def test_an_address_that_changes_between_two_pages_is_listed_once(
    store, other, wire, monkeypatch
):
    """A query is no single moment: DynamoDB refuses a look at one account twice."""
    asks = store.table.ask

    async def small(operation, **given):
        return await asks(operation, **given | ({"Limit": 1} if operation == "query" else {}))

    monkeypatch.setattr(store.table, "ask", small)
    for name in ("ada", "bob"):
        await samples.add(other, name)
    held = threading.Event()
    wire.rule = after(1, held, "Query")
    listing = asyncio.create_task(store.list_users(search="example", after="", limit=10))
    await sent(wire, "Query", 2)
    assert await other.save_user(samples.account(email_key="zoe@example.com"))
    held.set()
    assert [each.user.id for each in await listing] == ["id-ada", "id-bob"]


async def test_what_was_put_aside_for_nothing_is_purged_once(store, other, wire):
    """The head has it too: it is one revocation, and counts as one."""
    for name in ("one", "two"):
        await samples.opened(other, name)
    await end(other, "one")
    wire.rule = after(0, "lose")
    with pytest.raises(Unavailable):
        await end(store, "two")
    wire.rule = lambda _: None
    assert await other.purge(now=NOW + 3_600, events_before=0.0, limit=25) == 1
    found = (await other.table.ask("scan"))["Items"]
    (head,) = [each for each in found if each["pk"]["S"] == "feed"]
    assert (head["sk"]["S"], "j" in head) == ("head", False)
    assert (await feed.head(other.table)).seq == 1


async def test_an_event_id_that_another_drew_is_drawn_again(store, monkeypatch):
    """Neither event is lost, nor what belongs to the same step."""
    drawn = iter([7, 7, 8, 8, 9, 9, 10, 11])
    monkeypatch.setattr("admit.stores.dynamodb.trail.ids.next", lambda: next(drawn))
    await store.record(samples.event(reason="first"))
    await store.record(samples.event(reason="second"))
    await samples.add(store, "ada")
    assert await store.find_user("id", "id-ada") == samples.account()
    await samples.opened(store)
    assert [each.id for each in await store.events()] == [10, 9, 8, 7]


async def test_the_trail_is_read_no_further_than_it_has_to_be(store, wire, monkeypatch):
    """A day behind `since`, for a clock that was wrong; not to its beginning."""
    monkeypatch.setattr("admit.stores.dynamodb.trail.PAGE", 2)
    for days in (9, 8, 7, 6, 5, 0.5, 3, 0.25):
        await store.record(samples.event(at=NOW - days * DAY))
    wire.seen.clear()
    found = await store.events(since=NOW - DAY)
    assert [each.at for each in found] == [NOW - 0.25 * DAY, NOW - 0.5 * DAY]
    assert wire.count("Query") == 3
    wire.seen.clear()
    assert len(await store.events(limit=3)) == 3
    assert wire.count("Query") == 1


async def test_a_count_looks_at_so_many_events_and_says_since_when_that_is_all(
    store, wire, monkeypatch
):
    """What was recorded long after the span is passed by, and costs nothing of that."""
    monkeypatch.setattr("admit.stores.dynamodb.trail.PAGE", 2)
    monkeypatch.setattr("admit.stores.dynamodb.trail.COUNTED", 4)
    since = float(int(time.time()) + 3_600)
    for minutes in range(6):
        await store.record(samples.event("signed_in", at=since + minutes * 60))

    async def counted(since, until):
        found = await store.count_events(kinds=["signed_in"], since=since, until=until, step=60)
        return {each.step: each.events for each in found.counts}, found.since

    wire.seen.clear()
    assert await counted(since, since + 600) == ({2: 1, 3: 1, 4: 1, 5: 1}, since + 120)
    assert wire.count("Query") == 2
    assert await counted(since - 7_200, since - 4_000) == ({}, since - 7_200)
    assert await counted(since + 240, since + 600) == ({0: 1, 1: 1}, since + 240)


async def test_event_ids_only_grow_and_javascript_can_read_them(store):
    from admit.stores.dynamodb.trail import Ids

    ids = Ids()
    drawn = [ids.next() for _ in range(10_000)]
    assert drawn == sorted(set(drawn))
    assert drawn[-1] < 2**53
    assert int(items.event_sort(drawn[-1])) == drawn[-1]


async def test_a_changed_username_is_found_and_the_old_one_is_free(store):
    """And an address likewise; a search finds what holds now."""
    await samples.add(store, "ada")
    assert await store.save_user(samples.account(username_key="lovelace"))
    assert await store.find_user("username", "ada") is None
    assert [each.user.id for each in await store.list_users(search="lovel", after="", limit=9)]
    moved = samples.account(version=1, username_key="lovelace", email_key="l@example.com")
    assert await store.save_user(moved)
    assert await store.find_user("email", "ada@example.com") is None
    assert (await store.find_user("email", "l@example.com")) is not None
    user = msgspec.structs.replace(samples.account().user, id="id-new")
    new = samples.account(user=user)
    assert await store.add_user(new, event=samples.event("user_registered")) is None


def hold(wire, operation="TransactWriteItems"):
    """Hold the next requests of this operation, unsent, until what it returns is set."""
    held = threading.Event()
    wire.seen.clear()
    wire.rule = after(0, held, operation)
    return held


async def end(store, name):
    ended = await store.end_sessions(samples.ending(session_id=f"session-{name}"), now=NOW)
    assert ended == [f"session-{name}"]


async def subjects(store):
    return [each.subject for each in (await store.revocations(after=0, now=NOW)).entries]


async def sent(wire, operation, times=1):
    async with asyncio.timeout(PATIENCE):
        while wire.count(operation) < times:  # noqa: ASYNC110  another thread counts
            await asyncio.sleep(0.005)
