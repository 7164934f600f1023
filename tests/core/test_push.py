"""A revocation is pushed by what really carries it, and by commands as by servers."""

import asyncio

import pytest

from admit.cli.opened import in_store
from admit.engine import Engine
from admit.errors import InvalidToken
from admit.revocation import ending
from admit.settings import Settings
from admit.testing import samples
from tests.core.conftest import SECRET

pytestmark = pytest.mark.anyio
PATIENCE = 30.0
"""Seconds after which what should come at once has not come, however noisy the machine."""


@pytest.fixture(params=["PostgreSQL", "Redis"])
def settings(request, tmp_path, monkeypatch):
    """Settings with a push, where nobody looks by themselves but once a day."""
    from admit import watch

    monkeypatch.setattr(watch, "LOOK_SECONDS", 86_400.0)
    # Who tells too late is not heard, and nobody looks.
    for module in ("connections", "push"):
        monkeypatch.setattr(f"admit.redis.{module}.PATIENCE", PATIENCE)
    monkeypatch.setattr("admit.revocation.news.TELL_SECONDS", PATIENCE)
    request.getfixturevalue("patient_postgres")
    if request.param == "Redis":
        given = {"redis_url": request.getfixturevalue("redis_server").url}
    else:
        given = {"database_url": request.getfixturevalue("database_url")}
    return Settings(secret=(SECRET,), data_dir=tmp_path, throttle=False, **given)


async def listening(*engines):
    """Each is connected, and the look that follows a connection is over."""
    async with asyncio.timeout(PATIENCE):
        for engine in engines:
            while not engine.push.connected or looks(engine):  # noqa: ASYNC110  neither is told
                await asyncio.sleep(0.005)


def looks(engine):
    """Whether it looks, or is about to."""
    turns = engine.revoked._turns[asyncio.get_running_loop()]
    return engine._upkeep._keeping_up._heard.is_set() or turns.lock.locked()


async def refused(engine, token):
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                engine.verify(token)
            except InvalidToken as refusal:
                return refusal.reason
            await asyncio.sleep(0.001)


async def test_a_revocation_is_pushed_to_every_other_process(settings):
    async with Engine(settings) as one, Engine(settings) as two, Engine(settings) as three:
        await samples.add(one.store, "ada")
        account = await one.store.find_user("id", "id-ada")
        assert account
        await listening(one, two, three)
        for _ in range(5):
            tokens = await one.sessions.open(account, now=one.clock())
            await two.sessions.sign_out(tokens.refresh_token, now=two.clock())
            for engine in (one, two, three):
                assert await refused(engine, tokens.access_token) == "signed_out"


async def test_what_a_command_ends_is_pushed_too(settings):
    """It is over in a moment; the others are told before that."""
    async with Engine(settings) as engine:
        await samples.add(engine.store, "ada")
        account = await engine.store.find_user("id", "id-ada")
        assert account
        await listening(engine)
        tokens = await engine.sessions.open(account, now=engine.clock())

        async def end(command):
            now = command.clock()
            because = ending("revoked", settings, now=now, session_id=tokens.session_id)
            return await command.sessions.end(because, now=now)

        assert await asyncio.to_thread(in_store, end, settings=settings) == [tokens.session_id]
        assert await refused(engine, tokens.access_token) == "revoked"
