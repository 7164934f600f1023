"""Counters in a file that the processes of one machine share for as long as they run.

SQLite's locks end with the process that holds them, so one that is killed in the middle of a count
leaves nothing behind but its count. Nothing waits for the disk: the file is of no use after a
power cut.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

from admit.counters.memory import MOST
from admit.counters.places import Count, Place, Taken
from admit.errors import Unavailable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")

BUSY_SECONDS = 0.25
"""How long one process waits for another's count, which takes microseconds."""
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS counters (
    key TEXT PRIMARY KEY, number INTEGER NOT NULL, ends REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counters_by_end ON counters (ends);
CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY, keys INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO held VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS one_more AFTER INSERT ON counters
    BEGIN UPDATE held SET keys = keys + 1; END;
CREATE TRIGGER IF NOT EXISTS one_less AFTER DELETE ON counters
    BEGIN UPDATE held SET keys = keys - 1; END;
"""
BEGIN = "BEGIN IMMEDIATE"
LOOK = "SELECT number, ends FROM counters WHERE key = ? AND ends > ?"
PUT = """
INSERT INTO counters VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET number = excluded.number, ends = excluded.ends
"""
LESS = "UPDATE counters SET number = number - 1 WHERE key = ? AND ends = ?"
NOTHING_LEFT = "DELETE FROM counters WHERE key = ? AND number <= 0"
DROP = """
DELETE FROM counters WHERE key IN (SELECT key FROM counters ORDER BY ends LIMIT 2)
AND (ends <= ? OR (SELECT keys FROM held) >= ?)
"""
"""Two for each one added, as in memory; past the bound, what is over first goes."""


class File:
    """A storage in an SQLite file, opened when it is first used.

    Arguments:
        path: in a directory that nobody else can read.
    """

    kind = "workers"
    paid = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = f"the counters of the workers in {path}"
        self._path = path
        self._db: sqlite3.Connection | None = None

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place, or none."""
        return self._do(lambda db: _take(db, tuple(places), now))

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held."""
        self._do(lambda db: _give_back(db, taken))

    async def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in a transaction, on this thread: it takes less than handing it to another."""
        try:
            db = self._db = self._db or _opened(self._path)
            db.execute(BEGIN)
            with db:
                return work(db)
        except sqlite3.Error as error:
            self._forget()
            raise Unavailable(str(error)) from error

    def _forget(self) -> None:
        """Begin again with the next count: what went wrong may be the connection's."""
        if self._db is not None:
            self._db.close()
            self._db = None


def make(directory: str) -> str:
    """Make the file in `directory`, and return its path."""
    path = f"{directory}/counters.db"
    _opened(path).close()
    return path


def _opened(path: str | os.PathLike[str]) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _take(db: sqlite3.Connection, places: tuple[Place, ...], now: float) -> Taken:
    counts = tuple(_count(db, each, now) for each in places)
    held = all(count.number < place.most for place, count in zip(places, counts, strict=True))
    if held:
        counts = tuple(Count(each.number + 1, each.end) for each in counts)
        for place, count in zip(places, counts, strict=True):
            if count.number == 1:
                db.execute(DROP, (now, MOST))
            db.execute(PUT, (place.key, count.number, count.end))
    return Taken(held, places, counts)


def _count(db: sqlite3.Connection, place: Place, now: float) -> Count:
    found = db.execute(LOOK, (place.key, now)).fetchone()
    return Count(*found) if found else Count(0, now + place.seconds)


def _give_back(db: sqlite3.Connection, taken: Taken) -> None:
    for place, count in zip(taken.places, taken.counts, strict=True):
        if db.execute(LESS, (place.key, count.end)).rowcount:
            db.execute(NOTHING_LEFT, (place.key,))
