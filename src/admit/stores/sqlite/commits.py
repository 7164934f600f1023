"""Group commit: whatever is waiting goes into one transaction, and one fsync.

The statements of a batch run on the event loop of a caller, where they take microseconds; only
the commit, which waits for the disk, goes to a thread, and what arrives meanwhile is the next
batch. A thread that ran the statements too would fight the event loop for the interpreter at each
of them: measured, that halves the throughput (docs/decisions/0003). A caller hears of its result
only after the commit that holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TypeVar, cast

from admit.errors import Unavailable
from admit.stores import patience

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], object]

AT_ONCE = 64
"""The most writes in one transaction: a millisecond or two of the event loop's time."""
BUSY_STEP = 0.002
FAILING_SECONDS = 5.0
"""How long a failed commit speaks against the next one."""


class Waiting:
    """One write and the future that waits for it."""

    __slots__ = ("future", "loop", "outcome", "until", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.until = time.monotonic() + patience.SECONDS
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[object] = self.loop.create_future()
        self.outcome: object = None


class Failed:
    """An outcome that is an exception."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Commits:
    """The one writer of a database. At most one batch is under way at any time.

    Arguments:
        connection: in autocommit mode, usable from any thread, with no busy time-out.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="admit-commit")
        self._idle = threading.Condition()  # guards what follows
        self._waiting: list[Waiting] = []
        self._under_way = False
        self._leader: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._failed_at = -FAILING_SECONDS
        self.number = 0
        """How many there were so far."""

    async def do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` inside a transaction and return its result once that is on the disk.

        A caller that is cancelled meanwhile, or has waited for as long as it may, leaves the write
        to happen: the law treats it as an answer that was lost.
        """
        with patience.Step() as left:
            waiting = Waiting(work)
            self._hand_in(waiting)
            if left < patience.SECONDS:
                await asyncio.wait({waiting.future}, timeout=left)
                if waiting.future.cancel():
                    raise Unavailable(patience.LATE)
            return cast("Result", await waiting.future)

    def _hand_in(self, waiting: Waiting) -> None:
        with self._idle:
            if self._closed:
                raise Unavailable("The store is closed.")
            self._waiting.append(waiting)
            orphaned = self._leader is not None and self._leader.is_closed()
            if not self._under_way or orphaned:
                self._under_way = True
                self._leader = waiting.loop
                # Not now but soon: whoever else is ready in this turn of the loop comes along.
                waiting.loop.call_soon(self._gather)

    @property
    def failing(self) -> bool:
        """Whether a commit failed just now: a full disk takes an empty one gladly."""
        return time.monotonic() - self._failed_at < FAILING_SECONDS

    def close(self) -> None:
        """Write what was handed in, then stop; blocks until it has."""
        with self._idle:
            self._closed = True
            while self._under_way:
                if self._leader is not None and self._leader.is_closed():
                    self._leader = None
                    self._thread.submit(self._gather)
                self._idle.wait(BUSY_STEP)
        self._thread.shutdown()
        self._connection.close()

    def _gather(self) -> None:
        """Run everything that waits in a new transaction, and send that off to be committed."""
        with self._idle:
            self._leader = None
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self._thread.submit(self._wait_for_others, batch)
            return
        _run(self._connection, batch)
        self._thread.submit(self._commit, batch)

    def _wait_for_others(self, batch: list[Waiting]) -> None:
        """Wait for another process's write here, where nobody else has to wait along.

        Nothing else that keeps a transaction from beginning goes away by waiting. Each write has
        its time from when it was handed in, behind whatever others it stood.
        """
        while batch:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.Error as error:
                now = time.monotonic() if is_busy(error) else inf
                _tell([each for each in batch if each.until <= now], unavailable(error))
                batch = [each for each in batch if each.until > now]
                time.sleep(BUSY_STEP)
        else:
            self._go_on()
            return
        _run(self._connection, batch)
        self._commit(batch)

    def _commit(self, batch: list[Waiting]) -> None:
        failure = None
        try:
            self._connection.execute("COMMIT")
            self.number += 1
        except sqlite3.Error as error:
            failure = unavailable(error)
            self._failed_at = time.monotonic()
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        _tell(batch, failure)
        self._go_on()

    def _go_on(self) -> None:
        """See to whoever came meanwhile."""
        with self._idle:
            if not self._waiting:
                self._under_way = False
                self._idle.notify_all()
                return
            self._leader = self._waiting[0].loop
            if _call(self._leader, self._gather):
                return
            self._leader = None
        self._gather()  # that loop is gone; the others' writes go on from here


def is_busy(error: sqlite3.Error) -> bool:
    """Whether it only says that another process holds the database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def unavailable(error: sqlite3.Error) -> Unavailable:
    """SQLite's failure (locked, full, read-only, damaged) as the one the caller is told of."""
    refusal = Unavailable("The store cannot be reached.")
    refusal.__cause__ = error
    return refusal


def _run(connection: sqlite3.Connection, batch: list[Waiting]) -> None:
    """Every write of the batch; one that fails takes only itself back.

    Where SQLite rolls the whole transaction back by itself (a full disk), the commit that follows
    finds none and fails, so nobody is told of a success that was undone.
    """
    for waiting in batch:
        try:
            connection.execute("SAVEPOINT one")
            try:
                waiting.outcome = waiting.work(connection)
            except BaseException:
                connection.execute("ROLLBACK TO one")
                raise
            finally:
                connection.execute("RELEASE one")
        except sqlite3.Error as error:
            waiting.outcome = Failed(unavailable(error))
        except Exception as error:  # noqa: BLE001  handed to its caller, whatever it is
            waiting.outcome = Failed(error)


def _tell(batch: list[Waiting], failure: Unavailable | None) -> None:
    """Wake the callers, one call into each event loop."""
    by_loop = defaultdict(list)
    for waiting in batch:
        if failure:
            waiting.outcome = Failed(failure)
        by_loop[waiting.loop].append(waiting)
    for loop, group in by_loop.items():
        _call(loop, _wake, group)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *given: object) -> bool:
    """Call it on that loop; False where the loop is closed, and nobody waits there any more."""
    try:
        loop.call_soon_threadsafe(function, *given)
    except RuntimeError:
        return False
    return True


def _wake(group: list[Waiting]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if isinstance(waiting.outcome, Failed):
            waiting.future.set_exception(waiting.outcome.error)
        else:
            waiting.future.set_result(waiting.outcome)
