"""What is counted, and what a storage of counters promises.

A place is one attempt under one limit, in a fixed window that begins with the first. An attempt
takes its places before it is tried and gives them back unless it failed, so what is under way and
what failed is one number, in one storage, for all the processes that share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Place(msgspec.Struct, frozen=True):
    """One attempt under `key`, which takes `most` of them in `seconds`."""

    key: str
    seconds: float
    most: int


class Count(msgspec.Struct, frozen=True):
    """How many there are, and when their window ends (seconds since 1970)."""

    number: int
    end: float


class Taken(msgspec.Struct, frozen=True):
    """What became of taking some places: all of them are `held`, or none is.

    `counts` are those after it. `parts` is what became of it in each of several storages.
    """

    held: bool
    places: tuple[Place, ...]
    counts: tuple[Count, ...]
    parts: tuple[Taken | None, ...] = ()

    @property
    def full(self) -> list[Place]:
        """The places whose limit is reached."""
        return [place for place, count in self._each() if count.number >= place.most]

    @property
    def until(self) -> float:
        """When every limit that is reached is over; 0 where none is."""
        ends = [count.end for place, count in self._each() if count.number >= place.most]
        return max(ends, default=0.0)

    def _each(self) -> zip[tuple[Place, Count]]:
        return zip(self.places, self.counts, strict=True)


class Storage(Protocol):
    """Counters that several processes share. None of it reads a clock."""

    name: str
    """What kind and where, for people; holds no password."""

    kind: str
    """What kind, for the audit trail and for `readyz`."""

    paid: bool
    """Whether each question costs money: then nobody asks only to see whether it is there."""

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place, or, where a limit is reached, none.

        One atomic step: of any number of callers, as many hold a place as its limit has.

        Raises:
            Unavailable: soon, where it can't be counted.
        """

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held, where its window is still the same; raises as `take`."""

    async def close(self) -> None:
        """Let go of everything; may be repeated."""
