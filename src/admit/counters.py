"""Counters in memory for the library limits, on the clock that is handed in.

The library's own memory storage looks at every key it holds whenever one is counted, which an
attack that tries many accounts turns into a load of its own; and it reads the clock itself.
Here a count costs the same however many keys there are, and their number is bounded.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from limits.aio.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 100_000
"""Keys that are held at once, about 30 MB; past it the oldest goes."""


class Counters(Storage):
    """Fixed windows, each from a key's first count.

    Arguments:
        clock: seconds since 1970.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._counts: dict[str, tuple[int, float]] = {}
        self._ends: deque[tuple[float, str]] = deque()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage itself may raise: nothing of its own."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, and return how many there are in the window."""
        now = self._clock()
        self._drop(now)
        count, end = self._counts.get(key, (0, 0.0))
        if end <= now:
            count, end = 0, now + expiry
            self._ends.append((end, key))
        self._counts[key] = (count + amount, end)
        return count + amount

    async def get(self, key: str) -> int:
        """How many there are in the window."""
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    async def get_expiry(self, key: str) -> float:
        """When the window ends."""
        return self._counts.get(key, (0, self._clock()))[1]

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def reset(self) -> int:
        """Forget everything; return how many keys there were."""
        count = len(self._counts)
        self._counts.clear()
        self._ends.clear()
        return count

    async def clear(self, key: str) -> None:
        """Forget this key."""
        self._counts.pop(key, None)

    def _drop(self, now: float) -> None:
        """Drop what is over. Windows differ in length, so one that isn't over may wait behind a
        longer one; two looked at for each one added keep the queue short all the same.
        """  # noqa: D205
        for _ in range(min(2, len(self._ends))):
            end, key = self._ends.popleft()
            if self._counts.get(key, (0, 0.0))[1] != end:
                continue
            if end <= now or len(self._counts) >= MOST:
                del self._counts[key]
            else:
                self._ends.append((end, key))
