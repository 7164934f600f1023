"""The engine starts when it is needed, as often as it is asked, and in any loop."""

import asyncio
import logging
import threading

import pytest

from admit.engine import Engine
from admit.errors import InvalidToken, SettingsError, Unavailable
from admit.settings import Settings
from admit.stores.sqlite import SQLiteStore
from admit.testing import samples
from tests.core.conftest import SECRET

pytestmark = pytest.mark.anyio


async def signed_in(engine):
    account = await engine.store.find_user("id", "id-ada")
    return await engine.sessions.open(account, now=engine.clock())


async def test_starting_and_closing_may_be_repeated(process):
    engine = process()
    assert not engine.ready
    assert await engine.start() is engine
    watch = engine._watch
    await engine.start()
    assert engine._watch is watch
    assert engine.ready
    for _ in range(2):
        await engine.close()
        assert not engine.ready
    await engine.start()
    await samples.add(engine.store, "ada")
    assert engine.verify((await signed_in(engine)).access_token)
    await engine.close()


async def test_the_first_requests_may_all_start_it_at_once(process):
    engine = process()
    await asyncio.gather(*(engine.start() for _ in range(20)))
    assert len(await engine.store.keys()) == 1
    await engine.close()


async def test_before_it_knows_what_is_revoked_it_verifies_nothing(process):
    engine = process()
    with pytest.raises(Unavailable, match="start"):
        engine.verify("x")
    async with engine:
        with pytest.raises(InvalidToken):
            engine.verify("x")
    with pytest.raises(Unavailable):
        engine.verify("x")


async def test_closing_leaves_no_task_and_no_thread(process):
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    async with process() as engine:
        await samples.add(engine.store, "ada")
        await engine.passwords.hash("correct horse battery")
    left = {each.name for each in set(threading.enumerate()) - threads}
    assert not {each for each in left if each.startswith("admit")}
    assert asyncio.all_tasks() == tasks


def test_one_engine_serves_loop_after_loop(process):
    """As a test suite, a command or a serverless function does."""
    engine = process()

    async def serve():
        await engine.start()
        if await engine.store.find_user("id", "id-ada") is None:
            await samples.add(engine.store, "ada")
        assert engine.ready
        return engine.verify((await signed_in(engine)).access_token)

    for _ in range(3):
        assert asyncio.run(serve())
    asyncio.run(engine.close())


async def until(happens):
    """Wait for what the watch does by itself, which tells nobody."""
    while not await happens():  # noqa: ASYNC110  there is no event to wait for
        await asyncio.sleep(0.005)


async def test_what_another_process_ended_is_refused_within_a_second_or_so(process, clock):
    """The watch runs by itself; here is the one place that waits for it."""
    async with process() as engine, process() as other:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        await other.sessions.sign_out(tokens.refresh_token, now=clock())

        async def refused():
            try:
                engine.verify(tokens.access_token)
            except InvalidToken:
                return True
            return False

        await until(refused)


async def test_the_watch_outlives_whatever_goes_wrong(process, monkeypatch, caplog):
    """A store that is out and a mistake of our own are both said, and looked past."""
    from admit import engine as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    looks = []

    class Failing(SQLiteStore):
        async def revocations(self, *, after, now):
            looks.append(after)
            if len(looks) == 2:
                raise Unavailable("The store is out.")
            if len(looks) == 3:
                raise ZeroDivisionError
            return await super().revocations(after=after, now=now)

    template = process()
    settings = template.settings
    with caplog.at_level(logging.WARNING, "admit.engine"):
        async with Engine(settings, store=Failing(settings.database_url)) as engine:

            async def looked():
                assert engine._watch is not None
                assert not engine._watch.done()
                return len(looks) > 4

            await until(looked)
            assert engine.ready
    assert "The store is out." in caplog.text
    assert "looking at the store failed" in caplog.text


async def test_the_watch_purges_a_little_now_and_then(process, monkeypatch, clock):
    from admit import engine as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.0)
    async with process() as engine:
        await samples.opened(engine.store, ends_at=clock() + 1, expires_at=clock() + 1)
        clock.passes(2 + module.PURGE_GRACE)

        async def purged():
            return await engine.store.find_session("session-one") is None

        await until(purged)


async def test_purging_keeps_the_audit_trail_for_its_time(engine, clock):
    await engine.store.record(samples.event(at=clock()))
    clock.passes(engine.settings.event_ttl)
    assert await engine.purge() == 0
    clock.passes(1)
    assert await engine.purge() > 0


async def test_settings_may_be_given_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine = Engine(data_dir="here", access_ttl="5m")
    assert engine.settings.access_ttl == 300.0
    assert (tmp_path / "here" / "secret").exists()
    with pytest.raises(SettingsError):
        Engine(acess_ttl="5m")


async def test_a_start_that_fails_can_be_closed_and_tried_again(tmp_path):
    broken = tmp_path / "admit.db"
    broken.mkdir()
    engine = Engine(Settings(data_dir=tmp_path, secret=(SECRET,)))
    with pytest.raises(SettingsError):
        await engine.start()
    assert not engine.ready
    await engine.close()
    broken.rmdir()
    async with engine:
        assert await engine.store.keys()


async def test_two_loops_at_once_share_one_engine(process):
    """A server's loop, and the portal of a synchronous app beside it."""
    engine = process()
    await engine.start()
    await asyncio.to_thread(asyncio.run, engine.start())
    try:
        assert engine.ready
    finally:
        await engine.close()
