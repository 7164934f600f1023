"""DynamoDB refuses, is late, is gone, or its answer is lost: what is then asked again."""

import asyncio
import threading

import pytest

from admit.errors import SettingsError, Unavailable
from admit.stores import patience
from admit.stores.dynamodb import DynamoDBStore
from admit.stores.dynamodb import table as tables
from admit.testing import samples
from admit.testing.samples import NOW
from admit.testing.store_rotation import rotate
from admit.testing.store_sessions import history, sign_in
from tests.servers import PATIENCE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]

THROTTLED = (400, "ProvisionedThroughputExceededException")
BROKEN = (500, "InternalServerError")
DENIED = (400, "AccessDeniedException")


@pytest.fixture
async def store(moto_server, wire, aws_credentials):
    store = DynamoDBStore(moto_server.url(endpoint=wire.endpoint))
    await store.start()
    await samples.opened(store)
    wire.seen.clear()
    yield store
    wire.rule = lambda _: None
    await store.close()


def first(times, does, operation=""):
    """A rule for the first few requests, of this operation only where one is named."""
    left = [does] * times
    return lambda asked: left.pop() if left and operation in asked else None


def code(caught):
    """With which code DynamoDB refused."""
    return caught.value.__cause__.response["Error"]["Code"]


@pytest.mark.parametrize(
    "refusal",
    [
        THROTTLED,
        (400, "ThrottlingException"),
        (400, "RequestLimitExceeded"),
        (400, "TransactionConflictException"),
    ],
)
async def test_what_is_refused_for_now_is_asked_again(store, wire, refusal):
    """DynamoDB did nothing, so a refresh that is asked again is no reuse."""
    wire.rule = first(3, refusal)
    rotation = await rotate(store)
    assert rotation is not None
    assert rotation.won
    assert wire.count("UpdateItem") == 4


async def test_what_its_caller_waits_for_no_longer_is_seen_through(store, wire):
    """Before a process is frozen: an hour later it would be written in the middle of another."""
    held, request = threading.Event(), patience.Patience()
    request.left = 0.01
    wire.rule = lambda _: held
    with request, pytest.raises(Unavailable):
        await rotate(store)
    settled = asyncio.create_task(patience.settle(PATIENCE))
    await asyncio.sleep(0)
    assert not settled.done()
    held.set()
    await settled
    assert not store.table._asked


async def test_what_is_refused_all_the_time_is_unavailable(store, wire):
    """After a bounded number of tries, with when to try again, and why in its cause."""
    wire.rule = lambda _: THROTTLED
    with pytest.raises(Unavailable) as caught:
        await rotate(store)
    assert wire.count("UpdateItem") == tables.TRIES
    assert caught.value.retry_after == 1
    assert code(caught) == THROTTLED[1]


@pytest.mark.parametrize("failure", ["lose answer", BROKEN, (503, "ServiceUnavailable")])
async def test_a_refresh_whose_answer_is_lost_is_not_asked_again(store, wire, failure):
    """It may have been made: asked again, it would look like a token that is used twice."""
    wire.rule = first(1, failure)
    with pytest.raises(Unavailable):
        await rotate(store)
    assert wire.count("UpdateItem") == 1
    made = (await samples.found(store, "session-one")).generation
    assert made == (1 if failure == "lose answer" else 0)


@pytest.mark.parametrize("failure", ["lose", "lose answer", BROKEN])
async def test_a_read_is_asked_again(store, wire, failure):
    """It can't happen twice."""
    wire.rule = first(2, failure)
    assert await store.find_session("session-one") is not None
    assert wire.count("GetItem") == 3


@pytest.mark.parametrize("failure", ["lose", BROKEN])
async def test_a_transaction_is_asked_again_with_its_token(store, wire, failure):
    """By which DynamoDB knows it; each transaction has another one."""
    wire.bodies.clear()
    wire.rule = first(1, failure, "TransactWriteItems")
    await samples.opened(store, "two")
    await samples.opened(store, "three")
    tokens = [each["ClientRequestToken"] for each in wire.bodies if "TransactItems" in each]
    assert len(tokens) == 3
    assert len(set(tokens)) == 2


@pytest.mark.parametrize("failure", ["lose", "lose answer", BROKEN])
async def test_an_event_is_recorded_once_however_often_it_is_put(store, wire, failure):
    """It has one id for all of its tries, and finds itself there."""
    before, _ = await history(store)
    wire.rule = first(2, failure, "PutItem")
    await store.record(samples.event(reason="lost"))
    assert wire.count("PutItem") == 3
    assert (await history(store))[0] == before + 1


