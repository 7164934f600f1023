"""Public keys that a thread keeps: no request asks for them, not even for one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import Unavailable
from admit.verifier.keys import LAST_SECONDS, NEWEST_UNKNOWN, PublicKeys
from admit.verifier.known import UnknownKey

if TYPE_CHECKING:
    from admit.verifier.instants import Instant
    from admit.verifier.keys import PublicKey

EARLY = 0.8
"""At this part of an answer's lifetime the next is asked for. An issuer signs with a new key once
every answer without it is too old: so nobody comes with one that was not fetched yet."""


class FollowedKeys(PublicKeys):
    """The keys whose tokens are accepted, as far as the thread that keeps them was told."""

    def keep(self) -> None:
        """Have keys that are fresh enough, where they can be had; in the keys' thread."""
        with self._issuer.turn:
            self._keep(self._clocks.now())

    def search(self) -> None:
        """Look for a key that we don't have, where that is due; in the keys' thread."""
        self._search()

    def heed(self) -> bool:
        """Let go of what was withdrawn, at once; return whether anything was."""
        former = self._withdrawals
        self._heed_withdrawals()
        return self._withdrawals != former

    def age(self, at: Instant) -> float:
        """Seconds since the issuer last gave its keys; without end before that."""
        return at.after(self._asked_at)

    def good_until(self) -> Instant:
        """Until when they go on, though the issuer does not give them."""
        return self._asked_at.later(LAST_SECONDS)

    def is_overdue(self, at: Instant) -> bool:
        """Whether they should have been had again by now."""
        return self.age(at) >= self._good_for

    def verifying(self, kid: str, now: float) -> PublicKey | None:  # noqa: ARG002  the clocks say more
        """The key of this name.

        Raises:
            UnknownKey: it is time to look for it.
            Unavailable: it may be one that the issuer could not tell us of.
        """
        found = self._find(kid)
        if found is not None or kid in self._known.keys:
            return found
        if self._may_search(self._clocks.now()):
            raise UnknownKey
        found = self._find(kid)  # a search that has ended just now may have brought it
        if found is None and self._rests.failing:
            raise Unavailable(NEWEST_UNKNOWN)
        return found

    def _is_fresh(self, at: Instant) -> bool:
        return at.since(self._asked_at) < self._good_for * EARLY
