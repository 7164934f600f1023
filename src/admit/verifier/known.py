"""What is revoked, as far as this process was told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from admit.model import Principal


class Entry(msgspec.Struct, frozen=True):
    """One entry of the feed, as it travels.

    A kind that is not listed here refuses the whole answer: what can't be understood can't be
    enforced, and to leave it out would let somebody in.
    """

    kind: Literal["session", "user", "key"]
    subject: str
    reason: str
    until: Annotated[datetime, msgspec.Meta(tz=True)]
    version: int = 0


class UnknownKey(Exception):
    """A token names a key that may be the issuer's newest: let it be looked for, and try again."""


class Known:
    """Which tokens are off: those of a session, of a user below a version, of a key."""

    def __init__(self) -> None:
        self.sessions: dict[str, Entry] = {}
        self.users: dict[str, Entry] = {}
        self.keys: dict[str, Entry] = {}
        self.withdrawals = 0
        """How many withdrawn keys were heard of."""

    def reason(self, principal: Principal) -> str | None:
        """Why this principal's token is no longer accepted, or None where it is."""
        if entry := self.sessions.get(principal.session_id):
            return entry.reason
        entry = self.users.get(principal.user_id)
        if entry is not None and principal.version < entry.version:
            return entry.reason
        return None

    def take(self, entries: list[Entry]) -> None:
        """Take these in, in any order and however often."""
        for entry in entries:
            if entry.kind == "session":
                _keep(self.sessions, entry)
            elif entry.kind == "user":
                _keep(self.users, entry)
            else:
                self.withdrawals += entry.subject not in self.keys
                _keep(self.keys, entry)

    def forget(self, now: float) -> None:
        """Drop what concerns no living token: every `until` has the skew of clocks in it."""
        self.sessions = _mattering(self.sessions, now)
        self.users = _mattering(self.users, now)
        self.keys = _mattering(self.keys, now)


def _keep(held: dict[str, Entry], entry: Entry) -> None:
    """Of one subject the highest version, and of that the longest."""
    former = held.get(entry.subject)
    if former is None or (former.version, former.until) <= (entry.version, entry.until):
        held[entry.subject] = entry


def _mattering(entries: dict[str, Entry], now: float) -> dict[str, Entry]:
    return {subject: each for subject, each in entries.items() if each.until.timestamp() > now}
