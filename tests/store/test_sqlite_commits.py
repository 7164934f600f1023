"""Group commit: what waits shares one, and what fails takes only itself back."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from admit.errors import Unavailable
from admit.stores import patience
from admit.stores.sqlite import commits
from admit.testing import samples
from admit.testing.samples import NOW
from admit.testing.store_rotation import rotate

pytestmark = pytest.mark.anyio


class Held:
    """A slow disk: one write is under way, and its commit takes until the block is left."""

    def __init__(self, store):
        self._store = store
        self._go = threading.Event()

    async def __aenter__(self):
        begun = asyncio.Event()
        self._store._connections._commits._thread.submit(self._go.wait)
        self._write = asyncio.create_task(self._store._connections.write(lambda _: begun.set()))
        await begun.wait()

    async def __aexit__(self, *_):
        self._go.set()
        await self._write


async def traced(store):
    """Every statement that the writer runs from now on."""
    statements: list[str] = []
    await store._connections.write(lambda db: db.set_trace_callback(statements.append))
    return statements


async def test_writes_that_wait_share_one_commit(store):
    await samples.add(store, "ada")
    statements = await traced(store)
    async with Held(store):
        statements.clear()
        lines = (store.record(samples.event()) for _ in range(commits.AT_ONCE))
        waiting = asyncio.gather(*lines)
        await asyncio.sleep(0)
    await waiting
    # One is of the write that was under way, one of all that waited meanwhile.
    assert statements.count("COMMIT") == 2
    assert len(await store.events(limit=200)) == commits.AT_ONCE + 1


async def test_writes_that_come_together_share_the_first_commit(store):
    """Nobody is under way yet, and whoever is ready in the same turn of the loop comes along."""
    await samples.add(store, "ada")
    statements = await traced(store)
    await asyncio.gather(*(store.record(samples.event()) for _ in range(20)))
    assert statements.count("COMMIT") == 2  # the first is of the write that began the trace


async def test_one_commit_never_holds_more_than_its_bound(store):
    statements = await traced(store)
    async with Held(store):
        statements.clear()
        lines = (store.record(samples.event()) for _ in range(commits.AT_ONCE + 1))
        waiting = asyncio.gather(*lines)
        await asyncio.sleep(0)
    await waiting
    assert statements.count("COMMIT") == 3


async def test_writes_in_one_commit_see_each_other_in_their_order(store):
    await samples.opened(store)
    async with Held(store):
        tokens = asyncio.gather(*(rotate(store, generation=n) for n in (0, 1, 2, 2)))
        await asyncio.sleep(0)
    assert [each is not None and each.won for each in await tokens] == [True, True, True, False]


@pytest.mark.parametrize("error", [ValueError("ours"), sqlite3.OperationalError("SQLite's")])
async def test_a_write_that_fails_takes_only_itself_back(store, error):
    def half(db):
        db.execute("INSERT INTO events (at, kind, detail) VALUES (1, 'half', '{}')")
        raise error

    async with Held(store):
        waiting = asyncio.gather(
            store.record(samples.event(reason="before")),
            store._connections.write(half),
            store.record(samples.event(reason="after")),
            return_exceptions=True,
        )
        await asyncio.sleep(0)
    before, failed, after = await waiting
    assert (before, after) == (None, None)
    if isinstance(error, sqlite3.Error):
        assert isinstance(failed, Unavailable)
        assert failed.__cause__ is error
    else:
        assert failed is error
    assert [each.reason for each in await store.events()] == ["after", "before"]


async def test_nobody_hears_of_a_write_before_it_is_committed(store):
    """Another reader sees it as soon as the caller knows of it, and not sooner."""
    async with Held(store):
        recorded = asyncio.create_task(store.record(samples.event()))
        await asyncio.sleep(0)
        assert await store.events() == []
        assert not recorded.done()
    await recorded
    assert len(await store.events()) == 1


async def test_a_caller_that_gives_up_leaves_the_write_to_happen(store):
    """The law treats it as an answer that was lost; its neighbours get theirs."""
    await samples.opened(store)
    async with Held(store):
        gone = asyncio.create_task(rotate(store))
        stays = asyncio.create_task(store.record(samples.event(reason="stays")))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    await stays
    assert (await samples.found(store, "session-one")).generation == 1


async def test_a_full_disk_is_unavailable_and_what_was_confirmed_is_there(store):
    """SQLite may undo the whole transaction here: nobody is told of a success that was undone."""
    await store._connections.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchone())
    async with Held(store):
        waiting = asyncio.gather(
            *(store.record(samples.event(reason=str(i) + "x" * 3_000)) for i in range(50)),
            return_exceptions=True,
        )
        await asyncio.sleep(0)
    answers = await waiting
    assert all(each is None or isinstance(each, Unavailable) for each in answers)
    assert any(answers)
    confirmed = {str(i) for i, each in enumerate(answers) if each is None}
    assert confirmed <= {(each.reason or "").rstrip("x") for each in await store.events()}
    await store._connections.write(
        lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone()
    )
    await store.record(samples.event())


async def test_a_disk_that_turned_read_only_is_unavailable(store, monkeypatch):
    """Reading goes on."""
    monkeypatch.setattr(patience, "SECONDS", 0.05)
    await samples.opened(store)
    await store._connections.write(lambda db: db.execute("PRAGMA query_only = ON"))
    with pytest.raises(Unavailable):
        await store.check()
    with pytest.raises(Unavailable):
        await rotate(store)
    assert await samples.found(store, "session-one") == samples.session()


async def test_closing_writes_what_was_handed_in(store):
    async with Held(store):
        lines = asyncio.gather(*(store.record(samples.event()) for _ in range(300)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await store.record(samples.event())
    await closing
    assert await lines == [None] * 300
    await store.start()
    assert len(await store.events(limit=400)) == 300


async def test_callers_in_several_event_loops_each_get_their_answer(store):
    """Four threads with a loop each: one token still wins once."""
    await samples.opened(store)
    answers: list = []

    async def callers():
        answers.extend(await asyncio.gather(*(rotate(store) for _ in range(50))))

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, callers()) for _ in range(4)))
    assert len(answers) == 200
    assert sum(each.won for each in answers) == 1
    assert {each.session for each in answers} == {await samples.found(store, "session-one")}


async def test_a_loop_that_is_gone_takes_nobody_with_it(store):
    """Its writes are done, and callers in other loops get their answers."""
    loop = asyncio.new_event_loop()
    async with Held(store):

        def start_and_leave():
            gone = loop.create_task(store.record(samples.event(reason="gone")))
            loop.call_soon(loop.stop)
            loop.run_forever()
            gone.cancel()
            loop.run_until_complete(asyncio.wait([gone]))
            loop.close()

        await asyncio.to_thread(start_and_leave)
        stays = asyncio.create_task(store.record(samples.event(reason="stays")))
        await asyncio.sleep(0)
    await stays
    assert [each.reason for each in await store.events()] == ["stays", "gone"]


async def test_every_connection_is_durable(store):
    """WAL, and an fsync at each commit (synchronous = FULL, which is 2)."""

    def pragmas(db):
        names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await store._connections.write(pragmas) == ["wal", 2, 1, 0]
    assert await store._connections.read(pragmas) == ["wal", 2, 1, 1]


async def test_readers_do_not_wait_for_the_writer(store):
    await samples.opened(store)
    async with Held(store):
        assert await store.list_sessions("id-ada", now=NOW) == [samples.session()]


async def test_a_commit_that_failed_just_now_speaks_against_the_next(store, monkeypatch):
    """A disk without room takes an empty transaction as gladly as any."""
    await store.check()
    monkeypatch.setattr("admit.stores.sqlite.commits.FAILING_SECONDS", 86_400.0)
    store._connections._commits._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(Unavailable):
        await asyncio.gather(*(store.record(samples.event(reason="x" * 3_000)) for _ in range(50)))
    with pytest.raises(Unavailable, match="last commit failed"):
        await store.check()
    monkeypatch.setattr("admit.stores.sqlite.commits.FAILING_SECONDS", 0.0)
    await store.check()


async def test_what_waiting_does_not_cure_is_not_waited_for(monkeypatch):
    """A disk that can't be read, or a damaged file: refused at the first try."""
    begun = []

    class Broken(sqlite3.Connection):
        def execute(self, statement, *given):
            if statement.startswith("BEGIN"):
                begun.append(1)
                raise sqlite3.DatabaseError("database disk image is malformed")
            return super().execute(statement, *given)

    monkeypatch.setattr(patience, "SECONDS", 0.5)
    connection = sqlite3.connect(
        ":memory:", factory=Broken, isolation_level=None, check_same_thread=False
    )
    writer = commits.Commits(connection)
    with pytest.raises(Unavailable):
        await writer.do(lambda _: None)
    assert len(begun) == 2  # on the event loop, and in the thread that would wait
    await asyncio.to_thread(writer.close)


async def test_a_write_has_its_time_from_when_it_was_handed_in(store, monkeypatch):
    """One that came while others waited for the lock waits no longer because of them."""
    monkeypatch.setattr(patience, "SECONDS", 60.0)
    writer = store._connections._commits
    with closing(sqlite3.connect(store.path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        first = asyncio.create_task(store.record(samples.event()))
        await asyncio.sleep(0)
        (begun,) = writer._waiting
        while writer._waiting:  # noqa: ASYNC110  until it waits in the thread, alone
            await asyncio.sleep(0)
        second = commits.Waiting(lambda _: None)
        second.until -= 61  # of long ago
        writer._waiting.append(second)
        third = asyncio.create_task(store.record(samples.event()))
        await asyncio.sleep(0)
        begun.until -= 61
        async with asyncio.timeout(30):
            for late in (first, second.future):
                with pytest.raises(Unavailable):
                    await late
        assert not third.done()
        somebody.execute("ROLLBACK")
    await third
