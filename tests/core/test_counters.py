"""Counters: the contract of every storage, what is special to each, and several together."""

import asyncio
import sys
from itertools import pairwise

import pytest

from admit.counters import Counters, Memory, Place, memory
from admit.counters import file as in_file
from admit.counters.file import File
from admit.errors import Unavailable
from admit.redis import RedisCounters
from admit.stores import patience
from admit.stores.dynamodb import DynamoDBCounters
from admit.stores.dynamodb import table as tables
from admit.stores.dynamodb.schema import bring_up_to_date
from admit.stores.dynamodb.table import Table
from tests.servers import PATIENCE

pytestmark = pytest.mark.anyio

START = 1_800_000_000.123456
MINUTE = (Place("a", 60, 5),)


@pytest.fixture(params=["memory", "file", "redis", "moto", "dynalite"])
def another(request, tmp_path, monkeypatch):
    """Opens the storage, as one more process would; memory is one process's alone."""
    if request.param == "memory":
        one = Memory()
        return lambda: one
    if request.param == "file":
        path = in_file.make(str(tmp_path))
        return lambda: File(path)
    if request.param in {"moto", "dynalite"}:
        return request.getfixturevalue("in_a_table")(request.param)
    server = request.getfixturevalue("redis_server")
    monkeypatch.setattr("admit.redis.connections.PATIENCE", 20)  # however busy this machine is
    return lambda: RedisCounters(server.url, prefix="admit:test:")


@pytest.fixture
def in_a_table(request, aws_credentials, patient_dynamodb):
    """Makes a table in an emulator of this kind, and handles of it."""
    tables = []

    def on(emulator):
        url = request.getfixturevalue(f"{emulator}_server").url()
        asyncio.run(made(url))

        def another():
            tables.append(Table(url))
            return DynamoDBCounters(tables[-1])

        return another

    yield on
    for each in tables:
        asyncio.run(each.close())


async def items_in(table):
    """What is counted in the table."""
    found = (await table.ask("scan"))["Items"]
    return [each for each in found if each["pk"]["S"].startswith("count#")]


async def made(url):
    """Make the table."""
    table = Table(url)
    await bring_up_to_date(table)
    await table.close()


@pytest.fixture
async def storage(another):
    storage = another()
    yield storage
    await storage.close()


async def numbers(storage, *keys, now=START):
    """How many each key has, without taking any."""
    taken = await storage.take([Place(key, 60, 0) for key in keys], now=now)
    assert not taken.held
    return [count.number for count in taken.counts]


async def test_as_many_places_are_taken_as_there_are(storage):
    held = [(await storage.take(MINUTE, now=START)).held for _ in range(7)]
    assert held == [True] * 5 + [False] * 2
    assert await numbers(storage, "a") == [5]


async def test_a_window_begins_with_the_first_and_ends_by_the_time_handed_in(storage):
    first = await storage.take(MINUTE, now=START)
    later = await storage.take(MINUTE, now=START + 59)
    assert [each.counts[0].number for each in (first, later)] == [1, 2]
    assert first.counts[0].end == later.counts[0].end == START + 60
    anew = await storage.take(MINUTE, now=START + 60)
    assert (anew.counts[0].number, anew.counts[0].end) == (1, START + 120)


async def test_all_are_taken_or_none(storage):
    pair = (Place("wide", 3_600, 9), Place("narrow", 60, 1))
    assert (await storage.take(pair, now=START)).held
    refused = await storage.take(pair, now=START + 1)
    assert not refused.held
    assert refused.full == [pair[1]]
    assert refused.until == START + 60
    assert await numbers(storage, "wide", "narrow") == [1, 1]


async def test_every_limit_that_is_reached_has_to_be_over(storage):
    both = (Place("wide", 3_600, 1), Place("narrow", 60, 1))
    await storage.take(both, now=START)
    assert (await storage.take(both, now=START)).until == START + 3_600


async def test_what_is_given_back_may_be_taken_again(storage):
    taken = [await storage.take(MINUTE, now=START) for _ in range(5)]
    await storage.give_back(taken[0])
    assert await numbers(storage, "a") == [4]
    assert [(await storage.take(MINUTE, now=START)).held for _ in range(2)] == [True, False]


async def test_what_is_given_back_leaves_nothing_so_the_next_begins_the_window(storage):
    await storage.give_back(await storage.take(MINUTE, now=START))
    taken = await storage.take(MINUTE, now=START + 30)
    assert taken.counts[0].end == START + 90


