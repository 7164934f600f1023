"""The engine starts when it is needed, as often as it is asked, and in any loop."""

import asyncio
import gc
import logging
import threading
import weakref

import pytest

from admit.beginning import begun
from admit.counters import Memory
from admit.engine import Engine
from admit.errors import InvalidToken, SettingsError, Unavailable
from admit.settings import Settings
from admit.stores.sqlite import SQLiteStore
from admit.testing import samples
from admit.upkeep import PURGE_GRACE
from tests.core.conftest import SECRET

pytestmark = pytest.mark.anyio
PATIENCE = 20.0
"""Seconds after which what should come about has not, however noisy the machine."""


async def signed_in(engine):
    account = await engine.store.find_user("id", "id-ada")
    return await engine.sessions.open(account, now=engine.clock())


async def test_starting_and_closing_may_be_repeated(process):
    engine = process()
    assert not engine.ready
    assert await engine.start() is engine
    watch = engine._upkeep._watch
    await engine.start()
    assert engine._upkeep._watch is watch
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


def opening_slowly(engine, monkeypatch):
    """Whether its store is being opened, and the event without which that never ends."""
    start, opening, opened = engine.store.start, asyncio.Event(), asyncio.Event()

    async def slowly():
        opening.set()
        await opened.wait()
        await start()

    monkeypatch.setattr(engine.store, "start", slowly)
    return opening, opened


async def starting_slowly(engine, monkeypatch):
    """A start that has begun, and the event without which its store is not opened."""
    opening, opened = opening_slowly(engine, monkeypatch)
    starting = asyncio.create_task(engine.start())
    await opening.wait()
    return starting, opened


async def failed_start(engine, monkeypatch):
    """Start it while its store is out."""

    async def out():
        raise Unavailable("The store cannot be reached.")

    with monkeypatch.context() as patching:
        patching.setattr(engine.store, "start", out)
        with pytest.raises(Unavailable):
            await engine.start()


async def test_a_close_waits_for_the_start_under_way_and_leaves_nothing_open(process, monkeypatch):
    """Or a fork would hand on a store that is open, with threads that are not there."""
    engine = process()
    starting, opened = await starting_slowly(engine, monkeypatch)
    closing = asyncio.create_task(engine.close())
    for _ in range(5):
        await asyncio.sleep(0)
    opened.set()
    await asyncio.gather(starting, closing)
    assert not engine.ready
    with pytest.raises(Unavailable):
        await engine.store.keys()


async def test_a_start_that_comes_during_a_close_opens_nothing_behind_it(process):
    """Or nobody would ever close that, and a process that is forked then refuse everything."""
    engine = await process().start()
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="closed meanwhile"):
        await engine.start()
    await closing
    assert not engine.ready
    with pytest.raises(Unavailable):
        await engine.store.keys()
    await engine.start()  # afterwards it may be
    await engine.close()


async def test_a_close_waits_for_no_start_that_hangs_and_that_leaves_nothing_open(
    process, monkeypatch
):
    """Where another process migrates, a start waits for a minute: no end of a server does."""
    engine = process()
    starting, opened = await starting_slowly(engine, monkeypatch)
    monkeypatch.setattr("admit.life.UNDER_WAY_SECONDS", 0.01)
    await asyncio.wait_for(engine.close(), PATIENCE)
    opened.set()
    with pytest.raises(Unavailable, match="closed meanwhile"):
        await starting
    assert not engine.ready
    with pytest.raises(Unavailable):
        await engine.store.keys()


async def test_a_start_that_failed_leaves_nothing_to_inherit(process, monkeypatch):
    """A store that was out before the fork, in whatever event loop, condemns no child."""
    engine = process()
    await failed_start(engine, monkeypatch)
    engine._life.forked()  # as in a child
    await engine.start()
    assert engine.ready
    await engine.close()


async def test_a_start_that_failed_after_one_that_did_not_leaves_what_that_one_opened(
    process, monkeypatch
):
    """A child must not use connections that requests of its parent have opened."""
    engine = process()
    await engine.start()
    engine._life._unlearn()  # as where the watch ended by itself
    await failed_start(engine, monkeypatch)
    watch = engine._upkeep._watch
    engine._life.forked()  # as in a child
    with pytest.raises(SettingsError, match="forked"):
        await engine.start()
    watch.cancel()


@pytest.mark.parametrize(
    ("bound", "watch"), [("START_SECONDS", True), ("SLOW_START_SECONDS", False)]
)
async def test_a_request_waits_for_a_start_no_longer_than_it_may(
    process, monkeypatch, bound, watch
):
    """The start goes on, for the requests after it."""
    engine = Engine(process().settings, watch=watch)
    _, opened = opening_slowly(engine, monkeypatch)
    monkeypatch.setattr(f"admit.life.{bound}", 0.01)
    with pytest.raises(Unavailable, match="still starting"):
        await asyncio.wait_for(engine.begin(), PATIENCE)
    opened.set()
    await engine.start()
    assert engine.ready
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
    async with asyncio.timeout(PATIENCE):
        while not await happens():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.005)


