"""LISTEN and NOTIFY: every revocation is told to every process when it is committed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import psycopg

from admit.stores.postgres.connections import parameters

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("admit.stores.postgres")

CHANNEL = "admit_revoked"
PING_SECONDS = 5.0
"""How often a connection on which nothing is heard is asked whether it is there."""
AGAIN_SECONDS = 1.0
"""How long after a connection was lost the next one is made."""


class Listening:
    """Hears what the statements of the store tell with `pg_notify`, on a connection of its own.

    Arguments:
        url: `postgresql://…`.
    """

    name = "PostgreSQL (LISTEN/NOTIFY)"

    def __init__(self, url: str) -> None:
        self._url = url
        self.connected = False

    async def tell(self) -> None:
        """Nothing is left to tell: the commit did."""

    async def listen(self, heard: Callable[[], None]) -> None:
        """See `Push.listen`."""
        said = False
        while True:
            try:
                await self._listen(heard)
            except psycopg.Error as error:
                if self.connected or not said:  # once for each time that it is lost
                    logger.warning("Revocations are not pushed, but looked for: %s", error)
                    said = True
            finally:
                self.connected = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, heard: Callable[[], None]) -> None:
        given = parameters(self._url)
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, **given
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self.connected = True
            heard()  # for what was told before
            while True:
                async for _ in connection.notifies(timeout=PING_SECONDS):
                    heard()
                async with asyncio.timeout(PING_SECONDS):
                    await connection.execute("SELECT 1")
