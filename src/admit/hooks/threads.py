"""Threads for callables of the app, which may hang: none of them keeps a process from ending."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


WAITING = 1_000
"""Calls that wait at most; past it one fails at once."""


class Busy(Exception):
    """Every thread hangs, and enough calls wait for one."""


class _Work(NamedTuple):
    future: Future[Any]
    call: Callable[[], object]
    context: Context


class Threads:
    """Up to so many threads, begun when they are needed. What they are handed must not raise.

    Python's own pool waits at the end of the process for every thread, also for one that hangs.

    Arguments:
        most: how many there are at most; what comes while all are busy waits, `WAITING` at most:
            where they hang for good, whatever came since would stay in memory.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads = 0
        self._free = 0

    def submit(self, call: Callable[[], object]) -> Future[Any]:
        """The call under way, in the context of whoever hands it in.

        Raises:
            Busy: too many wait.
        """
        future: Future[Any] = Future()
        if self._process != os.getpid():  # a fork takes no threads along
            self._begin()
        with self._lock:
            if self._waiting.qsize() >= WAITING:
                raise Busy
            if self._free:
                self._free -= 1
            elif self._threads < self._most:
                self._threads += 1
                threading.Thread(
                    target=self._run, args=(self._waiting,), name="admit-hook", daemon=True
                ).start()
            self._waiting.put(_Work(future, call, copy_context()))
        return future

    def close(self) -> None:
        """Let every thread end when it has nothing to do; those that hang are left behind."""
        with self._lock:
            for _ in range(self._threads):
                self._waiting.put(None)
            self._waiting = SimpleQueue()
            self._threads = self._free = 0

    def _run(self, waiting: SimpleQueue[_Work | None]) -> None:
        while (work := waiting.get()) is not None:
            if work.future.set_running_or_notify_cancel():
                work.future.set_result(work.context.run(work.call))
            del work  # or the last call's values would stay until the next
            with self._lock:
                if waiting is self._waiting and waiting.empty():
                    self._free += 1
