"""Races that only a server with many writers knows."""

import asyncio

import msgspec
import psycopg
import pytest

from admit.stores.postgres import PostgresStore, connections, rotations
from admit.stores.postgres import store as module
from admit.testing import samples, store_rotation
from admit.testing.samples import NOW
from tests.servers import PATIENCE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_postgres")]


async def rotate(store, *given, **named):
    """The outcome for a token of a session that is there."""
    rotation = await store_rotation.rotate(store, *given, **named)
    assert rotation is not None
    return rotation


@pytest.fixture
async def store(database_url):
    store = PostgresStore(database_url)
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def other(store, database_url):
    other = PostgresStore(database_url)
    await other.start()
    yield other
    await other.close()


async def many(store, count):
    """Sessions of Ada's, in no order."""
    await samples.add(store, "ada")
    made = [samples.session(f"session-{number * 7919 % count:04}") for number in range(count)]
    for each in made:
        assert await store.open_session(
            each, password_version=0, event=samples.event(), replaces=None
        )
    return [each.id for each in made]


async def test_refreshes_that_come_together_share_a_statement(store, monkeypatch):
    ids = await many(store, 40)
    sent = []
    real = rotations._rotate

    async def counted(connection, given):
        sent.append(len(given))
        return await real(connection, given)

    monkeypatch.setattr(rotations, "_rotate", counted)
    moved = await asyncio.gather(*(rotate(store, each) for each in ids))
    assert all(each.won for each in moved)
    assert [each.session.id for each in moved] == ids  # each caller gets its own
    assert len(sent) == 1


async def test_one_statement_never_moves_more_than_its_bound(store, monkeypatch):
    monkeypatch.setattr(rotations, "AT_ONCE", 16)
    ids = await many(store, 40)
    moved = await asyncio.gather(*(rotate(store, each) for each in ids))
    assert all(each.won for each in moved)


async def test_two_with_one_session_are_asked_one_after_the_other(store):
    """In one statement the server would take either, and say nothing of the other."""
    (one,) = await many(store, 1)
    moved = await asyncio.gather(*(rotate(store, one, generation=n) for n in (0, 1, 0, 2)))
    assert [each.won for each in moved] == [True, True, False, True]


async def test_processes_with_the_same_sessions_never_wait_in_a_circle(store, other):
    """A deadlock would cost a second, and end in the log of the server."""
    ids = await many(store, 30)
    for generation in range(10):
        there = asyncio.gather(*(rotate(store, each, generation=generation) for each in ids))
        back = asyncio.gather(*(rotate(other, each, generation=generation) for each in ids[::-1]))
        outcomes = zip(await there, (await back)[::-1], strict=True)
        assert all(here.won != elsewhere.won for here, elsewhere in outcomes)
    async with await psycopg.AsyncConnection.connect(store._url) as db:
        cursor = await db.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        assert await cursor.fetchone() == (0,)


async def test_the_loser_sees_what_the_winner_wrote(store, other):
    """It waited for the winner's commit, and is never told of the row as it was before."""
    (one,) = await many(store, 1)
    for generation in range(50):
        pair = await asyncio.gather(
            rotate(store, one, generation=generation), rotate(other, one, generation=generation)
        )
        assert sorted(each.won for each in pair) == [False, True]
        assert {each.session.generation for each in pair} == {generation + 1}


async def test_a_cursor_never_runs_ahead_of_a_commit(store, other):
    """Numbers are given in the order of commits, though each transaction takes its own time."""
    ids = await many(store, 60)
    taken: list[str] = []

    async def end(process, session_id):
        await process.end_sessions(samples.ending(session_id=session_id), now=NOW)

    ending = asyncio.gather(
        *(end(store if number % 2 else other, each) for number, each in enumerate(ids))
    )
    cursor = 0
    while not ending.done():
        feed = await store.revocations(after=cursor, now=NOW)
        taken += [each.subject for each in feed.entries]
        cursor = feed.head
        await asyncio.sleep(0)
    taken += [each.subject for each in (await store.revocations(after=cursor, now=NOW)).entries]
    assert sorted(taken) == sorted(ids)


