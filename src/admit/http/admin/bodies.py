"""What the admin API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from admit.events import Kind
from admit.http.bodies import UserOut, user_out, utc
from admit.model import ROLE, EndedBecause

if TYPE_CHECKING:
    from admit.events import Event
    from admit.model import Account, Session

Role = Annotated[str, Meta(extra_json_schema={"pattern": f"^{ROLE.pattern}$"})]
Roles = Annotated[tuple[Role, ...], Meta(max_length=50)]


class NothingBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a request takes that says everything by its address."""


class RolesBody(msgspec.Struct, forbid_unknown_fields=True):
    """Roles to give and to take away; one that is in both is given."""

    add: Roles = ()
    remove: Roles = ()


class AdminUserOut(UserOut):
    """A user as an administrator sees them: with the instant of their disabling."""

    disabled_at: datetime | None


class AdminUserAnswer(msgspec.Struct):
    """One user."""

    user: AdminUserOut


class AdminUsersOut(msgspec.Struct):
    """Users in the order of their addresses, and the `after` of the next page."""

    users: list[AdminUserOut]
    next: str | None


class EndedOut(msgspec.Struct):
    """How many sessions ended."""

    ended: int


class AdminSessionOut(msgspec.Struct):
    """A session and what became of it.

    Where it has long been over and is cleaned up, the sign-in is all that is known.
    """

    id: str
    current: bool
    user_id: str | None
    email: str | None
    opened_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    ended_because: EndedBecause | None
    ip: str | None
    user_agent: str | None


class AdminSessionAnswer(msgspec.Struct):
    """One session."""

    session: AdminSessionOut


class AdminSessionsOut(msgspec.Struct):
    """Sessions, the newest sign-in first, and the `before` of the next page."""

    sessions: list[AdminSessionOut]
    next: str | None


class EventOut(msgspec.Struct):
    """One line of the audit trail; `detail.by` is the administrator who did it."""

    id: str
    at: datetime
    kind: Kind
    user_id: str | None
    session_id: str | None
    reason: str | None
    ip: str | None
    user_agent: str | None
    detail: dict[str, str]


class EventsOut(msgspec.Struct):
    """Events, the newest first, and the `before` of the next page."""

    events: list[EventOut]
    next: str | None


class SeriesOut(msgspec.Struct):
    """For each step how many there were."""

    signed_in: list[int]
    sign_in_failed: list[int]
    reuse_detected: list[int]


class ActivityOut(msgspec.Struct):
    """What happened over time; `refused` says why sign-ins failed.

    Where there is too much to count all of it, `complete` is false, and only what came from
    `counted_since` on is counted.
    """

    since: datetime
    until: datetime
    step: int
    complete: bool
    counted_since: datetime
    series: SeriesOut
    refused: dict[str, int]


Series = Literal["signed_in", "sign_in_failed", "reuse_detected"]


def admin_user_out(account: Account) -> AdminUserOut:
    """The account as the wire shows it."""
    shown = msgspec.structs.asdict(user_out(account.user))
    disabled = account.disabled_at
    return AdminUserOut(**shown, disabled_at=None if disabled is None else utc(disabled))


def admin_session_out(session: Session, *, email: str | None, current: str) -> AdminSessionOut:
    """The session as the wire shows it; `current` is the id of the caller's own."""
    return AdminSessionOut(
        id=session.id,
        current=session.id == current,
        user_id=session.user_id,
        email=email,
        opened_at=utc(session.opened_at),
        last_seen_at=utc(session.rotated_at),
        expires_at=utc(session.expires_at),
        ended_at=None if session.ended_at is None else utc(session.ended_at),
        ended_because=session.ended_because,
        ip=session.ip,
        user_agent=session.user_agent,
    )


def cleaned_up_out(signed_in: Event, *, email: str | None, current: str) -> AdminSessionOut:
    """What the sign-in says of a session whose row is gone."""
    return AdminSessionOut(
        id=signed_in.session_id or "",
        current=signed_in.session_id == current,
        user_id=signed_in.user_id,
        email=email,
        opened_at=utc(signed_in.at),
        last_seen_at=None,
        expires_at=None,
        ended_at=None,
        ended_because=None,
        ip=signed_in.ip,
        user_agent=signed_in.user_agent,
    )


def event_out(event: Event) -> EventOut:
    """The event as the wire shows it; JavaScript can't hold every number that an id may be."""
    return EventOut(
        id=str(event.id),
        at=utc(event.at),
        kind=event.kind,
        user_id=event.user_id,
        session_id=event.session_id,
        reason=event.reason,
        ip=event.ip,
        user_agent=event.user_agent,
        detail=dict(event.detail),
    )
