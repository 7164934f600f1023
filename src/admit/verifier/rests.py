"""How long not to ask again after the issuer did not answer well.

A second, doubled up to ten; a minute where it does not know our key; and what it says itself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from admit.verifier.instants import NEVER
from admit.verifier.issuer import REFUSED, Away

if TYPE_CHECKING:
    from admit.verifier.instants import Clocks, Instant

logger = logging.getLogger("admit.verifier")

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 10.0
REFUSED_SECONDS = 60.0


class Rests:
    """The pauses between failures.

    Arguments:
        what: what is asked for, for the log.
        clocks: tell when an answer failed to come.
        longest: the longest of them, in seconds, where the answer itself says nothing.
    """

    def __init__(self, what: str, clocks: Clocks, *, longest: float = LONGEST_SECONDS) -> None:
        self._what = what
        self._clocks = clocks
        self._longest = longest
        self._began_at = NEVER
        self._seconds = 0.0
        self._next = FIRST_SECONDS
        self.failing = False
        """Whether the latest answer was not good."""

    def over(self, at: Instant) -> bool:
        """Whether to ask again."""
        return at.since(self._began_at) >= self._seconds

    def left(self, at: Instant) -> float:
        """Seconds until then."""
        return max(self._seconds - at.since(self._began_at), 0.0)

    def begin(self, error: Exception) -> None:
        """Rest, for the latest answer was not good; logged once for each time that they begin."""
        if not self.failing:
            logger.warning("The issuer's %s can't be read: %s.", self._what, error)
        self.failing, self._began_at = True, self._clocks.now()
        self._seconds = self._wanted(error)
        self._next = min(2 * self._next, self._longest)

    def end(self) -> None:
        """The latest answer was good."""
        if self.failing:
            logger.warning("The issuer's %s can be read again.", self._what)
        self.failing, self._began_at, self._seconds = False, NEVER, 0.0
        self._next = FIRST_SECONDS

    def _wanted(self, error: Exception) -> float:
        if isinstance(error, Away) and error.status == REFUSED:
            return REFUSED_SECONDS
        if isinstance(error, Away) and error.retry_after is not None:
            return min(max(error.retry_after, FIRST_SECONDS), LONGEST_SECONDS)
        return self._next
