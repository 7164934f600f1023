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

UNDER_WAY_SECONDS = 3.0
"""How long a close waits for a start: it may wait for a minute itself, while another migrates."""


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
        self._closes = 0
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
        begun, closes = time.monotonic(), self._closes
        async with self._starting():  # the first requests may all come at once
            self._not_closed_since(closes)
            if self._failed is not None and self._failed[0] >= begun:
                raise Unavailable(str(self._failed[1])) from self._failed[1]
            if not self.started:
                try:
                    await self._learn(closes)
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

        A start under way is waited for a little; one that takes longer, or comes meanwhile, leaves
        nothing open.
        """
        starting = self._starting()
        waited = await _its_turn(starting)
        self._closes += 1  # for the start that was waited for in vain
        try:
            await self._close()
        finally:
            self._closes += 1  # and for those that came meanwhile
            if waited:
                starting.release()

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

    async def _close(self) -> None:
        self.started = False
        if self._inherited:  # it is another process's
            return
        await self._parts.quiet()
        await self._upkeep.stop()
        await self._parts.close()
        self._opened = False

    async def _learn(self, closes: int) -> None:
        """Open the store and read what has to be known; a start that fails leaves nothing open."""
        former, self._opened = self._opened, True
        try:
            await self._read()
            self._not_closed_since(closes)
        except BaseException as error:
            await self._parts.store.close()
            # What ran before has more open than the store; cancelled, a thread may still open it.
            self._opened = former or not isinstance(error, Exception)
            raise
        if self._upkeep.catching_up is not None:
            self._upkeep.catching_up.begun()

    async def _read(self) -> None:
        await self._parts.open()
        if self._upkeep.catching_up is not None:
            self._upkeep.catching_up.begin()
        await self._parts.read()

    def _not_closed_since(self, closes: int) -> None:
        """Return where it was not closed since this start began.

        Raises:
            Unavailable: it would leave open what nobody closes any more.
        """
        if self._closes != closes:
            raise Unavailable("Admit was closed meanwhile: try again.")

    def _unlearn(self) -> None:
        """Never ready without the watch: the next request starts both anew."""
        self.started = False

    def _starting(self) -> asyncio.Lock:
        """One start at a time in each event loop; what it does bears several at once."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def _its_turn(lock: asyncio.Lock) -> bool:
    """Whether it got the lock, for which it waits a little."""
    try:
        async with asyncio.timeout(UNDER_WAY_SECONDS):
            return await lock.acquire()
    except TimeoutError:
        return False
