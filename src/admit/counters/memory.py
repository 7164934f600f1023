"""Counters in this process's memory.

A count costs the same however many keys there are, and their number is bounded: whoever tries many
accounts chooses how many there are.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from admit.counters.places import Count, Place, Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 100_000
"""Keys that are held at once, about 30 MB; past it the oldest goes."""
NONE = Count(0, 0.0)


class Memory:
    """A storage that is always there, and this process's alone."""

    name = "memory"
    kind = "memory"
    paid = False

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}
        self._ends: deque[tuple[float, str]] = deque()

    def take_now(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place or none, as `Storage.take` says; never waits."""
        counts = tuple(self._count(each, now) for each in places)
        held = all(count.number < place.most for place, count in zip(places, counts, strict=True))
        if held:
            counts = tuple(Count(each.number + 1, each.end) for each in counts)
            for place, count in zip(places, counts, strict=True):
                self._put(place.key, count, now)
        return Taken(held, tuple(places), counts)

    def give_back_now(self, taken: Taken) -> None:
        """Give back what is held, where its window is still the same."""
        for place, count in zip(taken.places, taken.counts, strict=True):
            held = self._counts.get(place.key, NONE)
            if held.end != count.end:
                continue
            if held.number > 1:
                self._counts[place.key] = Count(held.number - 1, held.end)
            else:
                del self._counts[place.key]  # the next window begins with the next attempt

    @property
    def empty(self) -> bool:
        """Whether nothing is counted, under any key."""
        return not self._counts

    def look(self, key: str, *, now: float) -> Count | None:
        """What is counted under this key; None where nothing is."""
        held = self._counts.get(key)
        return held if held and held.end > now else None

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place, or none."""
        return self.take_now(places, now=now)

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held."""
        self.give_back_now(taken)

    async def close(self) -> None:
        """Nothing is held that would have to be let go of."""

    def _count(self, place: Place, now: float) -> Count:
        return self.look(place.key, now=now) or Count(0, now + place.seconds)

    def _put(self, key: str, count: Count, now: float) -> None:
        if count.number == 1:
            self._drop(now)
            self._ends.append((count.end, key))
        self._counts[key] = count

    def _drop(self, now: float) -> None:
        """Drop what is over. Windows differ in length, so one that isn't over may wait behind a
        longer one; two looked at for each one added keep the queue short all the same.
        """  # noqa: D205
        for _ in range(min(2, len(self._ends))):
            end, key = self._ends.popleft()
            if self._counts.get(key, NONE).end != end:
                continue
            if end <= now or len(self._counts) >= MOST:
                del self._counts[key]
            else:
                self._ends.append((end, key))
