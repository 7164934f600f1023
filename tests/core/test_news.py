"""Whoever waits for news is woken by it: all, once, at once, in whatever event loop."""

import asyncio
import threading

import pytest

from admit.revocation.news import News

pytestmark = pytest.mark.anyio
LONG = 60.0
"""Seconds that no test here waits."""


async def waiting(news, count):
    tasks = [asyncio.create_task(news.wait(news.turn, seconds=LONG)) for _ in range(count)]
    while len(news._waiting) < count:  # noqa: ASYNC110  there is no event to wait for
        await asyncio.sleep(0)
    return tasks


async def test_everybody_who_waits_is_woken_at_once():
    news = News()
    tasks = await waiting(news, 200)
    news.arrive()
    await asyncio.gather(*tasks)
    assert not news._waiting


async def test_news_that_came_before_the_waiting_is_not_missed():
    news = News()
    seen = news.turn
    news.arrive()
    await news.wait(seen, seconds=LONG)


async def test_each_waits_for_the_next_news():
    news = News()
    news.arrive()
    (task,) = await waiting(news, 1)
    assert not task.done()
    news.arrive()
    await task


async def test_waiting_ends_with_its_time():
    news = News()
    await news.wait(news.turn, seconds=0.001)
    assert not news._waiting


async def test_who_gives_up_leaves_nothing_behind():
    news = News()
    tasks = await waiting(news, 3)
    tasks[1].cancel()
    await asyncio.wait({tasks[1]})
    assert len(news._waiting) == 2
    news.arrive()
    await asyncio.gather(tasks[0], tasks[2])


async def test_a_house_that_closes_sends_everybody_home():
    news = News()
    tasks = await waiting(news, 5)
    news.close()
    await asyncio.gather(*tasks)
    await news.wait(news.turn, seconds=LONG)


async def test_news_of_another_thread_wakes_this_loop():
    """A server's loop, and the portal of a synchronous app beside it."""
    news = News()
    tasks = await waiting(news, 20)
    await asyncio.to_thread(news.arrive)
    await asyncio.gather(*tasks)


async def test_a_loop_that_is_gone_harms_nobody():
    news = News()
    loop = asyncio.new_event_loop()
    news._waiting.add(loop.create_future())
    loop.close()
    tasks = await waiting(news, 2)
    news.arrive()
    await asyncio.gather(*tasks)


async def test_threads_that_bring_and_await_news_lose_none():
    """Each of many turns wakes whoever waits, however they interleave."""
    news, turns = News(), 200

    async def follow():
        seen = 0
        while seen < turns:
            await news.wait(seen, seconds=LONG)
            assert news.turn > seen
            seen = news.turn

    def bring():
        for _ in range(turns):
            news.arrive()

    bringing = threading.Thread(target=bring)
    following = [asyncio.create_task(follow()) for _ in range(5)]
    await asyncio.sleep(0)
    bringing.start()
    await asyncio.gather(*following)
    bringing.join()
