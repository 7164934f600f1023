"""How much time went by, for a process that may be frozen, thawed or restored at any moment.

While a machine is frozen its monotonic clock may stand still, and its wall clock may be set at any
time. So both are looked at, and whichever says more is believed: at worst, what is known is looked
at once more than needed.
"""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Instant(NamedTuple):
    """One moment, by the wall clock (seconds since 1970) and by the monotonic one."""

    wall: float
    steady: float

    def since(self, earlier: Instant) -> float:
        """Seconds since then; without end where the wall clock was set back meanwhile."""
        if self.wall < earlier.wall:
            return inf
        return max(self.wall - earlier.wall, self.steady - earlier.steady)

    def after(self, earlier: Instant) -> float:
        """Seconds since then, also where the wall clock was set back a little meanwhile.

        For what a thread keeps fresh: it looks again in a moment, so nobody has to be kept out.
        """
        return max(self.wall - earlier.wall, self.steady - earlier.steady)

    def later(self, seconds: float) -> Instant:
        """So many seconds after it, by both clocks."""
        return Instant(self.wall + seconds, self.steady + seconds)


NEVER = Instant(-inf, -inf)


class Clocks(NamedTuple):
    """The clocks that decide."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic

    def now(self) -> Instant:
        """This moment."""
        return Instant(self.wall(), self.steady())
