"""How old an access token is, where no clock of the device can be trusted alone.

The server says for how many seconds a token lasts. They are counted by a clock that nobody can
set and by the one that people set; whichever says more is believed. So a wall clock that is set
forward costs one refresh, and one that is set back changes nothing. What was stored by another
process has the wall clock alone: where that stands before the moment of storing, the age is not
known, and the token is refreshed.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MARGIN = 30.0
"""Seconds before its end at which a token is refreshed, or a fifth of its life where less."""


class Now(NamedTuple):
    """One moment by both clocks, in seconds."""

    wall: float
    steady: float


@dataclass(frozen=True)
class Clocks:
    """The clock on the wall, and one that only ever goes forward; both in seconds."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic

    def now(self) -> Now:
        """This moment by both."""
        return Now(self.wall(), self.steady())


@dataclass(frozen=True, kw_only=True)
class Held:
    """An access token in memory: what it is, how long it lasts, and when it was asked for."""

    access_token: str = field(repr=False)
    expires_in: float
    asked: Now

    @classmethod
    def stored(cls, access_token: str, expires_in: float, asked_at: float, now: Now) -> Held:
        """One that was asked for at `asked_at` by the wall clock, maybe by another process."""
        age = now.wall - asked_at
        if age < 0:
            age = math.inf  # the clock was set back: it may be of any age
        return cls(
            access_token=access_token,
            expires_in=expires_in,
            asked=Now(asked_at, now.steady - age),
        )

    def lasts(self, now: Now) -> float:
        """For how many more seconds it is good; it is not where they are 0 or less."""
        age = max(now.wall - self.asked.wall, now.steady - self.asked.steady)
        return self.expires_in - age

    def fresh(self, now: Now) -> bool:
        """Whether it is good, and not yet to be refreshed."""
        return self.lasts(now) > min(MARGIN, self.expires_in / 5)
