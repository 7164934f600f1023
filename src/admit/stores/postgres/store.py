"""The verbs of the store in PostgreSQL; what they send is in `statements`."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from admit.errors import SettingsError, Unavailable
from admit.stores import rows
from admit.stores.base import Counts, Ending, Feed, Push, Revocation, Rotation, SigningKey, Taken
from admit.stores.postgres import schema, writes
from admit.stores.postgres import statements as sql
from admit.stores.postgres.connections import Connections, Work, fetched
from admit.stores.postgres.listen import Listening
from admit.stores.postgres.rotations import Given, Rotations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from psycopg import AsyncConnection

    from admit.events import Event, Kind
    from admit.model import Account, Session
    from admit.stores.rows import Row

Result = TypeVar("Result")

POOL = 8
"""Connections of one process, unless it is told otherwise."""
FEED_ROWS = 10_000
"""What one statement reads of the feed at most: all of a bad day would outlast its time-out."""
MANY_SECONDS = 60.0
"""How long the sessions of somebody who has very many may take to end."""


class PostgresStore:
    """The store in PostgreSQL, for many machines.

    Arguments:
        url: `postgresql://user:password@host/database`.
        pool: how many connections this process holds at most in one event loop.
    """

    def __init__(self, url: str, *, pool: int = POOL) -> None:
        self.name = _name(url)
        self.push: Push | None = Listening(url)
        self._url = url
        self._most = pool
        self._started = False
        self._patient = False
        self._purged: dict[str, float] = {}
        self._homes: dict[asyncio.AbstractEventLoop, tuple[Connections, Rotations]] = {}

    async def start(self, *, migrate: bool = True) -> None:
        """Bring the schema up to date, as far as this role may, and connect."""
        await schema.bring_up_to_date(self._url, make=migrate)
        self._started = True
        await self._home()

    async def migrate(self, *, grant: str | None = None) -> list[str]:
        """See `Store.migrate`."""
        return await schema.bring_up_to_date(self._url, grant=grant)

    async def close(self) -> None:
        """Close the connections; those of other event loops at once, without a word."""
        self._started = False
        home = self._homes.pop(asyncio.get_running_loop(), None)
        while self._homes:
            loop, (connections, _) = self._homes.popitem()
            try:  # in another thread, which may be in the middle of using them
                loop.call_soon_threadsafe(connections.abandon)
            except RuntimeError:  # that loop is gone
                connections.abandon()
        if home:
            await home[0].close()

    async def check(self) -> None:
        """See `Store.check`: a server that is read-only refuses even to change nothing."""
        await self._run(lambda db: db.execute(sql.TOUCH))

    async def durability(self) -> str | None:
        """See `Store.durability`."""
        found = await self._one(sql.DURABILITY)
        names = ("fsync", "full_page_writes", "synchronous_commit")
        off = [name for name, value in zip(names, found or (), strict=True) if value == "off"]
        return f"{' and '.join(off)} is off" if off else None

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:
        """See `Store.add_user`."""
        return (await self.add_users([account], event=event))[0]

    async def add_users(self, accounts: Sequence[Account], *, event: Event) -> list[Taken | None]:
        """See `Store.add_users`."""
        if not accounts:
            return []
        return await self._run(lambda db: writes.add(db, accounts, event))

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """See `Store.find_user`."""
        if not _storable(key):
            return None
        found = await self._one(sql.USER_BY[by], [key])
        return rows.account(found) if found else None

    async def list_users(self, *, search: str, after: str, limit: int) -> list[Account]:
        """See `Store.list_users`."""
        if not (_storable(search) and _storable(after)):
            return []
        named = {"search": search, "after": after, "limit": limit}
        return [rows.account(row) for row in await self._all(sql.LIST_USERS, named)]

    async def save_user(
        self,
        account: Account,
        *,
        event: Event | None = None,
        ending: Ending | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_user`.

        The account is written first: a sign-in that holds it is waited for, and its session seen.
        """
        after = msgspec.structs.replace(account, version=account.version + 1)
        values = (*rows.account_row(after), account.user.id, account.version)

        async def work(db: AsyncConnection[Row]) -> bool:
            async with db.transaction():
                if not (await db.execute(sql.SAVE_USER, values)).rowcount:
                    return False
                if ending:
                    await writes.end(db, ending, ending.event.at)
                if revocation:
                    await db.execute(sql.REVOKE, rows.revocation_row(revocation))
                if event:
                    await db.execute(sql.RECORD, rows.event_row(event))
            return True

        return await self._ended(ending, work)

    async def open_session(
        self, session: Session, *, password_version: int, event: Event, replaces: Ending | None
    ) -> bool:
        """See `Store.open_session`."""
        values = (session.user_id, password_version, *rows.session_row(session))

        async def work(db: AsyncConnection[Row]) -> bool:
            async with db.transaction():
                if not (await db.execute(sql.OPEN_SESSION, values)).rowcount:
                    return False
                if replaces:
                    await writes.end(db, replaces, session.opened_at)
                await db.execute(sql.RECORD, rows.event_row(event))
            return True

        return await self._run(work)

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
        _, rotations = await self._home()
        return await rotations.rotate(
            Given(session_id, generation, retry_key, deadline, now, *rest)
        )

    async def end_sessions(self, ending: Ending, *, now: float) -> list[str]:
        """See `Store.end_sessions`."""
        ended = await self._ended(ending, lambda db: writes.end(db, ending, now))
        if not ended:  # perhaps by an earlier try, whose wait for a standby was cut short
            await self._run(lambda db: db.execute(sql.WAIT_FOR_STANDBY))
        return ended

    async def list_sessions(self, user_id: str, *, now: float) -> list[Session]:
        """See `Store.list_sessions`."""
        return [rows.session(row) for row in await self._all(sql.LIST_SESSIONS, (user_id, now))]

    async def find_session(self, session_id: str) -> Session | None:
        """See `Store.find_session`."""
        found = await self._one(sql.FIND_SESSION, [session_id])
        return rows.session(found) if found else None

    async def revocations(self, *, after: int, now: float) -> Feed:
        """See `Store.revocations`."""
        entries: list[Revocation] = []
        while True:  # numbers are in the order of commits: none comes behind what was read
            named = {"after": after, "now": now, "limit": FEED_ROWS}
            found = await self._look(sql.REVOCATIONS, named)
            entries += [rows.revocation(row[1:]) for row in found if row[1] is not None]
            if len(found) < FEED_ROWS:
                return Feed(entries=entries, head=found[0][0])
            after = entries[-1].seq

    async def keys(self) -> list[SigningKey]:
        """See `Store.keys`."""
        return [rows.key(row) for row in await self._look(sql.KEYS)]

    async def save_keys(
        self,
        keys: list[SigningKey],
        *,
        seen: list[SigningKey],
        event: Event | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_keys`."""

        async def work(db: AsyncConnection[Row]) -> bool:
            async with db.transaction():
                await db.execute(sql.LOCK_KEYS)
                if [rows.key(row) for row in await fetched(db, sql.KEYS)] != seen:
                    return False
                for each in keys:
                    await db.execute(sql.SAVE_KEY, msgspec.structs.astuple(each))
                if revocation:
                    await db.execute(sql.REVOKE, rows.revocation_row(revocation))
                if event:
                    await db.execute(sql.RECORD, rows.event_row(event))
            return True

        return await self._run(work)

    async def record(self, event: Event) -> None:
        """See `Store.record`."""
        await self._run(lambda db: db.execute(sql.RECORD, rows.event_row(event)))

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
        asked = {"user_id": user_id, "kind": kind, "before": before}
        clauses = (sql.EVENTS_WHERE[each] for each, value in asked.items() if value is not None)
        statement = sql.EVENTS + "".join(clauses) + sql.EVENTS_ORDER
        found = await self._all(statement, {**asked, "since": since, "limit": limit})
        return [rows.event(row) for row in found]

    async def count_events(
        self, *, kinds: Sequence[Kind], since: float, until: float, step: float
    ) -> Counts:
        """See `Store.count_events`."""
        named = {"kinds": list(kinds), "since": since, "until": until, "step": step}
        found = await self._all(sql.COUNT_EVENTS, named)
        return Counts(counts=[rows.count(row) for row in found], since=since)

    async def purge(self, *, now: float, events_before: float, limit: int) -> int:
        """See `Store.purge`: a commit for each table."""
        named = {"now": now, "events_before": events_before, "limit": limit}

        async def work(db: AsyncConnection[Row]) -> int:
            gone = 0
            for table, statement in sql.PURGE.items():
                since = {"since": self._purged.get(table, -inf)}
                ended = [at for (at,) in await fetched(db, statement, named | since)]
                # From the beginning again where that was the last: some were passed over, locked.
                self._purged[table] = max(ended) if len(ended) == limit else -inf
                gone += len(ended)
            return gone

        return await self._run(work)

    async def _look(self, statement: str, values: Any = None) -> list[Row]:  # noqa: ANN401
        """Whatever others wait for: what is revoked has to be known within a second."""
        connections, _ = await self._home()
        return await connections.look(lambda db: fetched(db, statement, values))

    async def _all(self, statement: str, values: Any = None) -> list[Row]:  # noqa: ANN401
        return await self._run(lambda db: fetched(db, statement, values))

    async def _one(self, statement: str, values: Any = None) -> Row | None:  # noqa: ANN401
        found = await self._all(statement, values)
        return found[0] if found else None

    async def _run(self, work: Work[Result]) -> Result:
        connections, _ = await self._home()
        return await connections.run(work)

    async def _ended(self, ending: Ending | None, work: Work[Result]) -> Result:
        """As `_run`, with more time where a user's sessions are too many for a statement's.

        Or whoever opens enough of them could not be thrown out. One at a time: it holds a
        connection, and in the end the feed.
        """
        try:
            return await self._run(work)
        except Unavailable as error:
            all_of_them = ending is not None and ending.session_id is None
            if not (all_of_them and isinstance(error.__cause__, psycopg.errors.QueryCanceled)):
                raise

        async def patiently(db: AsyncConnection[Row]) -> Result:
            async with db.transaction():
                await db.execute(sql.WAIT_FOR_MANY)
                return await work(db)

        connections, _ = await self._home()
        if self._patient:
            raise Unavailable("Somebody's very many sessions are being ended: try again.")
        self._patient = True
        try:
            return await connections.run(patiently, seconds=MANY_SECONDS)
        finally:
            self._patient = False

    async def _home(self) -> tuple[Connections, Rotations]:
        """What belongs to the event loop that is running: a connection can't go to another."""
        if not self._started:
            raise Unavailable("The store is not started.")
        loop = asyncio.get_running_loop()
        if (home := self._homes.get(loop)) is None:
            for gone in [each for each in self._homes if each.is_closed()]:
                self._homes.pop(gone)[0].abandon()
            connections = Connections(self._url, most=self._most)
            home = self._homes[loop] = (connections, Rotations(connections))
            await connections.open()
        return home


def _storable(text: str) -> bool:
    """Whether PostgreSQL can hold it: no text of its own has a NUL, so none is found by one."""
    return "\0" not in text


def _name(url: str) -> str:
    """Which database, for people, without its password.

    Raises:
        SettingsError: it can't be read; what the driver says of it may hold the password.
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        given = None
    parts = ("host", "port", "dbname")
    if given is None or any("@" in str(given.get(part, "")) for part in parts):
        raise SettingsError(
            "database_url",
            "ADMIT_DATABASE_URL (database_url) wants postgresql://user:password@host:5432/database,"
            " with parameters of libpq only, and %XX for what is special in a password.",
        )
    host = given.get("host") or "the local socket"
    port = f":{given['port']}" if given.get("port") else ""
    return f"PostgreSQL at {host}{port}, database {given.get('dbname') or given.get('user') or '?'}"
