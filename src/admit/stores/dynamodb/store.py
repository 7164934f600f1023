"""The verbs of the store in DynamoDB."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from admit.errors import SettingsError, Unavailable
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import (
    feed,
    items,
    keyring,
    purge,
    reads,
    schema,
    sessions,
    trail,
    users,
)
from admit.stores.dynamodb import table as tables
from admit.stores.dynamodb.commits import CONTENDED, TRIES, Commits, Lost, changed
from admit.stores.dynamodb.table import CONNECTIONS, ConditionFailed, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from admit.events import Event, Kind
    from admit.model import Account, Session
    from admit.stores.base import (
        Counts,
        Ending,
        Feed,
        Push,
        Revocation,
        Rotation,
        SigningKey,
        Taken,
    )

EVENT_SECONDS = 7_776_000.0
"""How long events are kept, unless it is told otherwise: 90 days."""
ENDS_AT_ONCE = 30
"""How many sessions a transaction ends: three actions each, with room for what goes with them."""


class DynamoDBStore:
    """The store in one table of DynamoDB, for any number of processes in a region.

    Arguments:
        url: `dynamodb://TABLE?region=…&endpoint=…`.
        connections: how many requests this process has under way at once.
        event_ttl: for how many seconds DynamoDB is to keep events.

    Raises:
        SettingsError: neither the URL nor the environment names a region.
    """

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, event_ttl: float = EVENT_SECONDS
    ) -> None:
        self.table = Table(url, connections=connections)
        self.name = f"DynamoDB table {self.table.name} in {self.table.region}"
        if self.table.endpoint:
            self.name += f" at {self.table.endpoint}"
        self.push: Push | None = None
        self._commits = Commits(self.table, kept=event_ttl)
        self._started = False
        self._purging: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._purging = WeakKeyDictionary()

    async def start(self, *, migrate: bool = True) -> None:
        """See `Store.start`. A table that is missing is made; one that is there is only read."""
        await self.table.open()
        try:
            await schema.bring_up_to_date(self.table, make=migrate)
        except BaseException:
            if not self._started:
                await self.table.close()
            raise
        self._started = True

    async def migrate(self, *, grant: str | None = None) -> list[str]:
        """See `Store.migrate`; a table knows no roles of its own."""
        if grant is not None:
            raise SettingsError(
                "database_url",
                "ADMIT_DATABASE_URL (database_url) names a table of DynamoDB, which knows no roles:"
                " its rights are a policy of IAM, and docs/aws.md has one.",
            )
        await self.table.open()
        try:
            return await schema.bring_up_to_date(self.table)
        finally:
            if not self._started:
                await self.table.close()

    async def close(self) -> None:
        """See `Store.close`."""
        self._started = False
        await self.table.close()

    async def check(self) -> None:
        """See `Store.check`: a write whose condition never holds needs all that one needs."""
        change = changed(does.NOTHING, does.NEVER, n=items.number(0))
        try:
            await self.table.ask("update_item", Key=items.key("probe"), **change)
        except ConditionFailed:
            return

    async def durability(self) -> str | None:
        """See `Store.durability`: DynamoDB answers when two of three data centres have it."""
        await schema.check(self.table)
        return None

    async def care(self) -> schema.Care:
        """What AWS does for the table by itself, for `admit doctor`.

        Raises:
            Unavailable: DynamoDB can't be asked.
        """
        return await schema.care(self.table)

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:
        """See `Store.add_user`."""
        return (await self.add_users([account], event=event))[0]

    async def add_users(self, accounts: Sequence[Account], *, event: Event) -> list[Taken | None]:
        """See `Store.add_users`; each is one step, 25 of them a transaction."""
        return await users.add(self._commits, accounts, event)

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """See `Store.find_user`."""
        return await users.find(self.table, by, key)

    async def list_users(self, *, search: str, after: str, limit: int) -> list[Account]:
        """See `Store.list_users`."""
        return await users.listed(self.table, search=search, after=after, limit=limit)

    async def save_user(
        self,
        account: Account,
        *,
        event: Event | None = None,
        ending: Ending | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_user`.

        Who has more sessions than a transaction holds loses the older ones first: the account
        changes together with the end of the last, so none outlives the change.
        """
        events = [event] if event else []
        revocations = [revocation] if revocation else []
        for tried in range(TRIES):
            held = await users.held(self.table, account.user.id)
            if held is None or held.account.version != account.version:
                return False
            try:
                last = await self._surplus_ended(account, ending, latest=held.latest)
                actions = users.saving(
                    account, held.account, sessions=held.sessions if ending else None
                )
                await self._commits.write(
                    [*actions, *last.actions],
                    events=[*last.events, *events],
                    revocations=[*last.revocations, *revocations],
                )
            except Lost:  # to another change, a sign-in or an ending
                await tables.rest(tried)
            else:
                return True
        raise Unavailable(CONTENDED)

    async def _surplus_ended(
        self, account: Account, ending: Ending | None, *, latest: str | None
    ) -> sessions.Ends:
        """What ends the newest of the sessions that are meant, once the older ones are ended.

        Raises:
            Lost: another change of the account or of a session was quicker.
        """
        if ending is None:
            return sessions.NOTHING
        now = ending.event.at
        meant = await sessions.meant(self.table, ending, now, latest=latest)
        while len(meant) > ENDS_AT_ONCE:
            meant, oldest = meant[:-ENDS_AT_ONCE], meant[-ENDS_AT_ONCE:]
            ends = sessions.ends(oldest, ending, now)
            await self._commits.write(
                [users.is_still(account), *ends.actions],
                events=ends.events,
                revocations=ends.revocations,
            )
        ends = sessions.ends(meant, ending, now)
        means_all = ending.user_id is not None and ending.session_id is None
        seen = {ending.keep, *(each.id for each in meant)}
        if means_all and latest is not None and latest not in seen:
            ends.actions.append(sessions.is_over(latest, now))
        return ends

    async def open_session(
        self, session: Session, *, password_version: int, event: Event, replaces: Ending | None
    ) -> bool:
        """See `Store.open_session`."""
        opening = sessions.opening(session, password_version)
        for tried in range(TRIES):
            ends = sessions.NOTHING
            if replaces:
                replaced = await sessions.meant(self.table, replaces, session.opened_at)
                ends = sessions.ends(replaced[:ENDS_AT_ONCE], replaces, session.opened_at)
            try:
                await self._commits.write(
                    [*opening, *ends.actions],
                    events=[*ends.events, event],
                    revocations=ends.revocations,
                )
            except Lost as lost:
                if {sessions.HOLDER, session.id} & lost.names:
                    return False
                await tables.rest(tried)  # what it replaces has just ended
            else:
                return True
        raise Unavailable(CONTENDED)

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
        given = sessions.Given(session_id, generation, retry_key, deadline, now, *rest)
        return await sessions.rotated(self.table, given)

    async def end_sessions(self, ending: Ending, *, now: float) -> list[str]:
        """See `Store.end_sessions`; more than 30 of them are several steps."""
        ended: list[str] = []
        for tried in range(TRIES):
            meant = await sessions.meant(self.table, ending, now)
            try:
                for begin in range(0, len(meant), ENDS_AT_ONCE):
                    lot = meant[begin : begin + ENDS_AT_ONCE]
                    ends = sessions.ends(lot, ending, now)
                    await self._commits.write(
                        ends.actions, events=ends.events, revocations=ends.revocations
                    )
                    ended += [each.id for each in lot]
            except Lost:  # somebody else ended one of them
                await tables.rest(tried)
            else:
                return ended
        raise Unavailable(CONTENDED)

    async def list_sessions(self, user_id: str, *, now: float) -> list[Session]:
        """See `Store.list_sessions`."""
        return await sessions.living(self.table, user_id, now=now, most=sessions.MOST_LISTED)

    async def find_session(self, session_id: str) -> Session | None:
        """See `Store.find_session`."""
        return await sessions.find(self.table, session_id)

    async def revocations(self, *, after: int, now: float) -> Feed:
        """See `Store.revocations`."""
        return await feed.read(self.table, after=after, now=now)

    async def keys(self) -> list[SigningKey]:
        """See `Store.keys`."""
        return items.signing_keys(await reads.one(self.table, items.KEYS, ahead=True))

    async def save_keys(
        self,
        keys: list[SigningKey],
        *,
        seen: list[SigningKey],
        event: Event | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_keys`: all of them are one item, which moves a version of its own."""
        for tried in range(TRIES):
            item = await reads.one(self.table, items.KEYS)
            listed = items.signing_keys(item)
            if listed != seen:
                return False
            kept = {each.kid: each for each in (*listed, *keys)}
            try:
                await self._commits.write(
                    [("the keys", keyring.saving(item, list(kept.values())))],
                    events=[event] if event else [],
                    revocations=[revocation] if revocation else [],
                )
            except Lost:  # another process was quicker: what it did shows now
                await tables.rest(tried)
            else:
                return True
        raise Unavailable(CONTENDED)

    async def record(self, event: Event) -> None:
        """See `Store.record`."""
        await self._commits.record(event)

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
        return await trail.found(
            self.table, user_id=user_id, kind=kind, since=since, before=before, limit=limit
        )

    async def count_events(
        self, *, kinds: Sequence[Kind], since: float, until: float, step: float
    ) -> Counts:
        """See `Store.count_events`."""
        return await trail.counted(self.table, kinds=kinds, since=since, until=until, step=step)

    async def purge(self, *, now: float, events_before: float, limit: int) -> int:
        """See `Store.purge`; one at a time of each process, or they would all find the same."""
        lock = self._purging.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            gone = await purge.sessions(self.table, now=now, limit=limit)
            gone += await purge.revocations(self.table, now=now, limit=limit)
            gone += await purge.keys(self.table, now=now, limit=limit)
            return gone + await purge.events(self.table, before=events_before, limit=limit)
