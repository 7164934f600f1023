"""What a step of the embedded store writes, inside the transaction that it is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from admit.stores import rows
from admit.stores.base import Ending, Revocation, Taken
from admit.stores.sqlite import statements as sql

if TYPE_CHECKING:
    import sqlite3

    from admit.events import Event
    from admit.model import Account


def end(db: sqlite3.Connection, ending: Ending, now: float) -> list[str]:
    """End what is meant; a revocation and an event for each, and only for those ended here."""
    named = {
        "now": now,
        "because": ending.because,
        "session_id": ending.session_id,
        "user_id": ending.user_id,
        "keep": ending.keep,
    }
    ended = db.execute(sql.END_ALL if ending.session_id is None else sql.END_ONE, named).fetchall()
    for session_id, user_id in ended:
        revocation = Revocation(
            kind="session",
            subject=session_id,
            reason=ending.because,
            at=now,
            until=ending.until,
        )
        revoke(db, revocation)
        event = msgspec.structs.replace(ending.event, session_id=session_id, user_id=user_id)
        record(db, event)
    return [session_id for session_id, _ in ended]


def add(db: sqlite3.Connection, account: Account, event: Event) -> Taken | None:
    """Add the account and its event, or say which of its keys is taken."""
    if db.execute(sql.ADD_USER, rows.account_row(account)).rowcount:
        record(db, event)
        return None
    taken = db.execute(sql.USER_BY["email"], (account.email_key,)).fetchone()
    return "email" if taken else "username"


def revoke(db: sqlite3.Connection, revocation: Revocation) -> None:
    """Add the revocation; its `seq` is the file's."""
    db.execute(sql.REVOKE, rows.revocation_row(revocation))


def record(db: sqlite3.Connection, event: Event) -> None:
    """Add the event; its `id` is the file's."""
    db.execute(sql.RECORD, rows.event_row(event))
