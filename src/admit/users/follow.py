"""How a shadow follows its user, decided without I/O: one step at a time, each whole in itself.

What takes rights away comes first, and what gives them back comes last. Whoever is interrupted
between two steps leaves a shadow from which the next one goes on.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from admit import changes
from admit.events import Event
from admit.model import ROLE, Account
from admit.stores.base import Ending, Revocation
from admit.users import shadow
from admit.users.base import AppUser

if TYPE_CHECKING:
    from admit.changes import Change
    from admit.settings import Settings

logger = logging.getLogger("admit.users")

IN_APP = "app"
"""The reason of an event that came about in the app."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The shadow after one step, and what the store writes with it."""

    account: Account
    event: Event | None = None
    ending: Ending | None = None
    revocation: Revocation | None = None


def step(account: Account, user: AppUser | None, settings: Settings, *, now: float) -> Step | None:
    """What the shadow has to do next to be as the user is; None where it is.

    Arguments:
        account: the shadow, read before the user.
        user: as the app has them; None where they are gone.
        settings: how long revocations matter.
        now: the instant, in seconds since 1970.
    """
    if user is None:
        off = changes.enabled(account, settings, enabled=False, now=now)
        return _told(off) if off else _profile(account, AppUser(id=account.user.id))
    return (
        _enabled(account, settings, now=now, wanted=False, active=user.active)
        or _password(account, user, settings, now=now)
        or _roles(account, user, settings, now=now)
        or _profile(account, user)
        or _enabled(account, settings, now=now, wanted=True, active=user.active)
    )


def _enabled(
    account: Account, settings: Settings, *, now: float, wanted: bool, active: bool
) -> Step | None:
    if active != wanted:
        return None
    change = changes.enabled(account, settings, enabled=wanted, now=now)
    return _told(change) if change else None


def _password(account: Account, user: AppUser, settings: Settings, *, now: float) -> Step | None:
    known, mark = shadow.standing(account), shadow.fingerprint(user.password_hash)
    if mark == known.mark:
        if shadow.is_shadow(account):
            return None
        text = known.text()  # Admit's own account, which moved to the app with its hash
        return Step(account=msgspec.structs.replace(account, password_hash=text))
    text, note = shadow.Standing(mark).text(), known.note(mark)
    if note and not note.changed:
        return Step(account=msgspec.structs.replace(account, password_hash=text))
    keep = note.keep if note else None
    return _told(changes.password(account, settings, hashed=text, now=now, keep=keep))


def _roles(account: Account, user: AppUser, settings: Settings, *, now: float) -> Step | None:
    has = roles_of(user)
    lost = tuple(role for role in account.user.roles if role not in has)
    change = changes.roles(account, settings, add=has, remove=lost, now=now)
    return _told(change) if change else None


def _profile(account: Account, user: AppUser) -> Step | None:
    after = shadow.with_profile(account, user)
    return None if after == account else Step(account=after)


def _told(change: Change) -> Step:
    """The change as a step, whose event says that it came about in the app."""
    return Step(
        account=change.account,
        event=msgspec.structs.replace(change.event, reason=IN_APP),
        ending=change.ending,
        revocation=change.revocation,
    )


def roles_of(user: AppUser) -> tuple[str, ...]:
    """The user's roles in order, without what can't be one, and no more than a token may carry."""
    kept: list[str] = []
    length = -1
    for role in sorted(set(user.roles)):
        length += len(role) + 1
        if not ROLE.fullmatch(role) or length > changes.ROLES_LENGTH:
            logger.warning("user %s does without the role %a: %s", user.id, role[:64], _WANTED)
            length -= len(role) + 1
        else:
            kept.append(role)
    return tuple(kept)


_WANTED = (
    "1 to 64 of letters, digits, '.', '_', '-' and ':', and"
    f" {changes.ROLES_LENGTH} characters in all"
)
