"""Without a watch, a request looks at what is older than its bound: frozen and thawed."""

import asyncio
import logging

import pytest

from admit import catchup, upkeep
from admit.counters import Memory
from admit.engine import Engine
from admit.errors import InvalidToken, Unavailable
from admit.testing import samples
from tests.servers import PATIENCE

pytestmark = pytest.mark.anyio
HOUR = 3_600.0


class Machine:
    """The clock that only goes forward, and stands still while a process is frozen."""

    def __init__(self, monkeypatch, clock):
        self.since = 1_000.0
        self._clock = clock
        monkeypatch.setattr(catchup, "monotonic", lambda: self.since)

    def passes(self, seconds):
        self.since += seconds
        self._clock.passes(seconds)

    def frozen(self, seconds):
        """The time of day goes on; nothing else does."""
        self._clock.passes(seconds)


@pytest.fixture
def machine(monkeypatch, clock):
    return Machine(monkeypatch, clock)


@pytest.fixture
def instance(process, clock):
    """Makes an engine without a watch, as one more instance of a function."""
    return lambda **given: Engine(process(**given).settings, clock=clock, watch=False)


async def signed_in(engine):
    account = await engine.store.find_user("id", "id-ada")
    return await engine.sessions.open(account, now=engine.clock())


@pytest.fixture
async def two(instance, machine):
    """Two instances on one store, with an account that needs no password."""
    async with instance(access_ttl="2h") as one, instance(access_ttl="2h") as other:
        await samples.add(one.store, "ada")
        yield one, other


async def test_nothing_goes_on_beside_the_requests(instance):
    before = asyncio.all_tasks()
    async with instance() as engine:
        assert engine.ready
        assert asyncio.all_tasks() == before
        await engine.catch_up()
        await engine.catch_up_keys(published=True)
        await engine.settle()
        assert asyncio.all_tasks() == before


async def test_what_was_revoked_while_it_was_frozen_is_refused_by_the_first_request(
    two, machine, clock
):
    engine, other = two
    tokens = await signed_in(engine)
    await engine.catch_up()
    assert engine.verify(tokens.access_token)
    machine.frozen(HOUR)
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    await engine.catch_up()
    with pytest.raises(InvalidToken) as refused:
        engine.verify(tokens.access_token)
    assert refused.value.reason == "signed_out"


async def test_a_look_holds_for_half_a_second(two, machine, clock):
    engine, other = two
    tokens = await signed_in(engine)
    machine.passes(1)
    await engine.catch_up()
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    machine.passes(catchup.LOOK_SECONDS - 0.01)
    await engine.catch_up()
    assert engine.verify(tokens.access_token)
    machine.passes(0.01)
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)


@pytest.mark.parametrize("moved", [-HOUR, -0.1])
async def test_a_clock_that_went_back_makes_it_look(two, machine, clock, moved):
    """And one that stands still, while the other goes on."""
    engine, other = two
    tokens = await signed_in(engine)
    await engine.catch_up()
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    clock.passes(moved)
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)


async def test_a_clock_that_stands_still_does_not_keep_it_from_looking(two, machine, clock):
    engine, other = two
    tokens = await signed_in(engine)
    await engine.catch_up()
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    machine.since += catchup.LOOK_SECONDS
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)


async def test_a_clock_that_is_behind_after_the_thaw_and_then_set_right_forgets_nothing(
    two, machine, clock
):
    engine, other = two
    tokens = await signed_in(engine)
    machine.frozen(HOUR)
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    clock.passes(-HOUR - 60)  # the machine thaws, and thinks that it is a minute before
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)
    clock.passes(HOUR + 60)
    await engine.catch_up()
    with pytest.raises(InvalidToken) as refused:
        engine.verify(tokens.access_token)
    assert refused.value.reason == "signed_out"


async def test_a_key_withdrawn_while_it_was_frozen_is_refused_and_signs_no_more(
    two, machine, clock
):
    engine, other = two
    tokens = await signed_in(engine)
    machine.frozen(HOUR)
    (kid,) = [key.kid for key in engine.keys.state]
    await other.keys.withdraw(kid, clock())
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)
    machine.frozen(HOUR)
    await engine.catch_up_keys()
    assert engine.keys.signing(clock()).kid == other.keys.signing(clock()).kid != kid


async def test_a_withdrawn_key_is_heard_of_with_the_revocations_whatever_the_keys_bound(
    two, machine, clock
):
    engine, other = two
    tokens = await signed_in(engine)
    machine.passes(1)
    await other.keys.withdraw(engine.keys.signing(clock()).kid, clock())
    await engine.catch_up()
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)


