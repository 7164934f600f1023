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
    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self._complained = False
        self.connected = False

    async def tell(self) -> None:
        """Nothing is left to tell: the commit did."""

    async def listen(self, heard: Callable[[], None]) -> None:
        """See `Push.listen`."""
        while True:
            try:
                await self._listen(heard)
            except (psycopg.Error, OSError) as error:  # a TimeoutError is one of the latter
                self._lost(error)
            finally:
                self.connected = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, heard: Callable[[], None]) -> None:
        given = parameters(self._url)
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, **given
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._found()
            heard()  # for what was told before
            while True:
                async for _ in connection.notifies(timeout=PING_SECONDS):
                    heard()
                async with asyncio.timeout(PING_SECONDS):
                    try:
                        await connection.execute("SELECT 1")
                    except asyncio.CancelledError:  # the driver takes its time to give up
                        self.connected = False
                        raise

    def _found(self) -> None:
        self.connected = True
        if self._complained:
            self._complained = False
            logger.warning("%s is back: revocations are pushed again.", self.name)

    def _lost(self, error: Exception) -> None:
        """Say so once for each time that it is lost."""
        if not self._complained:
            self._complained = True
            why = " ".join(str(error).split()) or "no answer in time"
            text = "%s is out (%s): revocations are seen by looking at the store until it is back."
            logger.warning(text, self.name, why)
