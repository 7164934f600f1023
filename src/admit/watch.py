"""What goes on beside the requests: looking, listening and purging, each in a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from math import inf
from typing import TYPE_CHECKING

from admit.catchup import LOOK_SECONDS
from admit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from admit.revocation import Revoked
    from admit.stores.base import Push
    from admit.tokens.keys import Keyring

logger = logging.getLogger("admit.watch")

REST_SECONDS = 0.01
"""How long a look that was pushed keeps the next one waiting: what is heard meanwhile shares it."""
LISTEN_AGAIN_SECONDS = 1.0
PURGE_SECONDS = 60.0
PURGE_ROWS = 25
"""What one purge deletes at most of each table: hardly more than others' commits write."""
PURGE_PAUSE = 0.02
"""Between two, in which everybody else writes."""


class Watch:
    """Keeps a process up to date.

    Arguments:
        revoked: looks at what others revoked.
        keys: looks at what others did to the keys.
        push: tells when to look; None where nothing does.
        purge: deletes up to so many rows of what is over, and returns how many went.
        report: called after every look, whatever came of it.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        revoked: Revoked,
        keys: Keyring,
        push: Push | None,
        purge: Callable[[int], Awaitable[int]],
        report: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._revoked = revoked
        self._keys = keys
        self._push = push
        self._purge = purge
        self._report = report
        self._clock = clock
        self._heard = asyncio.Event()
        self._withdrawals = 0
        self._keys_looked_at = -inf
        self._untold = False

    async def run(self) -> None:
        """Do all of it, until cancelled."""
        self._heard = asyncio.Event()  # of the event loop that this runs in
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_looking())
            tasks.create_task(self._keep_purging())
            if self._push is not None:
                tasks.create_task(self._keep_listening(self._push))

    async def _keep_looking(self) -> None:
        """Look when another process tells of news, and every half second in any case."""
        lost_at: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._heard.wait()
            pushed = self._heard.is_set()
            self._heard.clear()  # before the look: what is told from here on, it may have missed
            try:
                await self._look(pushed=pushed)
            except Unavailable as error:
                if lost_at is None:  # once for each time that the store goes
                    lost_at = time.monotonic()
                    logger.warning("%s What others revoke is not seen meanwhile.", error)
            except Exception:  # the watch must outlive whatever went wrong once
                logger.exception("looking at the store failed")
            else:
                if lost_at is not None:
                    gone = time.monotonic() - lost_at
                    lost_at = None
                    logger.warning("The store answers again, after %.0f s.", gone)
            self._tell()
            if pushed:
                await asyncio.sleep(REST_SECONDS)

    def _tell(self) -> None:
        """Report; numbers that can't be written (a full disk) must blind nobody."""
        try:
            self._report()
        except Exception:
            if not self._untold:  # once for each time that it begins to fail
                logger.exception("the metrics could not be written")
            self._untold = True
        else:
            self._untold = False

    async def _look(self, *, pushed: bool) -> None:
        """Learn what was revoked; and the keys, every half second or when one was withdrawn."""
        now, begun = self._clock(), time.monotonic()
        await self._revoked.look(now)
        withdrawals = self._revoked.withdrawals
        due = begun - self._keys_looked_at >= LOOK_SECONDS
        if not pushed or due or withdrawals != self._withdrawals:
            await self._keys.look(now)
            self._withdrawals, self._keys_looked_at = withdrawals, begun  # not where it failed

    async def _keep_listening(self, push: Push) -> None:
        """Hear what other processes tell."""
        while True:
            try:
                await push.listen(self._heard.set)
            except Exception:  # looking goes on without it
                logger.exception("%s: listening for revocations failed", push.name)
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _keep_purging(self) -> None:
        """Beside the looking, which must never wait for it."""
        while True:
            await asyncio.sleep(PURGE_SECONDS)
            try:
                await self._purge_all()
            except Unavailable as error:
                logger.warning("%s Nothing is purged meanwhile.", error)
            except Exception:  # as above
                logger.exception("purging failed")

    async def _purge_all(self) -> None:
        """Purge until little is left, with room for everybody else between two commits."""
        while await self._purge(PURGE_ROWS) >= PURGE_ROWS:  # noqa: ASYNC110  a pause for others
            await asyncio.sleep(PURGE_PAUSE)
