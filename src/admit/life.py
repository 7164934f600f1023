"""The life of an engine: started once for all who ask, closed, and never taken through a fork."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from admit import forks
from admit.beginning import SLOW_START_SECONDS, START_SECONDS, begun
from admit.errors import SettingsError, Unavailable

if TYPE_CHECKING:
    from admit.parts import Parts
    from admit.upkeep import Upkeep


class Life:
    """Starts and closes.

    Arguments:
        parts: are opened, read and closed.
        upkeep: goes on from a start to the end.
    """

    def __init__(self, parts: Parts, upkeep: Upkeep) -> None:
        self._parts = parts
        self._upkeep = upkeep
        self.started = False
        """Whether the keys and the revocations were read."""
        self._opened = self._inherited = False
        self._failed: tuple[float, Unavailable] | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._locks = WeakKeyDictionary()
        forks.tell(self)

    @property
    def ready(self) -> bool:
        """Whether this process knows the keys and the revocations, and keeps looking."""
        upkeep = self._upkeep
        if upkeep.catching_up is not None:
            return self.started
        return self.started and upkeep.loop is not None and upkeep.loop.is_running()

    async def start(self) -> None:
        """Open, learn and keep looking; may be repeated, and by many at once.

        Raises:
            SettingsError: no listed secret opens the keys, or the database can't be used; or it was
                started in another process, from which this one was forked.
            Unavailable: the store can't be reached.
        """
        if self._inherited:
            raise SettingsError("", forks.INHERITED)
        begun = time.monotonic()
        async with self._starting():  # the first requests may all come at once
            if self._failed is not None and self._failed[0] >= begun:
                raise Unavailable(str(self._failed[1])) from self._failed[1]
            if not self.started:
                try:
                    await self._learn()
                except Unavailable as error:  # of all who waited for it, too
                    self._failed = (time.monotonic(), error)
                    raise
                self.started = True
                self._parts.metrics.started()
            if not self.ready and self._upkeep.watched:
                self._upkeep.begin(ended=self._unlearn)

    async def begin(self) -> None:
        """Start for a request, which waits so long and no longer; the start goes on.

        Raises:
            Unavailable: it could not start, or takes too long.
        """
        if not self.ready:
            seconds = START_SECONDS if self._upkeep.watched else SLOW_START_SECONDS
            await begun(self.start, seconds=seconds)

    async def close(self) -> None:
        """Stop looking and let go of everything; may be repeated.

        A start under way is waited for, so that it leaves nothing open.
        """
        async with self._starting():
            self.started = False
            if self._inherited:  # it is another process's
                return
            await self._parts.quiet()
            await self._upkeep.stop()
            await self._parts.close()
            self._opened = False

    def forked(self) -> None:
        """Know, in a process that was just forked, that nothing runs here and what was opened."""
        self._inherited = self._inherited or self._opened
        self.started = False
        self._upkeep.forked()
        self._locks = WeakKeyDictionary()

    def must_be_caught_up(self) -> None:
        """Return where it was just tried to see what is revoked, though no watch goes on.

        Raises:
            Unavailable: nobody would hear of revocations.
        """
        if self._inherited:
            raise Unavailable(forks.INHERITED)
        catching_up = self._upkeep.catching_up
        if not self.started or catching_up is None:
            raise Unavailable("Admit is not started, or its event loop is gone: await start().")
        if not catching_up.tried.within(self._parts.settings.revocation_max_age):
            raise Unavailable("With watch=False nothing looks by itself: await catch_up() first.")

    async def _learn(self) -> None:
        """Open the store and read what has to be known; a start that fails leaves nothing open."""
        catching_up = self._upkeep.catching_up
        self._opened = True
        await self._parts.open()
        if catching_up is not None:
            catching_up.begin()
        try:
            await self._parts.read()
        except BaseException:
            await self._parts.store.close()
            raise
        if catching_up is not None:
            catching_up.begun()

    def _unlearn(self) -> None:
        """Never ready without the watch: the next request starts both anew."""
        self.started = False

    def _starting(self) -> asyncio.Lock:
        """One start at a time in each event loop; what it does bears several at once."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
