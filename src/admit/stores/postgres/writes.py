"""What a step of the store in PostgreSQL writes, on the connection that it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.stores import rows
from admit.stores.postgres import statements as sql
from admit.stores.postgres.connections import fetched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from admit.events import Event
    from admit.model import Account
    from admit.stores.base import Ending, Taken
    from admit.stores.rows import Row


async def add(
    db: AsyncConnection[Row], accounts: Sequence[Account], event: Event
) -> list[Taken | None]:
    """Add the accounts, each with its event, or say for each which of its keys is taken."""
    columns = _columns([rows.account_row(each) for each in accounts])
    async with db.transaction():
        # Two steps with the same accounts in another order: that one of them has to begin anew,
        # the server finds out after a second.
        await db.execute(sql.WAIT_FOR_LOCKS)
        added = set(await fetched(db, sql.ADD_USERS, columns))
        keys = [each.email_key for each in accounts]
        all_added = len(added) == len(accounts)
        found = [] if all_added else await fetched(db, sql.TAKEN_EMAILS, [keys])
        await _record_for(db, event, sorted(user_id for user_id, _ in added))
    taken = {row[0] for row in found}
    answers: list[Taken | None] = []
    for each in accounts:
        names = (each.user.id, each.email_key)
        taken_by: Taken = "email" if each.email_key in taken else "username"
        answers.append(None if names in added else taken_by)
        added.discard(names)  # of two alike the first was added
    return answers


async def end(db: AsyncConnection[Row], ending: Ending, now: float) -> list[str]:
    """End what is meant; a revocation and an event for each, and only for those ended here."""
    event = ending.event
    named = {
        "now": now,
        "because": ending.because,
        "until": ending.until,
        "session_id": ending.session_id,
        "user_id": ending.user_id,
        "keep": ending.keep,
        "at": event.at,
        "kind": event.kind,
        "reason": event.reason,
        "ip": event.ip,
        "user_agent": event.user_agent,
        "detail": rows.json_text(event.detail),
    }
    statement = sql.END_ALL if ending.session_id is None else sql.END_ONE
    return [row[0] for row in await fetched(db, statement, named)]


async def _record_for(db: AsyncConnection[Row], event: Event, user_ids: list[str]) -> None:
    """Record the event for each of these users."""
    at, kind, _, *others = rows.event_row(event)
    await db.execute(sql.RECORD_FOR, (at, kind, *others, user_ids))


def _columns(listed: list[Row]) -> list[list[object]]:
    return [list(column) for column in zip(*listed, strict=True)]