async def test_what_was_taken_in_a_window_that_is_over_is_not_given_back_in_the_next(storage):
    """Or every slow success would be one more guess."""
    early = await storage.take(MINUTE, now=START)
    await storage.take(MINUTE, now=START + 61)
    await storage.give_back(early)
    assert await numbers(storage, "a", now=START + 62) == [1]
    await storage.give_back(early)
    assert await numbers(storage, "b", "a", now=START + 62) == [0, 1]


async def test_giving_back_never_goes_below_nothing(storage):
    taken = await storage.take(MINUTE, now=START)
    for _ in range(3):
        await storage.give_back(taken)
    assert [(await storage.take(MINUTE, now=START)).held for _ in range(6)].count(True) == 5


async def test_keys_of_any_text_are_counted_apart(storage):
    for key in ("a", "A", "a ", "ä", "a\n", "%s", "*", "a" * 1_000):
        assert (await storage.take((Place(key, 60, 1),), now=START)).held
        assert not (await storage.take((Place(key, 60, 1),), now=START)).held


async def test_of_many_at_once_as_many_hold_a_place_as_there_are(another):
    """Through two openings of it, as two processes have."""
    storages = [another(), another()]
    tries = [storages[index % 2].take(MINUTE, now=START) for index in range(60)]
    assert [each.held for each in await asyncio.gather(*tries)].count(True) == 5
    for each in storages:
        await each.close()


async def test_it_may_be_closed_twice_and_used_again(storage):
    await storage.take(MINUTE, now=START)
    for _ in range(2):
        await storage.close()
    assert await numbers(storage, "a") == [1]


# Bounds: memory and the file drop what is over by themselves; Redis's keys expire.


@pytest.mark.parametrize("another", ["memory", "file"], indirect=True)
async def test_what_is_over_is_dropped(storage):
    for index in range(100):
        await storage.take(
            (Place(f"short {index}", 60, 9), Place(f"long {index}", 3_600, 9)), now=0
        )
    for index in range(200):
        await storage.take((Place(f"new {index}", 60, 9),), now=61.0)
    assert len(keys(storage)) == 300
    assert not [key for key in keys(storage) if key.startswith("short")]


@pytest.mark.parametrize("another", ["memory", "file"], indirect=True)
async def test_their_number_is_bounded_and_the_newest_stay(storage, monkeypatch):
    for module in (memory, in_file):
        monkeypatch.setattr(module, "MOST", 50)
    for index in range(500):
        await storage.take((Place(str(index), 60, 9),), now=START + index / 1_000)
    assert len(keys(storage)) <= 51
    assert "499" in keys(storage)


def keys(storage):
    if isinstance(storage, Memory):
        return set(storage._counts)
    assert storage._db
    return {key for (key,) in storage._db.execute("SELECT key FROM counters")}


