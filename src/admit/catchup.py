"""Looking during a request, where no watch goes on beside the requests (`watch=False`).

AWS Lambda freezes a process between two requests, for hours if need be: nothing goes on meanwhile,
and what was known is as old as the pause. So what is older than its bound is looked at by the
request that needs it, and nothing is left to be done between two. Age is judged by two clocks: the
one that decides may have been set back, and the one that only goes forward may have stood still.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from admit.errors import Unavailable
from admit.stores import patience

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from admit.revocation import Revoked
    from admit.settings import Settings
    from admit.tokens.keys import Keyring

logger = logging.getLogger("admit.watch")

LOOK_SECONDS = 0.5
"""How old the knowledge of what others revoked may be: half of the promised second."""
KEYS_SECONDS = 10.0
"""How long keys may sign that were not looked at; a withdrawal is heard of with the revocations."""


class Sight:
    """When something was last seen, by both clocks.

    Arguments:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = self._since = -inf

    def instants(self) -> tuple[float, float]:
        """This moment, by both clocks."""
        return self._clock(), monotonic()

    def seen(self, instants: tuple[float, float]) -> None:
        """It was seen as it was at this moment."""
        self._at, self._since = instants

    def within(self, seconds: float) -> bool:
        """Whether both clocks say that it was seen so many seconds ago at most."""
        now, since = self.instants()
        return 0 <= now - self._at < seconds and since - self._since < seconds


class Look:
    """One thing that is looked at: when it was last seen, and the look that is under way.

    Arguments:
        work: looks, handed the instant at which it began; raises where it can't.
        clock: seconds since 1970.
    """

    def __init__(
        self, work: Callable[[float], Coroutine[Any, Any, None]], clock: Callable[[], float]
    ) -> None:
        self._work = work
        self._under_way: asyncio.Task[None] | None = None
        self.sight = Sight(clock)

    async def within(self, seconds: float) -> None:
        """Look, unless it was seen that lately; all who ask meanwhile share one look.

        Raises:
            Unavailable: it can't be seen, or not in the time that the request has left.
        """
        task = self._under_way
        if task is not None and patience.goes_on(task) and not self.sight.within(seconds):
            # It may have begun before the process was frozen, and come to nothing meanwhile.
            with suppress(Unavailable):
                await patience.shared(task)
        if self.sight.within(seconds):
            return
        task = self._under_way
        if task is None or not patience.goes_on(task):
            task = self._under_way = patience.begun(self._look())
        await patience.shared(task)

    async def _look(self) -> None:
        began = self.sight.instants()
        await self._work(began[0])
        self.sight.seen(began)


class CatchUp:
    """Brings a process up to date as far as a request needs it.

    Arguments:
        settings: how long others may cache the keys.
        revoked: looks at what others revoked.
        keys: looks at what others did to the keys, and rotates where the schedule says so.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        revoked: Revoked,
        keys: Keyring,
        clock: Callable[[], float],
    ) -> None:
        self._longest = settings.jwks_max_age
        self._revoked = revoked
        self._keys = Look(keys.look, clock)
        self._revocations = Look(self._look, clock)
        self._withdrawals = 0
        self._lost = False
        self.tried = Sight(clock)
        """When it was last tried to see what is revoked."""
        self._begun = self.tried.instants()

    def begin(self) -> None:
        """Take note that all is about to be read, by a start."""
        self._begun = self.tried.instants()

    def begun(self) -> None:
        """All was read, as it was then."""
        for each in (self.tried, self._keys.sight, self._revocations.sight):
            each.seen(self._begun)

    async def to_verify(self) -> None:
        """Know what is revoked, and the keys; where the store is out, what was known goes on.

        Then `revocation_max_age` and `revocation_strict` say what follows, as for a server.
        """
        self.tried.seen(self.tried.instants())
        try:
            await self._revocations.within(LOOK_SECONDS)
            await self._keys.within(self._bound(KEYS_SECONDS))
        except Unavailable as error:
            if not self._lost:  # once for each time that the store goes
                logger.warning("%s What others revoke is not seen meanwhile.", error)
            self._lost = True
        else:
            if self._lost:
                logger.warning("The store answers again.")
            self._lost = False

    async def to_sign(self, *, within: float = KEYS_SECONDS) -> None:
        """Know the keys as they were so many seconds ago at most.

        Raises:
            Unavailable: the store is out, and by now a key may sign that this process never saw.
        """
        try:
            await self._keys.within(self._bound(within))
        except Unavailable:
            if not self._keys.sight.within(self._longest):
                raise

    def _bound(self, seconds: float) -> float:
        """A new key waits for `jwks_max_age` before it signs, and must be seen meanwhile."""
        return min(seconds, self._longest)

    async def _look(self, now: float) -> None:
        """Learn what was revoked; and the keys at once, where one was withdrawn."""
        await self._revoked.look(now)
        withdrawals = self._revoked.withdrawals
        if withdrawals != self._withdrawals:
            await self._keys.within(0)
            self._withdrawals = withdrawals  # not where it failed