async def test_an_ending_outlasts_a_lost_answer(store, wire):
    """Whichever of its writes it is: a thief's session is not to live on for that."""
    await samples.opened(store, "two")
    await store.end_sessions(samples.ending(session_id="session-two"), now=NOW)
    wire.rule = first(1, "lose answer", "PutItem")
    assert await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    assert len((await store.revocations(after=0, now=NOW)).entries) == 2


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
async def test_a_transaction_that_meets_another_is_asked_again(store, wire, reason):
    """It is the same one: it has the same token."""
    wire.bodies.clear()
    cancelled = (400, "TransactionCanceledException", "None", reason, "None", "None")
    wire.rule = first(2, cancelled, "TransactWriteItems")
    await samples.opened(store, "two")
    tokens = [each["ClientRequestToken"] for each in wire.bodies if "TransactItems" in each]
    assert len(tokens) == 3
    assert len(set(tokens)) == 1


async def test_a_condition_that_fails_beside_a_conflict_has_failed(store, wire):
    """Asking again would change nothing of it."""
    reasons = ("ConditionalCheckFailed", "TransactionConflict", "None", "None")
    cancelled = (400, "TransactionCanceledException", *reasons)
    wire.rule = lambda asked: cancelled if asked == "TransactWriteItems" else None
    assert not await sign_in(store, samples.session("two"))
    assert wire.count("TransactWriteItems") == 1


async def test_a_head_that_others_move_all_the_time_is_unavailable(store, wire, monkeypatch):
    """After a bounded number of tries; nothing is ended meanwhile."""
    monkeypatch.setattr("admit.stores.dynamodb.commits.TRIES", 3)
    reasons = ("None", "None", "None", "ConditionalCheckFailed")
    cancelled = (400, "TransactionCanceledException", *reasons)
    wire.rule = lambda asked: cancelled if asked == "TransactWriteItems" else None
    with pytest.raises(Unavailable, match="try again"):
        await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    assert wire.count("TransactWriteItems") == 3
    assert (await samples.found(store, "session-one")).ended_at is None


@pytest.mark.parametrize("refusal", [DENIED, (400, "ExpiredTokenException")])
async def test_what_will_not_change_is_asked_once(store, wire, refusal):
    """No right, or credentials that are over: the cause says so."""
    wire.rule = lambda _: refusal
    with pytest.raises(Unavailable) as caught:
        await rotate(store)
    assert wire.seen == ["UpdateItem"]
    assert code(caught) == refusal[1]


async def test_a_table_that_is_gone_is_unavailable(store):
    """It says so in the cause, and `check` as well."""
    await store.table.ask("delete_table")
    for ask in (lambda: rotate(store), store.check, lambda: store.find_user("id", "id-ada")):
        with pytest.raises(Unavailable) as caught:
            await ask()
        assert code(caught) == "ResourceNotFoundException"


async def test_a_store_that_may_not_write_is_not_well(store, wire):
    """Reading is not enough for `check`."""
    wire.rule = lambda operation: DENIED if operation == "UpdateItem" else None
    assert await store.find_session("session-one") is not None
    with pytest.raises(Unavailable):
        await store.check()


async def test_a_check_leaves_nothing(store):
    """Its condition never holds."""
    before = (await store.table.ask("scan"))["Count"]
    await store.check()
    assert (await store.table.ask("scan"))["Count"] == before


async def test_an_endpoint_that_is_gone_is_unavailable(
    moto_server, aws_credentials, monkeypatch, kept_port
):
    """Nothing listens there: tried a few times, since nothing was sent."""
    store = DynamoDBStore(moto_server.url(endpoint=f"http://127.0.0.1:{kept_port}"))
    with pytest.raises(Unavailable):
        await store.start()
    with pytest.raises(Unavailable):  # and nothing is left open
        await store.find_session("session-one")


async def test_who_has_waited_long_enough_is_told(store, wire, monkeypatch):
    """The store's time is over, though DynamoDB still holds the request: 1.5 seconds as shipped."""
    held = threading.Event()
    wire.rule = lambda _: held
    monkeypatch.setattr(patience, "SECONDS", 0.05)
    with pytest.raises(Unavailable, match="in time") as caught:
        await rotate(store)
    assert isinstance(caught.value.__cause__, TimeoutError)
    held.set()


