"""Rows of a store that speaks SQL to values, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from admit.events import Event
from admit.model import Account, Session, User
from admit.stores.base import Count, Revocation, SigningKey

Row = Sequence[Any]

USER = (
    "id, email, email_key, username, username_key, roles, email_verified, created_at,"
    " password_hash, password_version, version, disabled_at"
)
SESSION = (
    "id, user_id, generation, rotated_at, retry_key, opened_at, expires_at, ends_at, ended_at,"
    " ended_because, auth_time, amr, user_agent, ip"
)
KEY = "kid, algorithm, public, private, created_at, signs_from, retires_at, withdrawn_at"
REVOCATION = "seq, kind, subject, reason, at, until, version"
EVENT = "id, at, kind, user_id, session_id, reason, ip, user_agent, detail"

_texts = msgspec.json.Decoder(tuple[str, ...])
_detail = msgspec.json.Decoder(dict[str, str])


def marks(columns: str, mark: str = "?") -> str:
    """As many parameter marks as there are columns."""
    return ", ".join(mark for _ in columns.split(","))


def qualified(columns: str, table: str) -> str:
    """The columns with the table's name before each."""
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


def json_text(value: object) -> str:
    """The value as JSON, for a TEXT column."""
    return msgspec.json.encode(value).decode()


def account(row: Row) -> Account:
    """The account in a row of the USER columns."""
    return Account(
        user=User(
            id=row[0],
            email=row[1],
            username=row[3],
            roles=_texts.decode(row[5]),
            email_verified=bool(row[6]),
            created_at=row[7],
        ),
        email_key=row[2],
        username_key=row[4],
        password_hash=row[8],
        password_version=row[9],
        version=row[10],
        disabled_at=row[11],
    )


def account_row(value: Account) -> Row:
    """The account as the USER columns."""
    user = value.user
    return (
        user.id,
        user.email,
        value.email_key,
        user.username,
        value.username_key,
        json_text(user.roles),
        user.email_verified,
        user.created_at,
        value.password_hash,
        value.password_version,
        value.version,
        value.disabled_at,
    )


def session(row: Row) -> Session:
    """The session in a row of the SESSION columns."""
    return Session(
        id=row[0],
        user_id=row[1],
        generation=row[2],
        rotated_at=row[3],
        retry_key=row[4],
        opened_at=row[5],
        expires_at=row[6],
        ends_at=row[7],
        ended_at=row[8],
        ended_because=row[9],
        auth_time=row[10],
        amr=_texts.decode(row[11]),
        user_agent=row[12],
        ip=row[13],
    )


def session_row(value: Session) -> Row:
    """The session as the SESSION columns."""
    fields = msgspec.structs.asdict(value)
    fields["amr"] = json_text(value.amr)
    return [fields[column.strip()] for column in SESSION.split(",")]


def key(row: Row) -> SigningKey:
    """The signing key in a row of the KEY columns."""
    return SigningKey(**dict(zip(_names(KEY), row, strict=True)))


def revocation(row: Row) -> Revocation:
    """The revocation in a row of the REVOCATION columns."""
    return Revocation(**dict(zip(_names(REVOCATION), row, strict=True)))


def revocation_row(value: Revocation) -> Row:
    """The revocation as the REVOCATION columns, but for the `seq` that the store gives."""
    return msgspec.structs.astuple(value)[:-1]


def event(row: Row) -> Event:
    """The event in a row of the EVENT columns."""
    fields = dict(zip(_names(EVENT), row, strict=True))
    return Event(**{**fields, "detail": _detail.decode(fields["detail"])})


def count(row: Row) -> Count:
    """The count in a row of step, kind, reason and how many."""
    step, kind, reason, events = row
    return Count(step=int(step), kind=kind, reason=reason, events=events)


def event_row(value: Event) -> Row:
    """The event as the EVENT columns, but for the `id` that the store gives."""
    fields = msgspec.structs.astuple(value)[:-1]
    return (*fields[:-1], json_text(value.detail))


def _names(columns: str) -> list[str]:
    return [column.strip() for column in columns.split(",")]