async def refused(engine, token):
    """Wait until this process refuses the access token."""

    async def happens():
        try:
            engine.verify(token)
        except InvalidToken:
            return True
        return False

    await until(happens)


async def test_what_another_process_ended_is_refused_within_a_second_or_so(process, clock):
    """The watch runs by itself; here is the one place that waits for it."""
    async with process() as engine, process() as other:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        await other.sessions.sign_out(tokens.refresh_token, now=clock())
        await refused(engine, tokens.access_token)


async def test_the_watch_outlives_whatever_goes_wrong(process, monkeypatch, caplog):
    """A store that is out and a mistake of our own are both said, and looked past."""
    from admit import watch as module

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
    with caplog.at_level(logging.WARNING, "admit.watch"):
        async with Engine(settings, store=Failing(settings.database_url)) as engine:

            async def looked():
                assert engine._upkeep._watch is not None
                assert not engine._upkeep._watch.done()
                return len(looks) > 4

            await until(looked)
            assert engine.ready
    assert "The store is out." in caplog.text
    assert "looking at the store failed" in caplog.text


async def test_a_number_that_can_t_be_counted_blinds_nobody(process, monkeypatch, caplog, clock):
    """The file of a counter may be gone, or its disk full; what others revoke is seen."""
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    async with process() as engine, process() as other:
        turns = []

        def fails(_):
            turns.append(1)
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(engine.metrics, "tokens_verified", fails)

        async def failed():
            return len(turns) > 3

        await until(failed)
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        await other.sessions.sign_out(tokens.refresh_token, now=clock())
        await refused(engine, tokens.access_token)
        assert engine.ready
    said = [each.message for each in caplog.records if each.name == "admit.watch"]
    assert said == ["the metrics could not be written"]


async def test_an_engine_whose_watch_ended_is_not_ready(process, monkeypatch, caplog):
    """Nobody would hear of revocations."""
    engine = Engine(process().settings, counters=Memory())

    async def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(engine._upkeep._keeping_up, "run", broken)
    async with engine:
        counting = engine._upkeep._counting
        assert counting is not None

        async def noticed():
            return not engine.ready

        await until(noticed)
        assert "the watch ended by itself" in caplog.text
        await asyncio.gather(counting, return_exceptions=True)
        assert counting.cancelled(), "or two would look, once it is started anew"


async def test_the_watch_purges_a_little_now_and_then(process, monkeypatch, clock):
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.0)
    async with process() as engine:
        await samples.opened(engine.store, ends_at=clock() + 1, expires_at=clock() + 1)
        clock.passes(2 + PURGE_GRACE)

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


class Channel:
    """A push within this process: what one tells, all who listen hear."""

    name = "a channel of the tests"
    kind = "tests"

    def __init__(self):
        self._heard = []
        self.cuts = 0
        self._cut = asyncio.Event()

    @property
    def connected(self):
        return bool(self._heard)

    async def tell(self):
        for heard in self._heard:
            heard()

    async def listen(self, heard):
        self._heard.append(heard)
        heard()
        try:
            await self._cut.wait()
            self.cuts += 1
            self._cut.clear()
            raise ConnectionResetError("cut off")
        finally:
            self._heard.remove(heard)

    def cut(self):
        self._cut.set()


@pytest.fixture
def pushed(process, monkeypatch):
    """Makes engines that share a channel, and would look by themselves once a day."""
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 86_400.0)
    channel = Channel()

    def made(**given):
        template = process(**given)
        store = SQLiteStore(template.settings.database_url)
        store.push = channel  # type: ignore[assignment]  # as good as a push
        return Engine(template.settings, store=store, clock=template.clock)

    made.channel = channel  # type: ignore[attr-defined]
    return made


async def test_what_another_process_revokes_is_heard_by_push(pushed, clock):
    """A session, the tokens of a user, a key: without a look of the net below."""
    async with pushed() as engine, pushed() as other:
        await samples.add(engine.store, "ada")
        tokens = [await signed_in(engine) for _ in range(3)]
        await other.sessions.sign_out(tokens[0].refresh_token, now=clock())
        await refused(engine, tokens[0].access_token)
        assert engine.verify(tokens[1].access_token)
        await other.accounts.set_roles("id-ada", add=(), remove=("admin",), now=clock())
        await refused(engine, tokens[1].access_token)
        fresh = await engine.sessions.refresh(tokens[1].refresh_token, now=clock())
        assert engine.verify(fresh.access_token)
        await other.keys.withdraw(other.keys.state[-1].kid, clock())
        await refused(engine, fresh.access_token)
        renewed = await engine.sessions.refresh(fresh.refresh_token, now=clock())
        assert other.verify(renewed.access_token), "the key that signs instead came along"