async def test_an_answer_that_does_not_come_is_given_up(
    moto_server, wire, aws_credentials, monkeypatch
):
    """By the thread too: none hangs for longer than it may, and a refresh isn't asked again."""
    store = DynamoDBStore(moto_server.url(endpoint=wire.endpoint))
    await store.start()
    await samples.opened(store)
    await store.close()
    monkeypatch.setattr(tables, "ANSWER_SECONDS", 0.2)
    await store.table.open()
    held = threading.Event()
    wire.rule = lambda _: held
    wire.seen.clear()
    with pytest.raises(Unavailable) as caught:
        await rotate(store)
    assert type(caught.value.__cause__).__name__ == "ReadTimeoutError"
    assert wire.seen == ["UpdateItem"]
    held.set()
    await store.close()


async def test_what_a_request_has_left_is_what_it_waits(store, wire):
    """Over all its steps together; what it asked for is done all the same."""
    held = threading.Event()
    wire.rule = first(1, held)
    request = patience.Patience()
    with request:
        request.left = 0.05
        with pytest.raises(Unavailable, match="in time"):
            await rotate(store)
        with pytest.raises(Unavailable, match="in time"):
            await rotate(store)
        assert wire.count("UpdateItem") <= 1
    held.set()
    await _until(store, lambda session: session.generation == 1)


async def test_a_caller_who_goes_away_leaves_the_write_to_end(store, wire):
    """It was asked for, and is done or not as if the caller were there."""
    held = threading.Event()
    wire.rule = first(1, held)
    caller = asyncio.create_task(rotate(store))
    await _sent(wire)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    held.set()
    await _until(store, lambda session: session.generation == 1)


async def test_closing_waits_for_what_is_under_way(store, wire):
    """What was handed in is written."""
    held = threading.Event()
    wire.rule = first(1, held)
    caller = asyncio.create_task(rotate(store))
    await _sent(wire)
    closing = asyncio.create_task(store.table.close())
    await asyncio.sleep(0)
    held.set()
    await closing
    with pytest.raises(Unavailable):  # the account was not read any more
        await caller
    await store.start()
    assert (await samples.found(store, "session-one")).generation == 1


def test_several_event_loops_share_a_store(moto_server, aws_credentials):
    """One after the other, and at the same time in threads; each gets its own answers."""
    store = DynamoDBStore(moto_server.url())

    async def begin():
        await store.start()
        await samples.opened(store)

    asyncio.run(begin())
    found = []

    async def work():
        found.extend(await asyncio.gather(*(store.find_session("session-one") for _ in range(8))))

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert found == [samples.session()] * 32
    asyncio.run(store.close())
    with pytest.raises(Unavailable):
        asyncio.run(store.find_session("session-one"))


async def test_nothing_is_half_written_when_an_ending_fails(store, wire):
    """The transaction is lost unsent: the session lives, and nothing tells of its end."""
    before = await history(store)
    wire.rule = lambda operation: "lose" if operation == "TransactWriteItems" else None
    with pytest.raises(Unavailable):
        await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
    wire.rule = lambda _: None
    assert await store.find_session("session-one") == samples.session()
    assert await history(store) == before


async def test_without_credentials_it_says_what_to_do(moto_server, aws_credentials, monkeypatch):
    """Before anything is served."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    store = DynamoDBStore(moto_server.url())
    with pytest.raises(SettingsError, match="credentials"):
        await store.start()


async def test_without_a_region_it_says_what_to_do(aws_credentials, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(SettingsError, match="region=eu-west-1"):
        DynamoDBStore("dynamodb://admit")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert DynamoDBStore("dynamodb://admit").name == "DynamoDB table admit in eu-central-1"


async def test_the_environment_leads_nowhere_else(store, wire, monkeypatch, kept_port):
    """Neither a proxy nor an endpoint that is set for other programs."""
    for name in ("HTTP_PROXY", "http_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{kept_port}")
    await store.close()
    await store.start()
    assert await store.find_session("session-one") is not None
    plain = tables.Table("dynamodb://admit?region=eu-west-1")
    await plain.open()
    assert plain._hands is not None
    assert plain._hands.made().endpoint == "https://dynamodb.eu-west-1.amazonaws.com"
    await plain.close()


async def _sent(wire):
    async with asyncio.timeout(PATIENCE):
        while not wire.count("UpdateItem"):  # noqa: ASYNC110  another thread counts
            await asyncio.sleep(0.005)


async def _until(store, holds):
    async with asyncio.timeout(PATIENCE):
        while not holds(await samples.found(store, "session-one")):  # noqa: ASYNC110  as above
            await asyncio.sleep(0.005)
