"""From threads to what is asynchronous: one event loop, in one thread of each process.

The loop is made at the first need, so never before a server has forked its workers. Where a process
is forked that has one already, all that its engines have open is closed first; parent and child
both open their own at the next need. At the end of the process they are closed too.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures.thread  # its own end is registered before ours, so it comes later
import logging
import os
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from admit import forks
from admit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future
    from typing import Protocol

    from admit.engine import Engine
    from admit.guards.gate import Gate

    class Guarded(Protocol):
        """What has a gate: `Admit` or `Verifier`."""

        @property
        def gate(self) -> Gate:
            """Lets a request in."""


logger = logging.getLogger("admit.bridge")

Result = TypeVar("Result")

LONGEST = 60.0
"""Seconds that a thread waits at most: twice what the longest request of all may take."""
QUIET_SECONDS = 2.0
"""How long a fork waits for what is under way."""
CLOSE_SECONDS = 5.0
"""How long the end of a process, or a fork, waits for what is open to be closed."""
LATE = "Admit took too long to answer: try again."


class Bridge:
    """The one event loop of this process for all who have none."""

    def __init__(self) -> None:
        self._turn = threading.Lock()  # guards what follows
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._engines: WeakSet[Engine] = WeakSet()
        self._under_way: set[Future[Any]] = set()
        self._ends_itself = False

    def keep(self, engine: Engine) -> None:
        """Close this engine with the loop, and before a fork."""
        self._engines.add(engine)

    def offer(self, engine: Engine) -> None:
        """Have the engine do here what it does beside requests, also before the first of them."""
        engine.otherwise = self._begun

    def _begun(self, engine: Engine, work: Coroutine[Any, Any, None]) -> None:
        self.keep(engine)
        self._submit(work)

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What `work` comes to, in the loop; the calling thread waits.

        Raises:
            Unavailable: it takes too long, or the process is about to end.
            RuntimeError: the loop itself would have to wait for itself.
        """
        future = self._submit(work)
        try:
            return future.result(LONGEST)
        except CancelledError:
            raise Unavailable(LATE) from None
        except TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise Unavailable(LATE) from None

    async def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The same from another event loop, which goes on meanwhile.

        Raises:
            Unavailable: as in `call`.
        """
        future = self._submit(work)
        waiting = asyncio.wrap_future(future)
        # Whoever asked may be gone by then: a refusal that nobody reads is no error of the loop's.
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({waiting}, timeout=LONGEST)
        if not waiting.done() or waiting.cancelled():
            waiting.cancel()
            raise Unavailable(LATE)
        return waiting.result()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Close every engine and end the loop; the next need makes another."""
        with self._turn:
            self._end(seconds)

    def before_fork(self) -> None:
        """Have nothing open; who comes meanwhile waits until the fork is done."""
        if self._is_mine():
            return  # it can't wait for itself: the child will refuse what it inherits
        self._turn.acquire()
        if self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._hurry)
        until = time.monotonic() + QUIET_SECONDS
        while self._under_way and time.monotonic() < until:
            time.sleep(0.005)
        with forks.all_gone():
            self._end(CLOSE_SECONDS)

    def after_fork(self) -> None:
        """Go on, in the parent."""
        if not self._is_mine():
            self._turn.release()

    def forked(self) -> None:
        """Begin anew, in the child."""
        self._turn = threading.Lock()
        self._loop = self._thread = self._stop = None
        self._under_way = set()

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        if self._is_mine():
            work.close()
            raise RuntimeError(
                "This is Admit's own event loop, which can't wait for itself: await it."
            )
        with self._turn:
            try:
                loop = self._loop or self._make()
            except BaseException:
                work.close()
                raise
            future = asyncio.run_coroutine_threadsafe(work, loop)
            self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _is_mine(self) -> bool:
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def _make(self) -> asyncio.AbstractEventLoop:
        if not self._ends_itself:
            self._ends_itself = True
            _at_exit(self.close)
        made: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = concurrent.futures.Future()
        thread = threading.Thread(target=_run, args=(made,), name="admit-loop", daemon=True)
        try:
            thread.start()
            self._loop, self._stop = made.result(LONGEST)
        except (OSError, RuntimeError) as error:  # no more threads, or no more files
            raise Unavailable(f"Admit's event loop can't run here: {error}.") from error
        self._thread = thread
        return self._loop

    def _end(self, seconds: float) -> None:
        loop, stop, thread = self._loop, self._stop, self._thread
        if loop is None or stop is None or thread is None:
            return
        until = time.monotonic() + seconds
        closing = asyncio.run_coroutine_threadsafe(self._close_all(), loop)
        try:
            closing.result(seconds)
        except Exception:
            logger.exception("what Admit had open could not be closed")
        self._loop = self._stop = None
        loop.call_soon_threadsafe(stop.set)
        thread.join(max(0.1, until - time.monotonic()))
        self._thread = None

    def _here(self) -> list[Engine]:
        """The engines that this loop may close; another's goes on."""
        return [each for each in list(self._engines) if not each.elsewhere]

    def _hurry(self) -> None:
        for each in self._here():
            each.revoked.news.close()  # nobody waits for news

    async def _close_all(self) -> None:
        closing = [each.close() for each in self._here()]
        for failure in await asyncio.gather(*closing, return_exceptions=True):
            if failure is not None:
                logger.error("what Admit had open could not be closed", exc_info=failure)


def _run(made: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    """Run the loop; whoever waits for it is told, too, where there can be none."""
    try:
        with asyncio.Runner() as runner:
            runner.run(_serve(made))
    except BaseException as error:
        if made.done():
            raise
        made.set_exception(error)


async def _serve(made: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    """Keep the loop running until it is to stop."""
    stop = asyncio.Event()
    made.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()


def _at_exit(close: Any) -> None:  # noqa: ANN401
    """Call it as the process ends, while a thread pool still takes work: commits go through one."""
    register = getattr(threading, "_register_atexit", atexit.register)  # as thread pools do
    register(close)


BRIDGE = Bridge()
"""The bridge of this process."""

if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=BRIDGE.before_fork,
        after_in_parent=BRIDGE.after_fork,
        after_in_child=BRIDGE.forked,
    )
