"""Changes to an account, decided without I/O: the account after it, and what goes with it.

Each says which sessions end, which tokens are revoked and what the audit trail is told; the store
writes all of it in one step, or nothing (ASVS 5.0.0-2.3.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from admit.errors import InvalidInput
from admit.events import Event, Kind, event
from admit.model import A_ROLE, ROLE, Account
from admit.revocation import ending
from admit.stores.base import Ending, Revocation

if TYPE_CHECKING:
    from admit.model import Origin
    from admit.settings import Settings

ROLES_LENGTH = 1_024
"""Every access token carries them, and a cookie holds 4,096 bytes with its name."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change to an account, with what belongs to the same step."""

    account: Account
    event: Event
    ending: Ending | None = None
    revocation: Revocation | None = None


def password(
    account: Account,
    settings: Settings,
    *,
    hashed: str,
    now: float,
    origin: Origin | None = None,
    keep: str | None = None,
) -> Change:
    """Another password; every session but `keep` ends."""
    user_id = account.user.id
    version = account.password_version + 1
    return Change(
        account=msgspec.structs.replace(account, password_hash=hashed, password_version=version),
        event=event("password_changed", now=now, origin=origin, user_id=user_id, session_id=keep),
        ending=ending(
            "password_changed", settings, now=now, user_id=user_id, keep=keep, origin=origin
        ),
    )


def enabled(
    account: Account,
    settings: Settings,
    *,
    enabled: bool,
    now: float,
    by: str | None = None,
    origin: Origin | None = None,
) -> Change | None:
    """Enabled, or disabled with every session ended; None where it is so already."""
    if (account.disabled_at is None) == enabled:
        return None
    user_id = account.user.id
    kind: Kind = "user_enabled" if enabled else "user_disabled"
    return Change(
        account=msgspec.structs.replace(account, disabled_at=None if enabled else now),
        event=event(kind, now=now, user_id=user_id, by=by, origin=origin),
        ending=None
        if enabled
        else ending("revoked", settings, now=now, user_id=user_id, by=by, origin=origin),
    )


def roles(
    account: Account,
    settings: Settings,
    *,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    now: float,
    by: str | None = None,
    origin: Origin | None = None,
) -> Change | None:
    """Other roles; where one is lost, tokens that hold it are revoked. None where they stay.

    Raises:
        InvalidInput: a role that is none, or too many of them.
    """
    had, user_id = account.user.roles, account.user.id
    has = checked_roles((*(role for role in had if role not in remove), *add))
    if set(has) == set(had):
        return None
    after = msgspec.structs.replace(account, user=msgspec.structs.replace(account.user, roles=has))
    changed = event(
        "roles_changed", now=now, user_id=user_id, by=by, origin=origin, roles=" ".join(has)
    )
    if set(had) <= set(has):
        return Change(account=after, event=changed)
    # Told by the version and not by a time: a refresh that was committed before this change has
    # the one before it, whatever the clocks say; one that comes after it has this.
    revocation = Revocation(
        kind="user",
        subject=user_id,
        reason="revoked",
        at=now,
        until=settings.dead_after(now),
        version=account.version + 1,
    )
    return Change(account=after, event=changed, revocation=revocation)


def checked_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles, each once, in order.

    Raises:
        InvalidInput: what would not survive a log or a header, or too many of them.
    """
    for role in roles:
        if not ROLE.fullmatch(role):
            raise InvalidInput(fields={"roles": A_ROLE})
    kept = tuple(sorted(set(roles)))
    if len(" ".join(kept)) > ROLES_LENGTH:
        raise InvalidInput(fields={"roles": f"at most {ROLES_LENGTH} characters in all"})
    return kept
