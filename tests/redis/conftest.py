"""What the tests of Redis share."""

import asyncio
import time

import pytest


async def soon(look):
    """Wait until `look()` is true."""
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.01)


@pytest.fixture
def patient(monkeypatch):
    """However busy this machine is, no answer comes too late."""
    for module in ("connections", "push"):
        monkeypatch.setattr(f"admit.redis.{module}.PATIENCE", 20.0)


@pytest.fixture
def two_processes(serve, redis_server, tmp_path):
    """Starts two services on one store and one Redis, which know nothing else of each other."""

    def start(**settings):
        settings = {"redis_url": redis_server.url, "data_dir": tmp_path, **settings}
        return serve(**settings), serve(**settings)

    return start
