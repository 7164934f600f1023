"""What happened, for the audit trail: never a token, never a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from admit.model import Origin

Kind = Literal[
    "user_registered",
    "signed_in",
    "sign_in_failed",
    "password_changed",
    "password_refused",
    "session_ended",
    "reuse_detected",
    "user_disabled",
    "user_enabled",
    "roles_changed",
    "key_published",
    "key_withdrawn",
    "limits_degraded",
    "limits_restored",
]

USER_AGENT_LENGTH = 256
"""A user agent is kept for people to recognise a device by; more of it is of no use to them."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit trail. `id` is given by the store, in the order of commits."""

    at: float
    kind: Kind
    user_id: str | None = None
    session_id: str | None = None
    reason: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    detail: Mapping[str, str] = {}
    id: int = 0


def event(
    kind: Kind,
    *,
    now: float,
    origin: Origin | None = None,
    user_id: str | None = None,
    session_id: str | None = None,
    reason: str | None = None,
    by: str | None = None,
    **detail: str,
) -> Event:
    """An event as it happens at `now`, with the address and user agent of its origin.

    `by` is the id of the administrator who did it through the API. What users do themselves, and
    what the command does, has none: whoever runs that has the database, and is no user.
    """
    origin = origin or Origin()
    if by is not None:
        detail["by"] = by
    return Event(
        at=now,
        kind=kind,
        user_id=user_id,
        session_id=session_id,
        reason=reason,
        ip=origin.ip,
        user_agent=origin.user_agent,
        detail=detail,
    )
