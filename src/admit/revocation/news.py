"""Those who wait for news, in whatever event loop, and the others who are told of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from admit import forks

if TYPE_CHECKING:
    from admit.stores.base import Push

logger = logging.getLogger("admit.revocation")

TELL_SECONDS = 2.0
"""How long telling the others may take before it is given up: they look by themselves."""


class News:
    """Wakes all who wait, once for each piece of news.

    `turn` is the number of the latest piece: whoever has seen it waits for the next one.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.open = True
        """Whether there will be more; whoever waits is sent home when not."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._counting = forks.lock()

    def arrive(self) -> None:
        """Wake everybody; from any thread."""
        with self._counting:
            self.turn += 1
            waiting, self._waiting = self._waiting, set()
        for each in waiting:
            with suppress(RuntimeError):  # its event loop is gone, and who waited with it
                each.get_loop().call_soon_threadsafe(_settle, each)

    def close(self) -> None:
        """Send everybody home: there is no more news."""
        self.open = False
        self.arrive()

    async def wait(self, seen: int, *, seconds: float) -> None:
        """Return at the first news after `seen`, or after so many seconds."""
        mine = asyncio.get_running_loop().create_future()
        with self._counting:
            if self.turn != seen or not self.open:
                return
            self._waiting.add(mine)
        try:
            async with asyncio.timeout(seconds):
                await mine
        except TimeoutError:
            pass
        finally:
            with self._counting:
                self._waiting.discard(mine)


class Teller:
    """Tells other processes, and keeps nobody waiting for it.

    Arguments:
        push: what carries it; None where each looks by itself.
    """

    def __init__(self, push: Push | None) -> None:
        self._push = push
        self._untold = False
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self) -> None:
        """Have the others told soon; what comes meanwhile is told with it."""
        if self._push is None:
            return
        self._untold = True
        loop = asyncio.get_running_loop()
        if not any(task.get_loop() is loop for task in self._tasks):
            task = loop.create_task(self._tell(self._push))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def done(self) -> None:
        """Return when the others are told of everything, as far as they can be."""
        loop = asyncio.get_running_loop()
        mine = [task for task in self._tasks if task.get_loop() is loop]
        await asyncio.gather(*mine, return_exceptions=True)

    async def _tell(self, push: Push) -> None:
        while self._untold:
            self._untold = False
            try:
                async with asyncio.timeout(TELL_SECONDS):
                    await push.tell()
            except Exception:  # what is revoked is revoked: the others look by themselves
                logger.warning("%s: others could not be told", push.name, exc_info=True)


def _settle(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
