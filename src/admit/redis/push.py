"""Tells the other processes through Redis that something was revoked, and hears it from them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from admit.errors import Unavailable
from admit.redis.connections import PATIENCE, Connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio.client import PubSub

logger = logging.getLogger("admit.redis")

QUIET_SECONDS = 1.0
"""After so long without a message it is asked whether anybody is there: a connection that was
cut by a firewall looks like one on which nothing is said."""
FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0
"""Seconds before connecting again, doubled each time."""


class RedisPush:
    """A channel of Redis (PUBLISH, SUBSCRIBE).

    Arguments:
        url: where Redis is.
        channel: who uses the same one tells each other.

    Raises:
        SettingsError: the URL has a part that can't be read.
    """

    kind = "redis"

    def __init__(self, url: str, *, channel: str) -> None:
        self._channel = channel
        self._connections = Connections(url)
        self._silent_until = 0.0
        self._complained = False
        self.name = self._connections.name
        self.connected = False

    async def tell(self) -> None:
        """Tell the others. Never raises; where Redis is out, waits for that once a second."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            return
        try:
            async with self._connections.client() as redis:
                await redis.publish(self._channel, "")
        except Unavailable as error:
            self._silent_until = loop.time() + LONGEST_WAIT
            logger.debug("nobody was told of a revocation through %s: %s", self.name, error)

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` at every message and after every connection made, until cancelled."""
        wait = FIRST_WAIT
        while True:
            try:
                async with self._connections.here().pubsub() as subscription:
                    await self._subscribe(subscription)
                    wait = FIRST_WAIT
                    await self._receive(subscription, heard)
            except (RedisError, OSError) as error:
                self._lost(error)
            finally:
                self.connected = False
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def close(self) -> None:
        """Close the connections of this event loop; may be repeated."""
        await self._connections.close()

    async def _subscribe(self, subscription: PubSub) -> None:
        async with asyncio.timeout(PATIENCE):
            await subscription.subscribe(self._channel)
            await subscription.get_message(timeout=PATIENCE)  # only then others are heard
        self.connected = True
        self._silent_until = 0.0
        if self._complained:
            self._complained = False
            logger.warning("%s is back: revocations are pushed again.", self.name)

    async def _receive(self, subscription: PubSub, heard: Callable[[], None]) -> None:
        heard()
        while True:
            message = await subscription.get_message(timeout=QUIET_SECONDS)
            if message is None:
                async with asyncio.timeout(PATIENCE):
                    await subscription.ping()
                message = await subscription.get_message(timeout=PATIENCE)
                if message is None:
                    raise TimeoutError(f"no answer within {PATIENCE:g} s")
            if message["type"] == "message":
                heard()

    def _lost(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            text = "%s is out (%s): revocations are seen by looking at the store until it is back."
            logger.warning(text, self.name, error)