async def test_what_came_while_the_push_was_cut_is_found_when_it_is_back(
    pushed, clock, monkeypatch, caplog
):
    from admit import watch as module

    monkeypatch.setattr(module, "LISTEN_AGAIN_SECONDS", 0.02)
    async with pushed() as engine, pushed() as other:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        other.push = None
        other.revoked._teller._push = None  # it can't tell anybody
        await other.sessions.sign_out(tokens.refresh_token, now=clock())
        assert engine.verify(tokens.access_token)
        pushed.channel.cut()
        await refused(engine, tokens.access_token)
        assert pushed.channel.cuts
    assert "listening for revocations failed" in caplog.text


async def test_many_messages_are_one_look(pushed, monkeypatch):
    """And one more, for what came while it ran."""
    engine = pushed()
    free, looks, look = asyncio.Event(), [], engine.store.revocations
    free.set()

    async def slow(*, after, now):
        looks.append(after)
        await free.wait()
        return await look(after=after, now=now)

    async def looked(times):
        async with asyncio.timeout(PATIENCE):
            while len(looks) < times:  # noqa: ASYNC110  a look tells nobody
                await asyncio.sleep(0.001)

    monkeypatch.setattr(engine.store, "revocations", slow)
    async with engine:
        await looked(2)  # at the start and at the connection
        free.clear()
        looks.clear()
        await pushed.channel.tell()
        await looked(1)
        for _ in range(1_000):
            await pushed.channel.tell()
        free.set()
        await looked(2)
        assert not engine._upkeep._keeping_up._heard.is_set(), "there is no reason for a third"
        assert len(looks) == 2


async def test_closing_tells_what_is_left_to_tell(pushed, clock, monkeypatch):
    """A command has ended a session, and is over before the others have been told."""
    monkeypatch.setattr("admit.revocation.news.TELL_SECONDS", PATIENCE)
    free, told = asyncio.Event(), []
    async with pushed() as engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        everything_told = engine.revoked.told

        async def slow():
            await free.wait()
            told.append(1)

        async def closing():
            assert not told
            free.set()
            await everything_told()
            assert told

        monkeypatch.setattr(pushed.channel, "tell", slow)
        monkeypatch.setattr(engine.revoked, "told", closing)
        await engine.sessions.sign_out(tokens.refresh_token, now=clock())
        assert not told
    assert told


async def test_looking_goes_on_while_much_is_purged(process, monkeypatch, clock):
    """A purge that takes long keeps no revocation back."""
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.0)
    async with process() as engine, process() as other:
        purging = asyncio.Event()

        async def endless(*, now, events_before, limit):
            purging.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(engine.store, "purge", endless)
        await purging.wait()
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        await other.sessions.sign_out(tokens.refresh_token, now=clock())
        await refused(engine, tokens.access_token)


@pytest.fixture
def unwatched(monkeypatch):
    """Engines here look at their start, and when a test says so."""
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 86_400.0)


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("passed", [10.5, 3600.0, -10.5, -3600.0])
async def test_a_strict_process_accepts_nothing_that_it_cannot_know(process, clock, passed):
    async with process(revocation_strict=True, access_ttl="2h") as engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        assert engine.verify(tokens.access_token)
        clock.passes(passed)
        with pytest.raises(Unavailable) as refusal:
            engine.verify(tokens.access_token)
        assert refusal.value.retry_after == 1
        with pytest.raises(Unavailable):
            engine.verify("not even a token")
        await engine.revoked.look(clock())
        if passed > 0:  # a token from the future is another story
            assert engine.verify(tokens.access_token)


@pytest.mark.usefixtures("unwatched")
async def test_a_process_that_is_not_strict_goes_on_with_what_it_knows(process, clock):
    async with process() as engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        clock.passes(600)
        assert engine.verify(tokens.access_token)
        with pytest.raises(Unavailable, match="600 s ago"):
            await engine.check()


@pytest.mark.usefixtures("unwatched")
async def test_how_old_is_too_old_is_a_setting(process, clock):
    async with process(revocation_strict=True, revocation_max_age="2m") as engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        clock.passes(120)
        assert engine.verify(tokens.access_token)
        await engine.check()
        clock.passes(1)
        with pytest.raises(Unavailable):
            engine.verify(tokens.access_token)


async def test_a_store_that_goes_is_said_with_the_age_of_what_is_known(process, clock):
    async with process() as engine:
        await engine.check()
        await engine.store.close()
        clock.passes(4)
        with pytest.raises(Unavailable, match=r"not started\. What is revoked was seen 4 s ago"):
            await engine.check()


