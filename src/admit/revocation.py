"""What is revoked, as far as this process knows; looked up on every request, without I/O.

A session that ended, a user whose roles shrank and a key that was withdrawn concern access tokens
that are already out. The store keeps a list of them in the order of commits; each process reads
on from its cursor at least once a second, after every ending of its own, and before it serves.
An entry goes when the last access token that it concerns is dead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.events import Kind, event
from admit.stores.base import Ending

if TYPE_CHECKING:
    from admit.model import EndedBecause, Origin, Principal
    from admit.settings import Settings
    from admit.stores.base import Revocation, Store

PRUNE_SECONDS = 30.0
"""How often entries that no longer matter are dropped."""


class Revoked:
    """The revocations that still matter.

    Arguments:
        store: where they are read from.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor = 0
        self._sessions: dict[str, Revocation] = {}
        self._users: dict[str, Revocation] = {}
        self._pruned_at = 0.0
        self._looked_at = 0.0

    def reason(self, principal: Principal) -> str | None:
        """Why this principal's token is no longer accepted, or None where it is."""
        if entry := self._sessions.get(principal.session_id):
            return entry.reason
        entry = self._users.get(principal.user_id)
        if entry is not None and principal.version < entry.version:
            return entry.reason
        return None

    async def look(self, now: float) -> None:
        """Take in what was revoked since the last look, and drop what matters no longer.

        Two looks at once take in the same entries twice, in either order, which changes nothing.
        """
        if now < self._looked_at:  # the clock was ahead: what it made us drop is read again
            self._cursor = 0
        self._looked_at = now
        feed = await self._store.revocations(after=self._cursor, now=now)
        self._cursor = feed.head
        for entry in feed.entries:
            if entry.kind != "key":
                known = self._sessions if entry.kind == "session" else self._users
                held = known.get(entry.subject)
                if held is None or held.seq < entry.seq:
                    known[entry.subject] = entry
        if not 0 <= now - self._pruned_at < PRUNE_SECONDS:
            self._pruned_at = now
            self._sessions = _mattering(self._sessions, now)
            self._users = _mattering(self._users, now)


def _mattering(entries: dict[str, Revocation], now: float) -> dict[str, Revocation]:
    return {subject: entry for subject, entry in entries.items() if entry.until > now}


def ending(
    because: EndedBecause,
    settings: Settings,
    *,
    now: float,
    session_id: str | None = None,
    user_id: str | None = None,
    keep: str | None = None,
    origin: Origin | None = None,
    kind: Kind = "session_ended",
) -> Ending:
    """Sessions to end at `now`: one, or a user's but for `keep`, with the event for each."""
    return Ending(
        because=because,
        until=settings.dead_after(now),
        event=event(kind, now=now, origin=origin, reason=because),
        session_id=session_id,
        user_id=user_id,
        keep=keep,
    )
