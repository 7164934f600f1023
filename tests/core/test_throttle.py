"""Who may try again, and when: on the handed-in clock, and only failures count."""

import asyncio

import pytest

from admit.counters import Counters, file
from admit.errors import InvalidCredentials, TooManyAttempts
from admit.redis import RedisCounters
from admit.settings import Settings
from admit.throttle import Throttle

pytestmark = pytest.mark.anyio


everywhere = pytest.mark.parametrize("limited", ["memory", "file", "redis"], indirect=True)
"""Where several processes count together; what each storage does, test_counters shows."""


@pytest.fixture
async def limited(request, clock, tmp_path, monkeypatch):
    """Makes the throttle of one more process, which shares what it counts with the others."""
    kind = getattr(request, "param", "memory")
    monkeypatch.setattr("admit.redis.connections.PATIENCE", 20)  # however busy this machine is
    made: list[Counters] = []
    path = file.make(str(tmp_path))

    def shared():
        if kind == "file":
            return [file.File(path)]
        if kind == "redis":
            url = request.getfixturevalue("redis_server").url
            return [RedisCounters(url, prefix="admit:test:")]
        return []

    def start(**given):
        counters = made[0] if made and kind == "memory" else Counters(*shared())
        made.append(counters)
        return Throttle(Settings.load(environ={}, dotenv=None, **given), clock, counters)

    yield start
    out = [each.out for each in made if each.out]
    for each in made:
        await each.close()
    assert not out


@pytest.fixture
def throttle(limited):
    return limited()


async def fails(throttle, account="ada", ip="192.0.2.1"):
    """One failed sign-in; the wait where it wasn't even tried."""
    try:
        async with throttle.sign_in(account, ip):
            raise InvalidCredentials
    except InvalidCredentials:
        return None
    except TooManyAttempts as refused:
        return refused.retry_after


async def succeeds(throttle, account="ada", ip="192.0.2.1"):
    try:
        async with throttle.sign_in(account, ip):
            return True
    except TooManyAttempts:
        return False


async def test_five_failures_and_then_a_wait_until_the_window_ends(throttle, clock):
    assert [await fails(throttle) for _ in range(5)] == [None] * 5
    clock.passes(20.5)
    assert await fails(throttle) == 40
    assert not await succeeds(throttle)
    clock.passes(39.5)
    assert await succeeds(throttle)


async def test_a_longer_window_counts_beside_the_shorter_one(throttle, clock):
    for _ in range(6):
        assert [await fails(throttle) for _ in range(5)] == [None] * 5
        clock.passes(60)
    assert await fails(throttle) == 3_600 - 360


async def test_success_is_not_counted(throttle):
    for _ in range(50):
        assert await succeeds(throttle)
    assert await fails(throttle) is None


@everywhere
async def test_parallel_guesses_get_no_further_than_guesses_in_a_row(throttle):
    """An attempt that is under way counts as one until it is over."""
    tried = 0

    async def guess():
        nonlocal tried
        async with throttle.sign_in("ada", "192.0.2.1"):
            tried += 1
            await asyncio.sleep(0)
            raise InvalidCredentials

    outcomes = await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)
    assert tried == 5
    assert sum(isinstance(each, InvalidCredentials) for each in outcomes) == 5


@everywhere
async def test_parallel_guesses_at_several_processes_get_no_further(limited):
    throttles = [limited() for _ in range(4)]
    outcomes = await asyncio.gather(*(fails(throttles[n % 4]) for n in range(100)))
    assert outcomes.count(None) == 5
    assert all(wait == 60 for wait in outcomes if wait is not None)


@everywhere
async def test_many_who_sign_in_at_several_processes_never_hinder_each_other(limited):
    """Thirty at once behind one address: what is under way is given back in time for the next."""
    throttles = [limited(throttle_login="5/minute") for _ in range(4)]
    for _ in range(3):
        tries = [succeeds(throttles[n % 4], str(n), "192.0.2.1") for n in range(30)]
        assert all(await asyncio.gather(*tries))
    assert await fails(throttles[0]) is None


async def test_a_refusal_counts_nowhere(throttle):
    """Or who is held back for one account would soon be held back for all."""
    assert [await fails(throttle) for _ in range(60)].count(None) == 5
    assert [await fails(throttle, "bob") for _ in range(5)] == [None] * 5


async def test_another_kind_of_failure_is_not_counted_and_gives_its_place_back(throttle):
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            async with throttle.sign_in("ada", "192.0.2.1"):
                raise ZeroDivisionError
    assert await fails(throttle) is None