async def test_a_store_that_goes_is_logged_once(process, clock, monkeypatch, caplog):
    from admit import watch as module

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    async with process() as engine:
        looks = []

        async def out(*, after, now):
            looks.append(after)
            raise Unavailable("The store is out.")

        monkeypatch.setattr(engine.store, "revocations", out)

        async def often():
            return len(looks) > 10

        await until(often)
    said = {id(each) for each in caplog.records if "The store is out." in each.getMessage()}
    assert len(said) == 1


class Crowded:
    """A push on which something is told all the time."""

    name = kind = "crowded"
    connected = True

    async def tell(self):
        """Nothing."""

    async def listen(self, heard):
        while True:
            heard()
            await asyncio.sleep(0)


async def test_keys_are_looked_at_however_much_is_pushed(process):
    """A busy site, where somebody signs out more often than twice a second."""
    async with process() as other:
        store = SQLiteStore(other.settings.database_url)
        store.push = Crowded()
        async with Engine(other.settings, store=store, clock=other.clock) as engine:
            made = await other.keys.rotate(other.clock())

            async def known():
                return engine.keys.verifying(made, engine.clock()) is not None

            await until(known)


async def test_a_withdrawn_key_is_dropped_though_the_first_look_at_the_keys_fails(
    process, monkeypatch
):
    from admit import watch as module

    async with process() as other:
        (key,) = await other.store.keys()
        store = SQLiteStore(other.settings.database_url)
        store.push = Crowded()
        async with Engine(other.settings, store=store, clock=other.clock) as engine:
            monkeypatch.setattr(module, "LOOK_SECONDS", 86_400.0)
            await until_looked(engine)
            failed: list[float] = []
            look = engine.keys.look

            async def fails_once(now):
                if not failed:
                    failed.append(now)
                    raise Unavailable("The store is out.")
                await look(now)

            monkeypatch.setattr(engine.keys, "look", fails_once)
            await other.keys.withdraw(key.kid, other.clock())

            async def gone():
                return engine.keys.verifying(key.kid, engine.clock()) is None

            await until(gone)
            assert failed


async def until_looked(engine):
    """The watch has looked once, so that the next look at the keys is a day away."""

    async def looked():
        return engine._upkeep._keeping_up._keys_looked_at > 0

    await until(looked)


async def test_who_was_cut_off_is_ready_only_when_it_knows_what_it_missed(process, clock):
    """The store is back, and the watch has not looked yet."""

    class Cut(SQLiteStore):
        out = False

        async def revocations(self, *, after, now):
            if self.out:
                raise Unavailable("The store is out.")
            return await super().revocations(after=after, now=now)

    async with process() as other:
        store = Cut(other.settings.database_url)
        async with Engine(other.settings, store=store, clock=clock) as engine:
            assert engine._upkeep._watch is not None
            engine._upkeep._watch.cancel()  # it looks here only where it is told to
            await samples.add(engine.store, "ada")
            tokens = await signed_in(engine)
            store.out = True
            await other.sessions.sign_out(tokens.refresh_token, now=clock())
            with pytest.raises(Unavailable):
                await engine.revoked.look(clock())
            with pytest.raises(Unavailable):
                await engine.check()
            store.out = False
            engine.verify(tokens.access_token)  # it can't know yet
            await engine.check()
            with pytest.raises(InvalidToken):
                engine.verify(tokens.access_token)


async def test_what_is_done_is_told_so_though_nobody_can_look_afterwards(process, clock):
    """Told otherwise, an owner would try their old password again, and be refused."""

    class Blind(SQLiteStore):
        blind = False

        async def revocations(self, *, after, now):
            if self.blind:
                raise Unavailable("The store is out.")
            return await super().revocations(after=after, now=now)

    template = process()
    store = Blind(template.settings.database_url)
    async with Engine(template.settings, store=store, clock=clock) as engine:
        password, other = "seven pale lanterns drift", "eight pale lanterns drift"
        user = await engine.accounts.register(
            email="ada@example.com", password=password, now=clock()
        )
        tokens = await engine.sessions.sign_in(login=user.email, password=password, now=clock())
        store.blind = True
        tokens = await engine.sessions.sign_in(
            login=user.email, password=password, now=clock(), replaces=tokens.refresh_token
        )
        await engine.accounts.change_password(
            user_id=user.id,
            session_id=tokens.session_id,
            current_password=password,
            new_password=other,
            now=clock(),
        )
        await engine.sessions.sign_in(login=user.email, password=other, now=clock())


async def test_a_start_goes_on_where_nobody_waits_for_it_any_more():
    """An event loop holds its tasks only weakly."""
    under_way = []

    async def start():
        under_way.append(weakref.ref(asyncio.current_task()))
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Unavailable, match="still starting"):
        await begun(start, seconds=0.01)
    gc.collect()
    (task,) = [each() for each in under_way]
    assert task is not None
    task.cancel()
