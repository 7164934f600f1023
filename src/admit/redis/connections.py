"""The connections to one Redis: few, soon given up, and each of the event loop that made it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from admit.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 0.5
"""How many seconds anything may take: connecting, signing in, waiting for a connection, the
answer. A request waits that long at most, once, when Redis goes."""
AT_MOST = 16
"""Connections of one process; who finds none free waits for one."""


class Connections:
    """The connections to one Redis.

    Arguments:
        url: `redis://`, `rediss://` or `unix://`.

    Raises:
        SettingsError: the URL has a part that can't be read.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis]
        self._clients = WeakKeyDictionary()
        self.name = _name(url)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """A client for some commands, all of which must be over soon.

        Raises:
            Unavailable: Redis can't be reached, or does not do what it is told.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                yield self.here()
        except (RedisError, OSError) as error:
            raise Unavailable(str(error) or f"no answer within {PATIENCE:g} s") from error

    def here(self) -> Redis:
        """The client of this event loop."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = Redis.from_pool(_pool(self._url))
        return client

    async def close(self) -> None:
        """Close those of this event loop; may be repeated."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _pool(url: str) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(
        url,
        decode_responses=True,
        max_connections=AT_MOST,
        timeout=None,  # nor `socket_timeout`: with it redis-py loses cancellations (Python 3.11)
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )


def _name(url: str) -> str:
    """Where it is, without the password; a URL that redis-py can't read stops the start."""
    try:
        pool = _pool(url)
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            "redis_url",
            f"ADMIT_REDIS_URL (redis_url) can't be read ({error}): use redis://host:6379/0.",
        ) from None
    where = pool.connection_kwargs
    at = where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"
    return f"Redis at {at}, database {where.get('db', 0)}"
