"""A server that is slow, gone or back again: `Unavailable` in time, and service by itself."""

import asyncio
import gc
import os
import signal
import socket
from contextlib import asynccontextmanager, contextmanager, suppress

import psycopg
import pytest

from admit.errors import Unavailable
from admit.stores.postgres import PostgresStore, listen
from admit.testing import samples, store_rotation
from admit.testing.samples import NOW
from admit.testing.store_contract import VERBS

pytestmark = [pytest.mark.anyio, pytest.mark.hurried]


async def rotate(store, *given, **named):
    """The outcome for a token of a session that is there."""
    rotation = await store_rotation.rotate(store, *given, **named)
    assert rotation is not None
    return rotation


PATIENCE = 30.0
"""Nothing comes back while what is waited for is held: that whoever waits does is the proof."""


@asynccontextmanager
async def opened(url, **options):
    store = PostgresStore(url, **options)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def refused(work):
    """It is refused, and does not hang."""
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(Unavailable) as refusal:
            await work
    assert refusal.value.retry_after
    return refusal.value


async def comes_back(store):
    """Nobody does anything but ask."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.find_session("session-one")
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_a_server_that_stops_and_starts_under_it(own_postgres):
    """Every verb is refused meanwhile; afterwards everything is there, with no help."""
    async with opened(own_postgres.create()) as store:
        made = await samples.opened(store)
        await asyncio.gather(*(store.find_session(made.id) for _ in range(20)))  # fill the pool
        own_postgres.stop()
        await asyncio.gather(*(refused(verb(store)) for verb in VERBS.values()))
        own_postgres.start()
        assert await comes_back(store) == made
        for _ in range(20):  # no connection of before is handed out any more
            assert await store.find_session(made.id) == made


async def test_a_server_that_stands_still_is_not_waited_for(own_postgres):
    """Its connections are open, but nothing comes."""
    async with opened(own_postgres.create()) as store:
        made = await samples.opened(store)
        with stood_still(own_postgres):
            await refused(rotate(store))
            await refused(store.check())
            await refused(asyncio.gather(*(rotate(store, f"other-{n}") for n in range(200))))
        assert (await comes_back(store)).id == made.id


@contextmanager
def stood_still(server):
    """Nothing of this server runs; its first process is stopped first, and starts no other."""
    postmaster = int((server._home / "data" / "postmaster.pid").read_text().split()[0])
    others = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    held = [postmaster]
    with psycopg.connect(server.url(user="postgres"), autocommit=True) as db:
        os.kill(postmaster, signal.SIGSTOP)
        held += [pid for (pid,) in db.execute(others).fetchall()]
    signalled(held, signal.SIGSTOP)
    try:
        yield
    finally:
        signalled(held, signal.SIGCONT)


def signalled(processes, how):
    for pid in processes:
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(pid, how)


@pytest.mark.usefixtures("patient_callers")
async def test_a_lock_that_somebody_holds_is_waited_for_no_longer_than_promised(database_url):
    """The statement is given up, and nothing of it is written."""
    async with opened(database_url) as store, opened(database_url) as other:
        made = await samples.opened(store)
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("SELECT id FROM admit.sessions FOR UPDATE")
            await refused(rotate(store))
            await refused(other.end_sessions(samples.ending(session_id=made.id), now=NOW))
        assert await store.find_session(made.id) == made
        assert (await rotate(other)).won


async def test_a_full_pool_refuses_in_time(database_url):
    """One connection, which somebody keeps for longer than anybody is to wait."""
    async with opened(database_url, pool=1) as store:
        made = await samples.opened(store)
        slow = store._run(lambda db: db.execute("SELECT pg_sleep(60)"))
        stuck = asyncio.create_task(slow)
        await asyncio.sleep(0)
        refusal = await refused(store.find_session(made.id))
        assert "couldn't get a connection" in str(refusal.__cause__)
        await refused(stuck)
        assert await comes_back(store) == made


@pytest.mark.usefixtures("patient_postgres")
async def test_what_is_revoked_is_seen_while_all_others_wait(database_url):
    """Somebody holds the feed, and sign-outs queue up behind that."""
    async with opened(database_url) as store:
        await samples.add(store, "ada")
        ids = [(await samples.opened(store, str(n), user="ada")).id for n in range(40)]
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("SELECT seq FROM admit.feed FOR UPDATE")
            endings = [samples.ending(session_id=each) for each in ids]
            waiting = [asyncio.create_task(store.end_sessions(each, now=NOW)) for each in endings]
            for _ in range(10):
                assert (await store.revocations(after=0, now=NOW)).entries == []
                assert await store.keys() == []
            assert not any(each.done() for each in waiting)
        await asyncio.gather(*waiting)


@pytest.mark.usefixtures("patient_postgres")  # it is the caller who gives up, nobody else
async def test_a_caller_who_leaves_does_not_undo_what_was_asked(database_url, postgres):
    """To the law that is an answer that was lost."""
    async with opened(database_url) as store:
        await samples.opened(store)
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("SELECT id FROM admit.sessions FOR UPDATE")
            caller = asyncio.create_task(rotate(store))
            await waits_for_a_lock(postgres, database_url)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
        assert caller.cancelled()
        assert not (await rotate(store)).won


async def test_what_became_of_a_caller_who_left_is_no_error_of_ours(database_url, caplog):
    """It was refused, and nobody was there to hear that."""
    async with opened(database_url) as store:
        made = await samples.opened(store)
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("LOCK TABLE admit.sessions")
            caller = asyncio.create_task(store.find_session(made.id))
            others = asyncio.all_tasks()
            await asyncio.sleep(0)
            (work,) = asyncio.all_tasks() - others
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            await asyncio.wait({work})
        assert caller.cancelled()
        del work
        gc.collect()
    assert [each for each in caplog.records if each.name == "asyncio"] == []


async def waits_for_a_lock(server, url):
    """A statement in this database has arrived, and waits."""
    asked = f"""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = '{url.rpartition("/")[2]}' AND wait_event_type = 'Lock'"""
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(server.sql, asked))[0][0] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_replica_is_never_asked(own_postgres):
    """It lags, and what it shows would look like theft."""
    url = own_postgres.create()
    await PostgresStore(url).migrate()
    own_postgres.sql("ALTER DATABASE test_0 SET default_transaction_read_only = on")
    with pytest.raises(Unavailable):
        await PostgresStore(url).start()


async def test_a_primary_that_becomes_read_only_is_left(own_postgres):
    """As in a failover: its old connections go, and service comes back with a primary."""
    url = own_postgres.create()
    async with opened(url, pool=1) as store:  # or others of it might not know yet
        made = await samples.opened(store)
        own_postgres.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        own_postgres.sql("SELECT pg_reload_conf()")
        async with asyncio.timeout(30):
            while True:  # a reload reaches each connection in its own time
                try:
                    await store.check()
                except Unavailable:
                    break
        await refused(rotate(store))
        (own_postgres._home / "data" / "postgresql.auto.conf").write_text("")
        own_postgres.sql("SELECT pg_reload_conf()")
        assert await comes_back(store) == made


async def test_the_pushed_are_heard_again_after_the_server_was_gone(own_postgres):
    async with opened(own_postgres.create()) as store:
        await samples.opened(store)
        heard = asyncio.Event()
        task = asyncio.create_task(store.push.listen(heard.set))
        async with asyncio.timeout(30):
            await heard.wait()  # for the connection
            assert store.push.connected
            heard.clear()
            own_postgres.stop()
            while store.push.connected:  # noqa: ASYNC110  nobody sets an event when it is lost
                await asyncio.sleep(0.05)
            own_postgres.start()
            await heard.wait()
            heard.clear()
            await comes_back(store)
            await store.end_sessions(samples.ending(session_id="session-one"), now=NOW)
            await heard.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_server_that_stands_still_is_said_once_and_heard_again(
    own_postgres, monkeypatch, caplog
):
    """Nothing comes on the connection that listens, and nothing says that it is cut."""
    usual = listen.PING_SECONDS
    monkeypatch.setattr(listen, "PING_SECONDS", 0.5)
    monkeypatch.setattr(listen, "AGAIN_SECONDS", 0.1)
    push = listen.Listening(own_postgres.create())
    heard = asyncio.Event()
    task = asyncio.create_task(push.listen(heard.set))
    async with asyncio.timeout(60):
        await heard.wait()
        backends = own_postgres.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'admit'"
        )
        for (pid,) in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            heard.clear()
            await heard.wait()  # on another connection
            monkeypatch.setattr(listen, "PING_SECONDS", usual)  # this one is to stay
        finally:
            for (pid,) in backends:
                os.kill(pid, signal.SIGCONT)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    said = [each.message for each in caplog.records if each.name == "admit.stores.postgres"]
    # Once for each time: on a machine that stands still itself, it may be lost once more.
    assert len(said) >= 2
    assert len(said) % 2 == 0
    assert all("is out" in each for each in said[::2])
    assert all("is back" in each for each in said[1::2])


async def test_each_event_loop_has_connections_of_its_own(database_url):
    """A framework may ask from another one than the store was started in."""
    async with opened(database_url) as store:
        made = await samples.opened(store)

        def elsewhere():
            async def asked():
                found = await store.find_session(made.id)
                home = store._homes.pop(asyncio.get_running_loop())
                await home[0].close()
                return found

            return asyncio.run(asked())

        assert await asyncio.to_thread(elsewhere) == made
        assert await store.find_session(made.id) == made


@pytest.mark.usefixtures("patient_callers")
async def test_one_session_that_somebody_holds_keeps_no_other_back(database_url):
    """They came together and were sent together."""
    async with opened(database_url) as store:
        await samples.add(store, "ada")
        ids = [f"session-{number}" for number in range(20)]
        for name in range(20):
            await samples.opened(store, str(name), user="ada")
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("SELECT id FROM admit.sessions WHERE id = 'session-7' FOR UPDATE")
            moved = await asyncio.gather(
                *(rotate(store, each) for each in ids), return_exceptions=True
            )
        assert isinstance(moved.pop(7), Unavailable)
        assert all(not isinstance(each, BaseException) and each.won for each in moved)
        assert (await rotate(store, "session-7")).won


@pytest.mark.usefixtures("patient_callers")
async def test_a_table_that_somebody_holds_is_no_session_that_is_gone(database_url):
    """Refused and not told that there is none: the client would take that for the end of it."""
    async with opened(database_url) as store:
        await samples.add(store, "ada")
        for name in range(3):
            await samples.opened(store, str(name), user="ada")
        async with await psycopg.AsyncConnection.connect(database_url) as db:
            await db.execute("LOCK TABLE admit.sessions")
            await asyncio.gather(*(refused(rotate(store, f"session-{n}")) for n in range(3)))
        assert all([(await rotate(store, f"session-{n}")).won for n in range(3)])


async def test_event_loops_that_end_leave_nothing_open(own_postgres):
    """As where each call of a framework runs in a loop of its own."""
    store = PostgresStore(own_postgres.create())
    await store.start()

    def ask():
        for _ in range(10):
            asyncio.run(store.check())

    async with asyncio.timeout(60):
        await asyncio.to_thread(ask)
    assert len(store._homes) == 2  # this loop's, and the last one's until somebody else comes
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'admit'"
    async with asyncio.timeout(30):
        while own_postgres.sql(asked)[0][0] > 3:  # noqa: ASYNC110  the server takes note later
            await asyncio.sleep(0.05)
    await store.close()


async def test_the_first_of_several_hosts_is_silent(own_postgres):
    """After a failover to the second; connecting to the first takes as long as it may."""
    url = own_postgres.create()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hosts = f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{own_postgres.port}"
        store = PostgresStore(url.replace(f"127.0.0.1:{own_postgres.port}", hosts))
        await unless_it_stands_still(store.start)
        assert await comes_back(store) is None
        await samples.opened(store)
        await store.close()


async def unless_it_stands_still(step):
    """What a step comes to that nothing holds: made again where the machine stood still for it."""
    for _ in range(4):
        with suppress(Unavailable):
            return await step()
    return await step()


async def test_an_ending_that_no_standby_has_is_not_told_as_done(own_postgres):
    """Neither at the first try nor at the next, which finds it ended already."""
    async with opened(own_postgres.create()) as store:
        made = await unless_it_stands_still(lambda: samples.opened(store))
        own_postgres.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        own_postgres.sql("SELECT pg_reload_conf()")
        async with asyncio.timeout(30):
            while own_postgres.sql("SHOW synchronous_standby_names") != [("nobody",)]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        ending = samples.ending(session_id=made.id)
        for _ in range(3):
            await refused(store.end_sessions(ending, now=NOW))


@pytest.mark.usefixtures("patient_postgres")
async def test_a_caller_who_is_called_off_twice_costs_the_pool_no_connection(database_url):
    """Whenever it is: while it waits, while the driver gives up, while it is put back."""
    async with opened(database_url, pool=2) as store:
        made = await samples.opened(store)
        connections, _ = store._homes[asyncio.get_running_loop()]
        for turns in range(40):
            work = asyncio.create_task(connections._tried(lambda db: db.execute("SELECT 1")))
            for _ in range(2):
                for _ in range(turns):
                    await asyncio.sleep(0)
                work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        found = await asyncio.gather(*(store.find_session(made.id) for _ in range(20)))
        assert found == [made] * 20
