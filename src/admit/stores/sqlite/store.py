"""The verbs of the embedded store; what they send is in `statements`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from admit.errors import SettingsError, Unavailable
from admit.stores import rows
from admit.stores.base import Ending, Feed, Push, Revocation, Rotation, SigningKey, Taken
from admit.stores.sqlite import statements as sql
from admit.stores.sqlite import writes
from admit.stores.sqlite.commits import BUSY_SECONDS, BUSY_STEP, Commits, is_busy, unavailable
from admit.stores.sqlite.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from admit.events import Event, Kind
    from admit.model import Account, Session

Result = TypeVar("Result")

SYNCHRONOUS_FULL = 2
"""What `PRAGMA synchronous` says of FULL; less of it does not wait for the disk."""
READERS = 2
"""Connections that read beside the writer: WAL lets them see the last commit meanwhile."""


class SQLiteStore:
    """The store in one file, for one machine.

    Arguments:
        url: `sqlite:///relative.db` or `sqlite:////absolute.db`.
    """

    def __init__(self, url: str) -> None:
        self.push: Push | None = None
        given = Path(url.removeprefix("sqlite:///"))
        self.name = f"SQLite at {given}"
        self.path = given.absolute()  # wherever the process goes
        self._opening = threading.Lock()
        self._file: tuple[int, int] | None = None
        self._gone = False
        self._commits: Commits | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reading: list[sqlite3.Connection] = []
        self._mine = threading.local()

    async def start(self) -> None:
        """Open the file, or make it with mode 0600, and migrate it."""
        await asyncio.to_thread(self._open)

    async def migrate(self, *, grant: str | None = None) -> list[str]:
        """See `Store.migrate`; a file knows no roles."""
        if grant is not None:
            raise SettingsError(
                "database_url",
                "ADMIT_DATABASE_URL (database_url) names a file, which knows no roles: its rights"
                " are the file system's.",
            )

        def work() -> list[str]:
            connection, made = self._writer()
            connection.close()
            return made

        return await asyncio.to_thread(work)

    async def close(self) -> None:
        """Write what was handed in, then close every connection."""
        commits, readers = self._commits, self._readers
        if commits is None or readers is None:
            return
        self._commits = self._readers = None
        await asyncio.to_thread(commits.close)
        await asyncio.to_thread(readers.shutdown)
        while self._reading:
            self._reading.pop().close()
        self._mine = threading.local()

    async def check(self) -> None:
        """Take the write lock for a moment; a commit that failed just now counts as well."""
        await self._write(lambda db: db.execute(sql.TOUCH).rowcount)
        await self.find_user("id", "")  # on a connection of its own: it can be read, too
        if self._commits is not None and self._commits.failing:
            raise Unavailable("The last commit failed.")

    async def durability(self) -> str | None:
        """See `Store.durability`; asked on the very connection that writes."""

        def work(db: sqlite3.Connection) -> tuple[str, int]:
            names = ("journal_mode", "synchronous")
            journal, synchronous = (db.execute(f"PRAGMA {each}").fetchone()[0] for each in names)
            return journal, synchronous

        journal, synchronous = await self._write(work)
        if journal == "wal" and synchronous >= SYNCHRONOUS_FULL:
            return None
        return f"journal_mode is {journal} and synchronous {synchronous}"

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:
        """See `Store.add_user`."""
        return await self._write(lambda db: writes.add(db, account, event))

    async def add_users(self, accounts: Sequence[Account], *, event: Event) -> list[Taken | None]:
        """See `Store.add_users`."""

        def work(db: sqlite3.Connection) -> list[Taken | None]:
            made = (msgspec.structs.replace(event, user_id=each.user.id) for each in accounts)
            return [writes.add(db, each, its) for each, its in zip(accounts, made, strict=True)]

        return await self._write(work)

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """See `Store.find_user`."""
        found = await self._read(lambda db: db.execute(sql.USER_BY[by], (key,)).fetchone())
        return rows.account(found) if found else None

    async def list_users(self, *, search: str, after: str, limit: int) -> list[Account]:
        """See `Store.list_users`."""
        named = {"search": search, "after": after, "limit": limit}
        found = await self._read(lambda db: db.execute(sql.LIST_USERS, named).fetchall())
        return [rows.account(row) for row in found]

    async def save_user(
        self,
        account: Account,
        *,
        event: Event | None = None,
        ending: Ending | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_user`."""
        after = msgspec.structs.replace(account, version=account.version + 1)
        values = (*rows.account_row(after), account.user.id, account.version)

        def work(db: sqlite3.Connection) -> bool:
            if not db.execute(sql.SAVE_USER, values).rowcount:
                return False
            if ending:
                writes.end(db, ending, ending.event.at)
            if revocation:
                writes.revoke(db, revocation)
            if event:
                writes.record(db, event)
            return True

        return await self._write(work)

    async def open_session(
        self, session: Session, *, password_version: int, event: Event, replaces: Ending | None
    ) -> bool:
        """See `Store.open_session`."""
        values = (*rows.session_row(session), session.user_id, password_version)

        def work(db: sqlite3.Connection) -> bool:
            if not db.execute(sql.OPEN_SESSION, values).rowcount:
                return False
            if replaces:
                writes.end(db, replaces, session.opened_at)
            writes.record(db, event)
            return True

        return await self._write(work)

    async def rotate(
        self,
        session_id: str,
        *,
        generation: int,
        retry_key: bytes | None,
        deadline: float,
        now: float,
        rest: tuple[float, float],
    ) -> Rotation | None:
        """See `Store.rotate`."""
        rest_after, rest_before = rest
        named = {
            "id": session_id,
            "generation": generation,
            "retry_key": retry_key,
            "deadline": deadline,
            "now": now,
            "rest_after": rest_after,
            "rest_before": rest_before,
        }

        def work(db: sqlite3.Connection) -> tuple[int, rows.Row | None]:
            won = db.execute(sql.ROTATE, named).rowcount
            return won, db.execute(sql.SESSION_AND_USER, (session_id,)).fetchone()

        won, row = await self._write(work)
        if row is None:
            return None
        columns = len(rows.SESSION.split(","))
        return Rotation(
            won=bool(won),
            session=rows.session(row[:columns]),
            account=rows.account(row[columns:]),
        )

    async def end_sessions(self, ending: Ending, *, now: float) -> list[str]:
        """See `Store.end_sessions`."""
        return await self._write(lambda db: writes.end(db, ending, now))

    async def list_sessions(self, user_id: str, *, now: float) -> list[Session]:
        """See `Store.list_sessions`."""
        found = await self._read(
            lambda db: db.execute(sql.LIST_SESSIONS, (user_id, now)).fetchall()
        )
        return [rows.session(row) for row in found]

    async def find_session(self, session_id: str) -> Session | None:
        """See `Store.find_session`."""
        found = await self._read(lambda db: db.execute(sql.FIND_SESSION, (session_id,)).fetchone())
        return rows.session(found) if found else None

    async def revocations(self, *, after: int, now: float) -> Feed:
        """See `Store.revocations`. One writer at a time commits, so `seq` is in their order.

        Asked twice a second, it is where a file that was replaced under the server shows.
        """
        self._gone = self._file != _identity(self.path)

        def work(db: sqlite3.Connection) -> tuple[int, list[rows.Row]]:
            head = db.execute(sql.HEAD).fetchone()[0]  # first: what comes between is read again
            begin = after if after <= head else 0
            return head, db.execute(sql.REVOCATIONS, (begin, now)).fetchall()

        head, found = await self._read(work)
        return Feed(entries=[rows.revocation(row) for row in found], head=head)

    async def keys(self) -> list[SigningKey]:
        """See `Store.keys`."""
        found = await self._read(lambda db: db.execute(sql.KEYS).fetchall())
        return [rows.key(row) for row in found]

    async def save_keys(
        self,
        keys: list[SigningKey],
        *,
        seen: list[SigningKey],
        event: Event | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_keys`."""

        def work(db: sqlite3.Connection) -> bool:
            if [rows.key(row) for row in db.execute(sql.KEYS)] != seen:
                return False
            db.executemany(sql.SAVE_KEY, [msgspec.structs.astuple(each) for each in keys])
            if revocation:
                writes.revoke(db, revocation)
            if event:
                writes.record(db, event)
            return True

        return await self._write(work)

    async def record(self, event: Event) -> None:
        """See `Store.record`."""
        await self._write(lambda db: writes.record(db, event))

    async def events(
        self,
        *,
        user_id: str | None = None,
        kind: Kind | None = None,
        since: float = 0.0,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """See `Store.events`."""
        named = {
            "user_id": user_id,
            "kind": kind,
            "since": since,
            "before": before,
            "limit": limit,
        }
        found = await self._read(lambda db: db.execute(sql.EVENTS, named).fetchall())
        return [rows.event(row) for row in found]

    async def purge(self, *, now: float, events_before: float, limit: int) -> int:
        """See `Store.purge`."""
        named = {"now": now, "events_before": events_before, "limit": limit}
        return await self._write(
            lambda db: sum(db.execute(statement, named).rowcount for statement in sql.PURGE)
        )

    async def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._commits is None:
            raise Unavailable("The store is not started.")
        self._check_file()
        return await self._commits.do(work)

    async def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._readers is None:
            raise Unavailable("The store is not started.")
        self._check_file()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, lambda: work(self._reader()))
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def _check_file(self) -> None:
        """Refuse to go on in a file that nobody will ever find again."""
        if self._gone:
            raise Unavailable(
                f"{self.path} was removed or replaced under the server: put it back, or restart."
            )

    def _reader(self) -> sqlite3.Connection:
        """This thread's own connection."""
        if not hasattr(self._mine, "connection"):
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            self._reading.append(connection)
            self._mine.connection = connection
        return self._mine.connection  # type: ignore[no-any-return]

    def _open(self) -> None:
        with self._opening:
            if self._commits is None:
                connection, _ = self._writer()
                self._commits = Commits(connection)
                self._file, self._gone = _identity(self.path), False
                self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="admit-reader")

    def _writer(self) -> tuple[sqlite3.Connection, list[str]]:
        """The connection that writes, on a file that is there, and what brought it up to date."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            connection = self._connect()
            try:
                _write_ahead(connection)
                made = migrate(connection)
                # From here on the event loop must not stand still for another process's commit.
                connection.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                connection.close()
                raise
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.Error) and is_busy(error):
                raise unavailable(error) from error
            raise SettingsError(
                "database_url",
                f"ADMIT_DATABASE_URL (database_url) names {str(self.path)!r}, which can't be used"
                f" ({error}): correct it, or the rights of that file.",
            ) from error
        return connection, made

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
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


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever it is called; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, which stays; SQLite itself does not wait for others here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(BUSY_STEP)
        else:
            return