@everywhere
async def test_one_who_gives_up_gives_the_place_back(throttle):
    entered = asyncio.Semaphore(0)

    async def endless():
        async with throttle.sign_in("ada", "192.0.2.1"):
            entered.release()
            await asyncio.Event().wait()

    waiting = [asyncio.create_task(endless()) for _ in range(5)]
    for _ in waiting:
        await entered.acquire()
    assert not await succeeds(throttle)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(20):
        while not await succeeds(throttle):  # noqa: ASYNC110  who is cancelled waits for no Redis
            await asyncio.sleep(0.01)


async def test_a_stranger_never_locks_the_owner_out(throttle, clock):
    """Past the account's limit, each stranger gets one guess; the owner's place is fresh."""
    strangers = [f"198.51.{high}.{low}" for high in range(3) for low in range(100)]
    tried = sum([await fails(throttle, ip=each) is None for each in strangers])
    assert tried == 300
    assert [await fails(throttle, ip=each) for each in strangers[:50]].count(None) == 0
    assert await succeeds(throttle, ip="203.0.113.7")


async def test_one_address_is_limited_over_all_accounts(throttle):
    outcomes = [await fails(throttle, account=str(index)) for index in range(40)]
    assert outcomes.count(None) == 30
    assert await fails(throttle, account="another", ip="192.0.2.2") is None


async def test_an_ipv6_network_is_one_address_and_a_mapped_one_is_ipv4(throttle):
    for index in range(5):
        assert await fails(throttle, ip=f"2001:db8::{index}") is None
    assert await fails(throttle, ip="2001:db8::ffff:1") is not None
    assert await fails(throttle, ip="2001:db8:0:1::1") is None
    for _ in range(5):
        assert await fails(throttle, account="bob", ip="::ffff:192.0.2.9") is None
    assert await fails(throttle, account="bob", ip="192.0.2.9") is not None


async def test_without_an_address_all_are_one(throttle):
    for ip in (None, "", "x", "unknown", "1.2.3"):
        assert await fails(throttle, ip=ip) is None
    assert await fails(throttle, ip=None) is not None


async def test_registrations_are_counted_good_or_not(throttle, clock):
    for _ in range(20):
        await throttle.register("192.0.2.1")
    with pytest.raises(TooManyAttempts) as raised:
        await throttle.register("192.0.2.1")
    assert raised.value.retry_after == 60
    await throttle.register("192.0.2.2")
    clock.passes(60)
    await throttle.register("192.0.2.1")


async def test_wrong_current_passwords_are_limited_for_each_account(throttle):
    async def wrong(user):
        async with throttle.password_change(user):
            raise InvalidCredentials

    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await wrong("ada")
    with pytest.raises(TooManyAttempts):
        await wrong("ada")
    with pytest.raises(InvalidCredentials):
        await wrong("bob")


async def test_refused_refreshes_are_limited_for_each_session_and_address(throttle):
    for _ in range(30):
        await throttle.refresh("one", "192.0.2.1")
        await throttle.refresh_refused("one", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        await throttle.refresh("one", "192.0.2.1")
    await throttle.refresh("one", "192.0.2.2")
    await throttle.refresh("two", "192.0.2.1")
    await throttle.refresh(None, "192.0.2.1")


@everywhere
async def test_a_refresh_that_was_refused_elsewhere_costs_each_process_one_more(limited, clock):
    """What others counted is learnt with the next refusal; until then a refresh asks nobody."""
    one, other = limited(throttle_refresh="3/minute"), limited(throttle_refresh="3/minute")
    for _ in range(3):
        await one.refresh_refused("one", "192.0.2.1")
    await other.refresh_refused("one", "192.0.2.1")
    for each in (one, other):
        with pytest.raises(TooManyAttempts) as raised:
            await each.refresh("one", "192.0.2.1")
        assert raised.value.retry_after == 60
    clock.passes(60)
    for each in (one, other):
        await each.refresh("one", "192.0.2.1")


async def test_of_two_parts_with_one_window_the_stricter_holds(limited):
    throttle = limited(throttle_login="9/minute;2/minute")
    assert [await fails(throttle) for _ in range(4)] == [None, None, 60, 60]


async def test_switched_off_nothing_is_limited(limited):
    throttle = limited(throttle="off")
    for _ in range(200):
        assert await fails(throttle) is None
        await throttle.register("192.0.2.1")
        await throttle.refresh("one", "192.0.2.1")
        await throttle.refresh_refused("one", "192.0.2.1")
        async with throttle.password_change("ada"):
            pass


async def test_the_limits_are_settings(limited):
    throttle = limited(throttle_login="1/hour")
    assert await fails(throttle) is None
    assert await fails(throttle) == 3_600


async def test_an_account_of_any_text_is_counted(throttle):
    assert await fails(throttle, account="\ud800\0" * 1_000) is None
