"""One thread that writes: whatever is waiting goes into one commit.

A commit costs one fsync however many writes it holds, so concurrent callers share it: 32 in a
commit are about four times as many a second as one by one. A caller hears of its result only
after the commit that holds it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from admit.errors import Unavailable

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], object]

AT_ONCE = 256
"""The most writes in one commit, so that none waits for an endless one."""


class Waiting:
    """One write and the future that waits for it."""

    __slots__ = ("future", "loop", "outcome", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[object] = self.loop.create_future()
        self.outcome: object = None


class Failed:
    """An outcome that is an exception."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Commits:
    """The writer of one database.

    Arguments:
        connect: opens the connection, in autocommit mode, on the writer's own thread.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._connect = connect
        self._closed = False
        self._handing_in = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="admit-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` inside a commit and return its result once that is on the disk.

        A caller that is cancelled meanwhile leaves the write to happen: the law treats it as an
        answer that was lost.
        """
        waiting = Waiting(work)
        with self._handing_in:  # or a write could be queued behind the end, and wait for ever
            if self._closed:
                raise Unavailable("The store is closed.")
            self._queue.put(waiting)
        return cast("Result", await waiting.future)

    def close(self) -> None:
        """Write what was handed in, then stop; blocks until it has."""
        with self._handing_in:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (first := self._queue.get()) is not None:
            batch = [first]
            more = self._drain(batch)
            try:
                connection = connection or self._connect()
                _commit(connection, batch)
            except sqlite3.Error as error:
                for waiting in batch:
                    waiting.outcome = Failed(unavailable(error))
            _deliver(batch)
            if not more:
                break
        if connection is not None:
            connection.close()

    def _drain(self, batch: list[Waiting]) -> bool:
        """Add what waits to the batch; False where the sentinel was among it."""
        try:
            while len(batch) < AT_ONCE:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    return False
                batch.append(waiting)
        except Empty:
            pass
        return True


def unavailable(error: sqlite3.Error) -> Unavailable:
    """SQLite's failure (locked, full, read-only, damaged) as the one the caller is told of."""
    refusal = Unavailable("The store cannot be reached.")
    refusal.__cause__ = error
    return refusal


def _commit(connection: sqlite3.Connection, batch: list[Waiting]) -> None:
    """Everything in the batch in one transaction; one that fails takes only itself back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for waiting in batch:
            connection.execute("SAVEPOINT one")
            try:
                waiting.outcome = waiting.work(connection)
            except Exception as error:  # noqa: BLE001  handed to the caller, whatever it is
                connection.execute("ROLLBACK TO one")
                waiting.outcome = Failed(
                    unavailable(error) if isinstance(error, sqlite3.Error) else error
                )
            connection.execute("RELEASE one")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _deliver(batch: list[Waiting]) -> None:
    """Wake the callers: one call into each event loop, not one for each caller."""
    by_loop = defaultdict(list)
    for waiting in batch:
        by_loop[waiting.loop].append(waiting)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, group)
        except RuntimeError:
            continue  # that loop is closed: nobody waits there any more


def _settle(group: list[Waiting]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if isinstance(waiting.outcome, Failed):
            waiting.future.set_exception(waiting.outcome.error)
        else:
            waiting.future.set_result(waiting.outcome)
