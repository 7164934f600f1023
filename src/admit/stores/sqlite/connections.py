"""The connections to one file: one that writes, a few that read, and whether it is still there."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from admit.errors import SettingsError, Unavailable
from admit.stores import patience
from admit.stores.base import BEHIND
from admit.stores.sqlite.checkpoints import LONGEST_LOG, Checkpoints
from admit.stores.sqlite.commits import BUSY_STEP, Commits, is_busy, unavailable
from admit.stores.sqlite.schema import is_behind, migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")

READERS = 2
"""Connections that read beside the writer: WAL lets them see the last commit meanwhile."""
PROGRESS = 10_000
"""Instructions of SQLite between two looks at the clock: well under a millisecond."""


class Connections:
    """The connections of one process to its file; any event loop may use them.

    Arguments:
        path: absolute, wherever the process goes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opening = threading.Lock()
        self._file: tuple[int, int] | None = None
        self._gone = False
        self._commits: Commits | None = None
        self._checkpoints: Checkpoints | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._surveyor: ThreadPoolExecutor | None = None
        self._reading: list[sqlite3.Connection] = []
        self._mine = threading.local()

    async def open(self, *, migrate: bool = True) -> None:
        """Open the file, or make it with mode 0600, and migrate it; may be repeated.

        Raises:
            SettingsError: the file can't be used, or is behind and is not to be migrated.
            Unavailable: another process holds it.
        """
        await asyncio.to_thread(self._open, migrate=migrate)

    async def migrate(self) -> list[str]:
        """Run the migrations that are missing, on a connection of their own; return their names.

        Raises:
            SettingsError, Unavailable: as in `open`.
        """

        def work() -> list[str]:
            connection, made = self._writer()
            connection.close()
            return made

        return await asyncio.to_thread(work)

    async def close(self) -> None:
        """Write what was handed in, then close every connection."""
        commits, checkpoints, readers = self._commits, self._checkpoints, self._readers
        surveyor = self._surveyor
        if commits is None or checkpoints is None or readers is None or surveyor is None:
            return
        self._commits = self._checkpoints = self._readers = self._surveyor = None
        await asyncio.to_thread(checkpoints.close)
        await asyncio.to_thread(commits.close)
        await asyncio.to_thread(readers.shutdown)
        await asyncio.to_thread(surveyor.shutdown)
        while self._reading:
            self._reading.pop().close()
        self._mine = threading.local()

    @property
    def failing(self) -> bool:
        """Whether a commit failed just now."""
        return self._commits is not None and self._commits.failing

    def look(self) -> None:
        """See whether the file that is open still has its name."""
        self._gone = self._file != _identity(self._path)

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `work` makes of the connection that writes, once that is on the disk.

        Raises:
            Unavailable: the file is not open, not there, or can't be written.
        """
        if self._commits is None:
            raise Unavailable("The store is not started.")
        self._check_file()
        return await self._commits.do(work)

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `work` makes of a connection that reads, in a thread of its own.

        Raises:
            Unavailable: the file is not open, not there, or can't be read.
        """
        if self._readers is None:
            raise Unavailable("The store is not started.")
        self._check_file()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, lambda: work(self._reader()))
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def survey(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """As `read`, for what may have to look at every row: one after the other, in one thread.

        So whoever signs in or is looked up waits for none of it. It is called off when the request
        may wait no longer; a command waits as long as it takes.

        Raises:
            Unavailable: as in `read`, or it takes too long.
        """
        if self._surveyor is None:
            raise Unavailable("The store is not started.")
        self._check_file()
        left = patience.left()
        until = math.inf if left is None else time.monotonic() + left
        loop = asyncio.get_running_loop()
        try:
            with patience.Step():
                return await loop.run_in_executor(
                    self._surveyor, lambda: _until(self._reader(), work, until)
                )
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise Unavailable(patience.LATE) from error
            raise unavailable(error) from error

    def _check_file(self) -> None:
        """Refuse to go on in a file that nobody will ever find again."""
        if self._gone:
            raise Unavailable(
                f"{self._path} was removed or replaced under the server: put it back, or restart."
            )

    def _reader(self) -> sqlite3.Connection:
        """This thread's own connection."""
        if not hasattr(self._mine, "connection"):
            connection = self._connect()
            self._reading.append(connection)
            connection.execute("PRAGMA query_only = ON")
            self._mine.connection = connection
        return self._mine.connection  # type: ignore[no-any-return]

    def _open(self, *, migrate: bool) -> None:
        with self._opening:
            if self._commits is None:
                connection, _ = self._writer(make=migrate)
                copying = self._connect()
                self._commits = commits = Commits(connection)
                self._checkpoints = Checkpoints(copying, lambda: commits.number)
                self._file, self._gone = _identity(self._path), False
                self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="admit-reader")
                self._surveyor = ThreadPoolExecutor(1, thread_name_prefix="admit-surveyor")

    def _writer(self, *, make: bool = True) -> tuple[sqlite3.Connection, list[str]]:
        """The connection that writes, on a file that is there, and what brought it up to date."""
        try:
            if make:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            elif not self._path.exists():
                raise SettingsError("database_url", BEHIND)
            connection = self._connect()
            try:
                if not make and is_behind(connection):
                    raise SettingsError("database_url", BEHIND)
                _write_ahead(connection)
                made = migrate(connection)
                # From here on the event loop must not stand still for another process's commit.
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_LOG}")
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.Error) and is_busy(error):
                raise unavailable(error) from error
            raise SettingsError(
                "database_url",
                f"ADMIT_DATABASE_URL (database_url) names {str(self._path)!r}, which can't be used"
                f" ({error}): correct it, or the rights of that file.",
            ) from error
        return connection, made

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=patience.SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
        return connection


def _until(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Connection], Result],
    until: float,
) -> Result:
    """What `work` makes of the connection, called off at that instant of the monotonic clock."""
    connection.set_progress_handler(lambda: time.monotonic() > until, PROGRESS)
    try:
        return work(connection)
    finally:
        connection.set_progress_handler(None, 0)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever it is called; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, which stays; SQLite itself does not wait for others here."""
    deadline = time.monotonic() + patience.SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(BUSY_STEP)
        else:
            return