async def test_a_key_rotated_while_it_was_frozen_is_known_to_the_first_request(two, machine, clock):
    engine, other = two
    await other.keys.rotate(clock())
    machine.frozen(other.settings.jwks_max_age + 1)
    await other.catch_up_keys()
    fresh = await signed_in(other)
    await engine.catch_up()
    assert engine.verify(fresh.access_token)
    await engine.catch_up_keys()
    assert engine.keys.signing(clock()).kid == other.keys.signing(clock()).kid


async def test_keys_rotate_by_schedule_by_whichever_instance_comes_by(two, machine, clock):
    engine, other = two
    machine.frozen(engine.settings.key_ttl)
    await asyncio.gather(engine.catch_up_keys(), other.catch_up_keys())
    assert len(await engine.store.keys()) == 2


async def test_a_key_that_waits_is_seen_before_it_signs_however_short_the_wait(
    instance, machine, clock
):
    short = {"jwks_max_age": 2, "access_ttl": 60}
    async with instance(**short) as engine, instance(**short) as other:
        await other.keys.rotate(clock())
        machine.passes(2)
        await engine.catch_up_keys()
        assert engine.keys.signing(clock()).kid == other.keys.signing(clock()).kid


async def test_counters_that_are_over_hold_nobody_back_after_the_thaw(instance, machine, clock):
    from admit.errors import TooManyAttempts

    async with instance(throttle=True) as engine:
        for _ in range(20):
            await engine.throttle.register("192.0.2.1")
        with pytest.raises(TooManyAttempts):
            await engine.throttle.register("192.0.2.1")
        machine.frozen(HOUR)
        await engine.throttle.register("192.0.2.1")


async def test_many_who_ask_at_once_share_one_look(two, machine, monkeypatch):
    engine, _ = two
    looks, look = [], engine.store.revocations

    async def counted(**given):
        looks.append(1)
        return await look(**given)

    monkeypatch.setattr(engine.store, "revocations", counted)
    machine.frozen(HOUR)
    await asyncio.gather(*(engine.catch_up() for _ in range(20)))
    assert len(looks) == 1


@pytest.mark.parametrize("dies", [False, True], ids=["and ends", "and fails"])
async def test_a_look_that_was_frozen_in_the_middle_is_not_taken_for_a_new_one(
    two, machine, clock, monkeypatch, dies
):
    """Nor is one whose connection died meanwhile: the first request after the thaw looks itself."""
    engine, other = two
    tokens = await signed_in(engine)
    begun, thawed, look = asyncio.Event(), asyncio.Event(), engine.store.revocations

    async def frozen(**given):
        feed = await look(**given)
        begun.set()
        await thawed.wait()
        if dies:
            raise Unavailable("The connection is dead.")
        return feed

    monkeypatch.setattr(engine.store, "revocations", frozen)
    machine.passes(1)
    first = asyncio.create_task(engine.catch_up())
    await begun.wait()
    monkeypatch.setattr(engine.store, "revocations", look)
    machine.frozen(HOUR)
    await other.sessions.sign_out(tokens.refresh_token, now=clock())
    second = asyncio.create_task(engine.catch_up())
    await asyncio.sleep(0)
    thawed.set()
    await asyncio.gather(first, second)
    with pytest.raises(InvalidToken):
        engine.verify(tokens.access_token)


def test_a_start_serves_the_next_request_also_in_another_loop(instance):
    engine = instance()

    async def first():
        await engine.start()
        await samples.add(engine.store, "ada")
        return (await signed_in(engine)).access_token

    token = asyncio.run(first())

    async def then():
        assert engine.ready
        await engine.catch_up()
        await engine.catch_up_keys()
        return engine.verify(token)

    for _ in range(2):
        assert asyncio.run(then())
    asyncio.run(engine.close())


def out(engine, monkeypatch, *verbs):
    async def fails(**_):
        raise Unavailable("The store is out.")

    for verb in verbs:
        monkeypatch.setattr(engine.store, verb, fails)


async def test_while_the_store_is_out_what_was_known_goes_on_and_is_said_once(
    two, machine, monkeypatch, caplog
):
    engine, _ = two
    tokens = await signed_in(engine)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "admit.watch"):
        out(engine, patch, "revocations")
        for _ in range(3):
            machine.frozen(60)
            await engine.catch_up()
            assert engine.verify(tokens.access_token)
    await engine.catch_up()
    said = [each.message for each in caplog.records if each.name == "admit.watch"]
    assert len(said) == 2
    assert "not seen meanwhile" in said[0]
    assert "answers again" in said[1]


