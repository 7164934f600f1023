"""The verbs of the embedded store; what they send is in `statements`, over its `connections`."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from admit.errors import SettingsError, Unavailable
from admit.stores import rows
from admit.stores.base import Counts, Ending, Feed, Push, Revocation, Rotation, SigningKey, Taken
from admit.stores.sqlite import statements as sql
from admit.stores.sqlite import writes
from admit.stores.sqlite.connections import Connections

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from admit.events import Event, Kind
    from admit.model import Account, Session

SYNCHRONOUS_FULL = 2
"""What `PRAGMA synchronous` says of FULL; less of it does not wait for the disk."""


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
        self._connections = Connections(self.path)

    async def start(self, *, migrate: bool = True) -> None:
        """Open the file, or make it with mode 0600, and migrate it."""
        await self._connections.open(migrate=migrate)

    async def migrate(self, *, grant: str | None = None) -> list[str]:
        """See `Store.migrate`; a file knows no roles."""
        if grant is not None:
            raise SettingsError(
                "database_url",
                "ADMIT_DATABASE_URL (database_url) names a file, which knows no roles: its rights"
                " are the file system's.",
            )
        return await self._connections.migrate()

    async def close(self) -> None:
        """Write what was handed in, then close every connection."""
        await self._connections.close()

    async def check(self) -> None:
        """Take the write lock for a moment; a commit that failed just now counts as well."""
        await self._connections.write(lambda db: db.execute(sql.TOUCH).rowcount)
        await self.find_user("id", "")  # on a connection of its own: it can be read, too
        if self._connections.failing:
            raise Unavailable("The last commit failed.")

    async def durability(self) -> str | None:
        """See `Store.durability`; asked on the very connection that writes."""

        def work(db: sqlite3.Connection) -> tuple[str, int]:
            names = ("journal_mode", "synchronous")
            journal, synchronous = (db.execute(f"PRAGMA {each}").fetchone()[0] for each in names)
            return journal, synchronous

        journal, synchronous = await self._connections.write(work)
        if journal == "wal" and synchronous >= SYNCHRONOUS_FULL:
            return None
        return f"journal_mode is {journal} and synchronous {synchronous}"

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:
        """See `Store.add_user`."""
        return await self._connections.write(lambda db: writes.add(db, account, event))

    async def add_users(self, accounts: Sequence[Account], *, event: Event) -> list[Taken | None]:
        """See `Store.add_users`."""

        def work(db: sqlite3.Connection) -> list[Taken | None]:
            made = (msgspec.structs.replace(event, user_id=each.user.id) for each in accounts)
            return [writes.add(db, each, its) for each, its in zip(accounts, made, strict=True)]

        return await self._connections.write(work)

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """See `Store.find_user`."""
        found = await self._connections.read(
            lambda db: db.execute(sql.USER_BY[by], (key,)).fetchone()
        )
        return rows.account(found) if found else None

    async def list_users(self, *, search: str, after: str, limit: int) -> list[Account]:
        """See `Store.list_users`."""
        named = {"search": search, "after": after, "limit": limit}
        ask = self._connections.survey if search else self._connections.read
        found = await ask(lambda db: db.execute(sql.LIST_USERS, named).fetchall())
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

        return await self._connections.write(work)

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

        return await self._connections.write(work)

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

        won, row = await self._connections.write(work)
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
        return await self._connections.write(lambda db: writes.end(db, ending, now))

    async def list_sessions(self, user_id: str, *, now: float) -> list[Session]:
        """See `Store.list_sessions`."""
        found = await self._connections.read(
            lambda db: db.execute(sql.LIST_SESSIONS, (user_id, now)).fetchall()
        )
        return [rows.session(row) for row in found]

    async def find_session(self, session_id: str) -> Session | None:
        """See `Store.find_session`."""
        found = await self._connections.read(
            lambda db: db.execute(sql.FIND_SESSION, (session_id,)).fetchone()
        )
        return rows.session(found) if found else None

    async def revocations(self, *, after: int, now: float) -> Feed:
        """See `Store.revocations`. One writer at a time commits, so `seq` is in their order.

        Asked twice a second, it is where a file that was replaced under the server shows.
        """
        self._connections.look()

        def work(db: sqlite3.Connection) -> tuple[int, list[rows.Row]]:
            head = db.execute(sql.HEAD).fetchone()[0]  # first: what comes between is read again
            begin = after if after <= head else 0
            return head, db.execute(sql.REVOCATIONS, (begin, now)).fetchall()

        head, found = await self._connections.read(work)
        return Feed(entries=[rows.revocation(row) for row in found], head=head)

    async def keys(self) -> list[SigningKey]:
        """See `Store.keys`."""
        found = await self._connections.read(lambda db: db.execute(sql.KEYS).fetchall())
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

        return await self._connections.write(work)

    async def record(self, event: Event) -> None:
        """See `Store.record`."""
        await self._connections.write(lambda db: writes.record(db, event))

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
        found = await self._connections.survey(lambda db: db.execute(sql.EVENTS, named).fetchall())
        return [rows.event(row) for row in found]

    async def count_events(
        self, *, kinds: Sequence[Kind], since: float, until: float, step: float
    ) -> Counts:
        """See `Store.count_events`."""
        begins = [since + place * step for place in range(ceil((until - since) / step))]
        named = [
            {"place": place, "since": begin, "until": end, "kinds": rows.json_text(kinds)}
            for place, (begin, end) in enumerate(pairwise([*begins, until]))
        ]
        found = await self._connections.survey(
            lambda db: [row for each in named for row in db.execute(sql.COUNT_EVENTS, each)]
        )
        return Counts(counts=[rows.count(row) for row in found], since=since)

    async def purge(self, *, now: float, events_before: float, limit: int) -> int:
        """See `Store.purge`."""
        named = {"now": now, "events_before": events_before, "limit": limit}
        return await self._connections.write(
            lambda db: sum(db.execute(statement, named).rowcount for statement in sql.PURGE)
        )