async def test_after_a_failover_that_lost_the_latest_everything_is_read_again(store):
    ids = await many(store, 3)
    for each in ids:
        await store.end_sessions(samples.ending(session_id=each), now=NOW)
    head = (await store.revocations(after=0, now=NOW)).head
    async with await psycopg.AsyncConnection.connect(store._url, autocommit=True) as db:
        await db.execute("DELETE FROM admit.revocations WHERE seq = 3")
        await db.execute("UPDATE admit.feed SET seq = 2")
    feed = await store.revocations(after=head, now=NOW)
    assert feed.head == 2
    assert [each.subject for each in feed.entries] == ids[:2]


async def test_a_sign_in_waits_for_a_password_change_and_opens_nothing(store, other):
    """Whichever comes first: no session is left of the old password."""
    await samples.add(store, "ada")
    for turn in range(20):
        account = await store.find_user("id", "id-ada")
        changed = msgspec.structs.replace(account, password_version=account.password_version + 1)
        opened, saved = await asyncio.gather(
            other.open_session(
                samples.session(f"turn-{turn}"),
                password_version=account.password_version,
                event=samples.event(),
                replaces=None,
            ),
            store.save_user(changed, ending=samples.ending(user_id="id-ada")),
        )
        assert saved
        assert await store.list_sessions("id-ada", now=NOW) == [], opened


async def test_a_purge_goes_on_from_where_it_was_and_comes_back_for_what_was_locked(
    store, postgres
):
    """Or a million that were deleted would be walked over for each of the next 25."""
    ids = sorted(await many(store, 40))
    over = {"now": samples.ABSOLUTE + 40, "events_before": 0.0}
    database = store._url.rpartition("/")[2]
    postgres.sql("UPDATE admit.sessions SET ends_at = ends_at + right(id, 4)::int", database)
    async with await psycopg.AsyncConnection.connect(store._url) as somebody:
        await somebody.execute("SELECT id FROM admit.sessions WHERE id = %s FOR UPDATE", [ids[3]])
        assert await store.purge(**over, limit=10) == 10
    for gone in (10, 10, 9):
        assert await store.purge(**over, limit=10) == gone
        assert await store.find_session(ids[3]) is not None
    assert await store.purge(**over, limit=10) == 1


async def test_text_that_the_server_cannot_hold_finds_nobody(store):
    await samples.add(store, "ada")
    assert await store.find_user("email", "ada\0@example.com") is None
    assert await store.list_users(search="\0", after="", limit=5) == []


async def test_a_long_feed_is_read_in_several_steps(store, monkeypatch):
    """A whole bad day in one statement would outlast its time-out."""
    monkeypatch.setattr(module, "FEED_ROWS", 2)
    await samples.add(store, "ada")
    ids = [(await samples.opened(store, str(n), user="ada")).id for n in range(5)]
    for count in range(6):
        feed = await store.revocations(after=0, now=NOW)
        assert [each.subject for each in feed.entries] == ids[:count]
        assert feed.head == count
        if count < 5:
            await store.end_sessions(samples.ending(session_id=ids[count]), now=NOW)
    feed = await store.revocations(after=2, now=NOW)
    assert [each.subject for each in feed.entries] == ids[2:]


async def test_who_has_very_many_sessions_can_be_thrown_out(database_url, monkeypatch, postgres):
    """It takes longer than a statement may otherwise; a trigger stands in for the sessions."""
    short = connections.SESSION.replace(
        f"'statement_timeout', '{PATIENCE * 1000}'", "'statement_timeout', '2000'"
    )
    assert short != connections.SESSION
    monkeypatch.setattr(connections, "SESSION", short)
    store = PostgresStore(database_url)
    await store.start()
    made = await samples.opened(store, user="ada")
    postgres.sql(
        """
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
          AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
        CREATE TRIGGER slow AFTER UPDATE ON admit.sessions EXECUTE FUNCTION slow();
        """,
        database_url.rpartition("/")[2],
    )
    ended = await store.end_sessions(samples.ending(user_id=made.user_id), now=NOW)
    assert ended == [made.id]
    await store.close()