def test_one_key_that_is_counted_often_takes_no_room():
    storage = Memory()
    for index in range(1_000):
        storage.give_back_now(storage.take_now(MINUTE, now=61.0 * (index // 2)))
        storage.take_now(MINUTE, now=61.0 * (index // 2))
    assert len(storage._counts) == 1
    assert len(storage._ends) <= 3


@pytest.mark.parametrize("another", ["redis"], indirect=True)
async def test_a_key_in_redis_goes_soon_after_its_window(storage, redis_server):
    await storage.take(MINUTE, now=START)
    await storage.take(MINUTE, now=START + 30)
    left = int(redis_server.command("PTTL", "admit:test:a").removeprefix(":"))
    assert 50_000 < left <= 70_000


@pytest.mark.parametrize("another", ["moto"], indirect=True)
async def test_what_was_taken_before_one_that_cannot_be_counted_is_given_back(
    storage, moto_server, wire, monkeypatch
):
    """An account that strangers try too often for one item costs its owner no places."""
    monkeypatch.setattr(tables, "TRIES", 2)
    table = Table(moto_server.url(storage._table.name, endpoint=wire.endpoint))
    taken = [None] * 2
    wire.rule = lambda asked: (
        taken.pop() if taken else (400, "ThrottlingException") if asked == "UpdateItem" else None
    )
    with pytest.raises(Unavailable):
        await DynamoDBCounters(table).take(
            [Place(f"{name} {span}", span, 5) for name in "abc" for span in (60, 3_600)], now=START
        )
    await patience.settle(PATIENCE)
    assert await items_in(storage._table) == []
    await table.close()


@pytest.mark.parametrize("another", ["moto"], indirect=True)
async def test_a_limit_that_is_reached_holds_also_where_nothing_can_be_given_back(
    storage, moto_server, wire, monkeypatch
):
    """As a failure it would let in whom it has just refused."""
    monkeypatch.setattr(tables, "TRIES", 2)
    places = [Place(name, 60, 1) for name in ("before", "full", "behind")]
    assert (await storage.take(places[1:2], now=START)).held
    table = Table(moto_server.url(storage._table.name, endpoint=wire.endpoint))
    wire.rule = lambda asked: None if asked == "UpdateItem" else (400, "ThrottlingException")
    taken = await DynamoDBCounters(table).take(places, now=START)
    assert not taken.held
    assert [each.key for each in taken.full] == ["full"]
    await table.close()


@pytest.mark.parametrize("another", ["moto"], indirect=True)
async def test_who_had_to_wait_too_long_pays_nothing_for_it(storage):
    """A request whose time is over gives its places back all the same: nothing was guessed."""
    request = patience.Patience()
    with request:
        taken = await storage.take(MINUTE, now=START)
        request.left = 0.0
        with pytest.raises(Unavailable):
            await storage.give_back(taken)
    await patience.settle(PATIENCE)
    assert await items_in(storage._table) == []


# The file of the workers.

CHILD = """
import asyncio, os, signal, sys
from admit.counters import Place
from admit.counters.file import BEGIN, File

storage = File(sys.argv[1])
asyncio.run(storage.take((Place("a", 60, 5),), now=float(sys.argv[2])))
storage._db.execute(BEGIN)
storage._db.execute("UPDATE counters SET number = 1000")
print("counting", flush=True)
signal.pause()
"""


async def test_a_process_that_is_killed_in_the_middle_of_a_count_leaves_nothing_broken(tmp_path):
    path = in_file.make(str(tmp_path))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, path, repr(START), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    assert await child.stdout.readline() == b"counting\n"
    storage = File(path)
    with pytest.raises(Unavailable, match="locked"):
        await storage.take(MINUTE, now=START)
    child.kill()
    await child.communicate()
    assert await numbers(storage, "a") == [1]
    await storage.close()


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path):
    storage = File(tmp_path / "nowhere" / "counters.db")
    with pytest.raises(Unavailable):
        await storage.take(MINUTE, now=START)
    (tmp_path / "nowhere").mkdir()
    assert (await storage.take(MINUTE, now=START)).held
    await storage.close()


# Several together: this process's own, and under them what it shares.


class Broken(Memory):
    """A storage in memory that a test puts out of order."""

    kind = "broken"
    name = "a broken one"

    def __init__(self):
        super().__init__()
        self.works = True
        self.asked = 0

    async def take(self, places, *, now):
        self.asked += 1
        if not self.works:
            raise Unavailable("it is broken")
        return await super().take(places, now=now)

    async def give_back(self, taken):
        self.asked += 1
        if not self.works:
            raise Unavailable("it is broken")
        await super().give_back(taken)


async def held(counters, times, now=START):
    return [(await counters.take(MINUTE, now=now)).held for _ in range(times)].count(True)


async def test_two_processes_share_the_places():
    shared = Broken()
    one, other = Counters(shared), Counters(shared)
    assert [await held(one, 3), await held(other, 3), await held(one, 3)] == [3, 2, 0]


async def test_a_refusal_by_the_others_leaves_nothing_counted_here():
    """Or an owner would go on paying here for what they gave back there."""
    shared = Broken()
    one, other = Counters(shared), Counters(shared)
    there = [await other.take(MINUTE, now=START) for _ in range(5)]
    assert await held(one, 9) == 0
    for each in there:
        await other.give_back(each)
    assert await held(one, 9) == 5


async def test_what_is_given_back_is_given_back_everywhere():
    shared = Broken()
    counters = Counters(shared)
    for _ in range(20):
        taken = await counters.take(MINUTE, now=START)
        assert taken.held
        await counters.give_back(taken)
    assert shared.look("a", now=START) is None


async def test_what_this_process_refuses_costs_no_round_trip():
    shared = Broken()
    counters = Counters(shared)
    await held(counters, 5)
    before = shared.asked
    assert await held(counters, 9) == 0
    assert shared.asked == before


async def test_out_of_order_it_limits_by_itself_with_what_it_knows(caplog):
    shared = Broken()
    counters = Counters(shared)
    assert await held(counters, 3) == 3
    shared.works = False
    assert await held(counters, 9) == 2
    assert counters.out == ["broken"]
    assert shared.asked == 4
    (said,) = [each.getMessage() for each in caplog.records]
    assert said.startswith("a broken one is out (it is broken): each process limits attempts by ")


async def test_what_is_taken_while_it_is_out_is_given_back_where_it_was_taken():
    shared = Broken()
    counters = Counters(shared)
    shared.works = False
    taken = await counters.take(MINUTE, now=START)
    shared.works = True
    await counters._shared[0].look()
    assert await held(counters, 4) == 4
    await counters.give_back(taken)
    assert await held(counters, 9) == 1


async def test_giving_back_to_what_is_out_raises_nothing():
    shared = Broken()
    counters = Counters(shared)
    taken = [await counters.take(MINUTE, now=START) for _ in range(2)]
    shared.works = False
    for each in taken:
        await counters.give_back(each)
    assert counters.out == ["broken"]


async def test_without_a_watch_one_attempt_a_second_sees_whether_it_is_back(caplog):
    """By the time that is handed in: a process may have been frozen, and a clock set back."""
    shared = Broken()
    counters = Counters(shared, watched=False)
    shared.works = False
    await counters.take(MINUTE, now=START)
    asked = shared.asked
    for _ in range(3):
        assert (await counters.take(MINUTE, now=START + 0.9)).held
    assert shared.asked == asked
    await asyncio.gather(*(counters.take(MINUTE, now=START + 1) for _ in range(3)))
    assert shared.asked == asked + 1
    assert counters.out == ["broken"]
    shared.works = True
    assert (await counters.take((Place("b", 60, 5),), now=START - 3_600)).held
    assert counters.out == []
    assert caplog.text.count(" is out (") == 1
    assert caplog.text.count(" is back: ") == 1


async def test_what_costs_money_is_looked_for_only_where_it_is_out():
    class Paid(Broken):
        paid = True

    shared = Paid()
    counters = Counters(shared)
    (circuit,) = counters._shared
    await circuit.look()
    assert shared.asked == 0
    shared.works = False
    await counters.take(MINUTE, now=START)
    assert counters.out == ["broken"]
    await circuit.look()
    shared.works = True
    await circuit.look()
    assert counters.out == []
    assert shared.asked > 2
    shared.works = False
    with pytest.raises(Unavailable):
        await counters.check()


async def test_an_attempt_that_is_called_off_while_it_is_counted_is_no_failure():
    """A browser that gives up while what is shared is slow."""

    class Slow(Broken):
        async def take(self, places, *, now):
            await asyncio.Event().wait()

    near = Broken()
    counters = Counters(near, Slow())
    for _ in range(9):
        attempt = asyncio.create_task(counters.take(MINUTE, now=START))
        await asyncio.sleep(0)
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
    assert near.look("a", now=START) is None
    assert counters._own.look("a", now=START) is None


async def test_every_change_is_told_once_and_again_where_it_could_not_be_heard(monkeypatch, caplog):
    monkeypatch.setattr("admit.counters.shared.LOOK_SECONDS", 0.001)
    shared = Broken()
    counters = Counters(shared)
    told, deaf = [], [ZeroDivisionError("a mistake of ours"), Unavailable("the store is out")]

    heard = asyncio.Event()

    async def changed(kind, out):
        if deaf:
            raise deaf.pop()
        told.append((kind, out))
        heard.set()

    watching = asyncio.create_task(counters.watch(changed))
    for works in (False, True, False):
        shared.works = works
        await asyncio.wait_for(heard.wait(), 20)
        heard.clear()
        assert counters.out == ([] if works else ["broken"])
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert told == [("broken", True), ("broken", False), ("broken", True)]
    assert all(one.message != other.message for one, other in pairwise(caplog.records))


async def test_with_nothing_shared_nothing_is_watched():
    async def changed(*_):
        raise AssertionError

    await asyncio.wait_for(Counters().watch(changed), 5)


class Full(Broken):
    """A storage that keeps what it has, and has no room for more."""

    async def take(self, places, *, now):
        if not self.works and not all(self.look(each.key, now=now) for each in places):
            raise Unavailable("it is full")
        return await Memory.take(self, places, now=now)


async def test_what_has_no_room_for_an_attempt_is_out_until_it_has(caplog):
    """Looked for with a key that is there already, it would be back each second."""
    shared = Full()
    counters = Counters(shared)
    (circuit,) = counters._shared
    await circuit.look()
    shared.works = False
    assert await held(counters, 1) == 1
    for _ in range(3):
        await circuit.look()
        assert counters.out == ["broken"]
        with pytest.raises(Unavailable):
            await counters.check()
    assert len(caplog.records) == 1
    shared.works = True
    await circuit.look()
    assert counters.out == []


async def test_looking_whether_it_is_there_leaves_nothing_in_it(storage):
    counters = Counters(storage)
    for _ in range(5):
        await counters.check()
        await counters._shared[0].look()
    assert counters.out == []
    if isinstance(storage, File):
        assert storage._db is not None
        assert storage._db.execute("SELECT keys FROM held").fetchone() == (0,)
    elif isinstance(storage, Memory):
        assert storage.empty
    elif isinstance(storage, DynamoDBCounters):
        assert await items_in(storage._table) == []
    else:
        async with storage._connections.client() as redis:
            assert await redis.keys("*") == []