async def test_a_strict_instance_whose_look_fails_refuses_every_token(
    instance, machine, monkeypatch
):
    async with instance(revocation_strict=True) as engine:
        await samples.add(engine.store, "ada")
        tokens = await signed_in(engine)
        machine.frozen(5)
        with monkeypatch.context() as patch:
            out(engine, patch, "revocations")
            await engine.catch_up()
            assert engine.verify(tokens.access_token)
            machine.frozen(6)
            await engine.catch_up()
            with pytest.raises(Unavailable, match="11 s ago"):
                engine.verify(tokens.access_token)
        await engine.catch_up()
        assert engine.verify(tokens.access_token)


async def test_keys_that_were_not_seen_for_longer_than_others_cache_them_sign_nothing(
    two, machine, monkeypatch
):
    engine, _ = two
    machine.frozen(engine.settings.jwks_max_age - 1)
    out(engine, monkeypatch, "keys")
    await engine.catch_up_keys()
    machine.frozen(1)
    with pytest.raises(Unavailable):
        await engine.catch_up_keys()


async def test_who_forgets_to_catch_up_is_told_and_lets_nobody_in(two, machine):
    engine, _ = two
    tokens = await signed_in(engine)
    assert engine.verify(tokens.access_token)
    machine.frozen(engine.settings.revocation_max_age)
    with pytest.raises(Unavailable, match="catch_up"):
        engine.verify(tokens.access_token)


async def test_readiness_looks_for_itself(two, machine, monkeypatch):
    engine, _ = two
    machine.frozen(HOUR)
    await engine.check()
    machine.frozen(HOUR)
    out(engine, monkeypatch, "revocations")
    with pytest.raises(Unavailable, match="3600 s ago"):
        await engine.check()


async def test_after_a_request_what_it_began_is_seen_through(two, machine, monkeypatch):
    engine, _ = two
    begun, free, look = asyncio.Event(), asyncio.Event(), engine.store.revocations

    async def slow(**given):
        begun.set()
        await free.wait()
        return await look(**given)

    monkeypatch.setattr(engine.store, "revocations", slow)
    machine.frozen(HOUR)
    request = asyncio.create_task(engine.catch_up())
    await begun.wait()
    request.cancel()
    settled = asyncio.create_task(engine.settle())
    await asyncio.sleep(0)
    assert not settled.done()
    free.set()
    await settled
    with monkeypatch.context() as patch:
        out(engine, patch, "revocations")
        await engine.catch_up()
    assert not engine.revoked.behind, "what it saw holds"


class Shared(Memory):
    """Counters that are out unless they work."""

    kind = "shared"
    works = False

    async def take(self, places, *, now):
        if not self.works:
            raise Unavailable("it is out")
        return await super().take(places, now=now)


async def test_a_store_that_hangs_keeps_no_answer_back_for_what_is_written_down(
    process, machine, clock, monkeypatch
):
    monkeypatch.setattr(upkeep, "SETTLE_SECONDS", 0.01)
    settings = process(throttle=True).settings
    async with Engine(settings, clock=clock, counters=Shared(), watch=False) as engine:
        asked, free = asyncio.Event(), asyncio.Event()

        async def hangs(_):
            asked.set()
            await free.wait()

        monkeypatch.setattr(engine.store, "record", hangs)
        await engine.throttle.register("192.0.2.1")
        async with asyncio.timeout(PATIENCE):
            await engine.settle()
        assert asked.is_set()
        free.set()


async def test_limits_that_are_not_counted_together_are_written_down_after_a_request(
    process, machine, clock, monkeypatch
):
    """By whichever request can; not more often than each ten seconds, where it fails."""
    shared = Shared()
    settings = process(throttle=True).settings
    async with Engine(settings, clock=clock, counters=shared, watch=False) as engine:

        async def request():
            await engine.throttle.register("192.0.2.1")
            await engine.settle()

        async def told():
            found = await engine.store.events()
            return [(each.kind, each.reason) for each in found if each.kind.startswith("limits")]

        failed = []

        async def fails(_):
            failed.append(1)
            raise Unavailable("The store is out.")

        with monkeypatch.context() as patch:
            patch.setattr(engine.store, "record", fails)
            await request()
            await request()
        assert len(failed) == 1
        assert engine.degraded == ["shared"]
        machine.passes(10)
        await request()
        assert await told() == [("limits_degraded", "shared")]
        shared.works = True
        machine.passes(10)
        await request()
        assert engine.degraded == []
        assert (await told())[0] == ("limits_restored", "shared")
        machine.passes(10)
        await request()
        assert len(await told()) == 2
