"""What was committed is copied from the log into the file beside the writing, in a thread.

SQLite itself does that within the commit that makes the log long, and everybody behind that commit
waits along: while a million rows are purged, every hundredth refresh did.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 0.25
"""How often it is copied, where anything was committed."""
LONGEST_LOG = 8_000
"""In pages, 32 MB: past it a commit copies after all, or a log that is never quiet would grow."""


class Checkpoints:
    """Copies now and then, until closed.

    Arguments:
        connection: its own, usable from any thread.
        commits: how many commits there were so far.
    """

    def __init__(self, connection: sqlite3.Connection, commits: Callable[[], int]) -> None:
        self._connection = connection
        self._commits = commits
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="admit-checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Copy no more; blocks until it is over."""
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        copied = 0
        while not self._over.wait(SECONDS):
            if (commits := self._commits()) != copied:
                copied = commits
                with suppress(sqlite3.Error):  # a disk that fails is told by the commits
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
