"""Counters in memory: fixed windows on the handed-in clock, bounded in number."""

import pytest

from admit import counters
from admit.counters import Counters

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(clock):
    return Counters(clock)


async def test_a_window_begins_with_the_first_count_and_ends_by_the_clock(store, clock):
    assert await store.get("a") == 0
    assert await store.incr("a", 60) == 1
    clock.passes(59)
    assert await store.incr("a", 60) == 2
    assert await store.get("a") == 2
    assert await store.get_expiry("a") == clock() + 1
    clock.passes(1)
    assert await store.get("a") == 0
    assert await store.incr("a", 60, 3) == 3
    assert await store.get_expiry("a") == clock() + 60


async def test_keys_are_counted_apart(store):
    await store.incr("a", 60)
    await store.incr("b", 60)
    await store.clear("a")
    await store.clear("nobody")
    assert [await store.get("a"), await store.get("b")] == [0, 1]
    assert await store.reset() == 1
    assert await store.get("b") == 0
    assert await store.check()


async def test_what_is_over_is_dropped(store, clock):
    for index in range(100):
        await store.incr(f"short {index}", 60)
        await store.incr(f"long {index}", 3_600)
    clock.passes(61)
    for index in range(200):
        await store.incr(f"new {index % 10}", 60)
    assert sum(key.startswith("short") for key in store._counts) == 0
    assert sum(key.startswith("long") for key in store._counts) == 100


async def test_one_key_that_is_counted_often_takes_no_room(store, clock):
    for _ in range(1_000):
        await store.incr("a", 60)
        clock.passes(61)
    assert len(store._counts) == 1
    assert len(store._ends) <= 2


async def test_their_number_is_bounded_and_the_newest_stay(store, monkeypatch):
    monkeypatch.setattr(counters, "MOST", 50)
    for index in range(500):
        await store.incr(str(index), 60)
    assert len(store._counts) <= 51
    assert await store.get("499") == 1
