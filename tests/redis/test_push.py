"""The push: heard at once, again after Redis was away, and never in anybody's way."""

import asyncio
import signal
from contextlib import asynccontextmanager
from unittest.mock import Mock

import pytest
from redis.asyncio.client import PubSub

from admit.redis import RedisPush
from tests.redis.conftest import soon

pytestmark = pytest.mark.anyio

CHANNEL = "admit:test:revoked"


class Listener:
    """A push that listens, and an entry for each time that it heard something."""

    def __init__(self, url, channel=CHANNEL):
        self.push = RedisPush(url, channel=channel)
        self.heard = []

    @asynccontextmanager
    async def listening(self):
        task = asyncio.create_task(self.push.listen(lambda: self.heard.append("heard")))
        try:
            await soon(lambda: self.push.connected)
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert not self.push.connected
            await self.push.close()


@pytest.mark.usefixtures("patient")
async def test_what_is_told_is_heard_at_once_by_everybody(redis_server):
    """Nothing else would have it heard: that it comes is the proof."""
    one, other = Listener(redis_server.url), Listener(redis_server.url)
    async with one.listening(), other.listening():
        for count in range(50):
            await soon(lambda count=count: len(one.heard) == len(other.heard) == count + 1)
            await one.push.tell()
        await soon(lambda: len(one.heard) == len(other.heard) == 51)


@pytest.mark.usefixtures("patient")
async def test_every_connection_made_is_a_reason_to_look(redis_server):
    listener = Listener(redis_server.url)
    async with listener.listening():
        assert len(listener.heard) == 1


@pytest.mark.usefixtures("patient")
async def test_after_a_restart_it_is_heard_again(redis_server, caplog):
    listener = Listener(redis_server.url)
    teller = RedisPush(redis_server.url, channel=CHANNEL)
    async with listener.listening():
        redis_server.stop()
        await soon(lambda: not listener.push.connected)
        for _ in range(3):
            await teller.tell()  # raises nothing
        heard = len(listener.heard)
        redis_server.start()
        await soon(lambda: listener.push.connected)
        assert len(listener.heard) == heard + 1

        async def told():
            while len(listener.heard) == heard + 1:
                await teller.tell()
                await asyncio.sleep(0.02)

        await asyncio.wait_for(told(), 20)
    await teller.close()
    said = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert [each.split(" is ")[1][:4] for each in said] == ["out ", "back"]


async def test_it_comes_up_without_redis_and_finds_it_later(redis_server, monkeypatch):
    redis_server.stop()
    listener = Listener(redis_server.url)
    lost = Mock(wraps=listener.push._lost)
    monkeypatch.setattr(listener.push, "_lost", lost)
    task = asyncio.create_task(listener.push.listen(lambda: listener.heard.append("heard")))
    await soon(lambda: lost.call_count >= 3)
    assert (listener.push.connected, listener.heard) == (False, [])
    redis_server.start()
    await soon(lambda: listener.push.connected and listener.heard)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await listener.push.close()


@pytest.mark.usefixtures("patient")
async def test_a_redis_that_hangs_is_noticed_and_holds_nobody_up(redis_server, monkeypatch):
    # It would be asked again each second.
    monkeypatch.setattr("admit.redis.push.LONGEST_WAIT", 86_400.0)
    listener = Listener(redis_server.url)
    asked = Mock(wraps=listener.push._connections.client)
    async with listener.listening():
        monkeypatch.setattr(listener.push._connections, "client", asked)
        with monkeypatch.context() as patch:
            for module in ("connections", "push"):
                patch.setattr(f"admit.redis.{module}.PATIENCE", 0.5)
            redis_server.process.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(20):
                for _ in range(21):
                    await listener.push.tell()
            assert asked.call_count in {1, 2}  # perhaps one just before it stops, and no other
            await soon(lambda: not listener.push.connected)
        redis_server.process.send_signal(signal.SIGCONT)
        await soon(lambda: listener.push.connected)


@pytest.mark.usefixtures("patient")
async def test_a_quiet_connection_stays_and_a_look_at_it_is_no_message(redis_server, monkeypatch):
    monkeypatch.setattr("admit.redis.push.QUIET_SECONDS", 0.02)
    ask, pings = PubSub.ping, []

    async def ping(subscription):
        pings.append("ping")
        await ask(subscription)

    monkeypatch.setattr(PubSub, "ping", ping)
    listener = Listener(redis_server.url)
    async with listener.listening():
        await soon(lambda: len(pings) >= 5)  # four of them were answered
        assert listener.push.connected
        assert len(listener.heard) == 1
        await listener.push.tell()
        await soon(lambda: len(listener.heard) == 2)


@pytest.mark.usefixtures("patient")
async def test_other_channels_are_not_heard(redis_server):
    one, other = Listener(redis_server.url), Listener(redis_server.url, "admit:other:revoked")
    async with one.listening(), other.listening():
        await one.push.tell()
        await soon(lambda: len(one.heard) == 2)
        assert len(other.heard) == 1


async def test_its_name_holds_no_password():
    push = RedisPush("redis://admin:hidden@example.com:6380/2", channel=CHANNEL)
    assert push.name == "Redis at example.com:6380, database 2"
