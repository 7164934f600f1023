"""What this process knows: whom it refuses, how old that is, and how it learns more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from admit import forks
from admit.errors import Unavailable
from admit.revocation.log import Log
from admit.revocation.news import News, Teller
from admit.settings import SKEW
from admit.stores import patience
from admit.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from admit.model import Principal
    from admit.revocation.log import Cursor, Page
    from admit.stores.base import Feed, Push, Revocation, Store

PRUNE_SECONDS = 30.0
"""How often entries that no longer matter are dropped."""


class Revoked:
    """The revocations that still matter.

    Arguments:
        store: where they are read from.
        max_age: how old this knowledge may be, in seconds, before `check` refuses.
        push: what tells other processes; None where each looks by itself.
        metrics: hears of every look.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_age: float,
        push: Push | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._metrics = metrics or Metrics()
        self._max_age = max_age
        self._teller = Teller(push)
        self._log = Log()
        self._sessions: dict[str, Revocation] = {}
        self._users: dict[str, Revocation] = {}
        self._keys: dict[str, Revocation] = {}
        self._pruned_at = 0.0
        self._looked_at = -inf
        self._taking = forks.lock()
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()
        self.news = News()
        self.fresh_from = inf
        self.fresh_until = -inf
        """Between the two, what is known is fresh: read where every nanosecond counts."""
        self.behind = True
        """Whether the latest look failed, or there was none."""
        self.withdrawals = 0
        """How many withdrawn keys were heard of since the start."""

    def reason(self, principal: Principal) -> str | None:
        """Why this principal's token is no longer accepted, or None where it is."""
        if entry := self._sessions.get(principal.session_id):
            return entry.reason
        entry = self._users.get(principal.user_id)
        if entry is not None and principal.version < entry.version:
            return entry.reason
        return None

    def age(self, now: float) -> float:
        """How old this knowledge is, in seconds: since the latest look that came back began.

        Below zero where the clock was set back meanwhile; without end before the first look.
        """
        return now - self._looked_at

    def check(self, now: float) -> None:
        """Return where this knowledge is fresh enough.

        Raises:
            Unavailable: it is older than `max_age`, or the clock went back by more than that.
        """
        if not self.is_fresh(now):
            raise Unavailable(self._stale(now))

    def is_fresh(self, now: float) -> bool:
        """Whether `check` would return."""
        return self.fresh_from <= now <= self.fresh_until

    def is_ahead(self, cursor: Cursor) -> bool:
        """Whether whoever holds this cursor knows more than this process."""
        return self._log.is_ahead(cursor)

    def page(self, cursor: Cursor, now: float) -> Page:
        """What comes behind the cursor and still matters, 1,000 entries at most."""
        with self._taking:  # another event loop's look may be adding to it
            return self._log.page(cursor, now)

    async def look(self, now: float) -> None:
        """Take in what was revoked since the last look, and drop what matters no longer.

        One looks at a time in an event loop; all who ask meanwhile share the look after it. So it
        has time of its own: a request that has little left fails no other, nor the watch.

        Raises:
            Unavailable: the store can't be read.
        """
        await patience.apart(self._look(now))

    async def _look(self, now: float) -> None:
        turns = self._turns.setdefault(asyncio.get_running_loop(), _Turns())
        asked, looked_at = turns.begun, self._looked_at
        turns.now = max(turns.now, now)
        async with turns.lock:
            if turns.over <= asked:
                turns.begun += 1
                # As late as the latest who shares it. And who waited while a later one looked is no
                # sign of a clock that was set back.
                now, turns.now = max(now, turns.now), -inf
                waited = looked_at != self._looked_at
                await self._turn(turns, max(now, self._looked_at) if waited else now)
            elif turns.error is not None:
                raise Unavailable("The revocations could not be looked at.") from turns.error

    async def changed(self, now: float) -> None:
        """Take in what this process just committed, and have the others told of it.

        It is done, also where it can't be read back: the watch takes it in as soon as it can.
        """
        self._teller.tell()
        with suppress(Unavailable):
            # A request that began before the last look has no clock that was set back.
            await self.look(self._looked_at if now < self._looked_at <= now + SKEW else now)

    async def told(self) -> None:
        """Return when the others were told of every change, as far as they can be."""
        await self._teller.done()

    async def _turn(self, turns: _Turns, now: float) -> None:
        """One look, whose outcome is that of all who share it; one that is cancelled is none."""
        try:
            await self._read(now)
        except Exception as error:
            self.behind = True
            turns.over, turns.error = turns.begun, error
            raise
        self.behind = False
        turns.over, turns.error = turns.begun, None

    async def _read(self, now: float) -> None:
        head = self._log.head
        last = self._log.at(head)
        # What the clock made us drop while it was ahead is read again once it is set right.
        after = 0 if now < self._looked_at else max(head - 1, 0)
        feed = await self._store.revocations(after=after, now=now)
        # The last entry that was seen is asked for again. Where it is another one by now, or the
        # head lies before it, the store was put back to an older copy: nothing fits any more.
        again = next((entry for entry in feed.entries if entry.seq == head), None)
        lost = feed.head < head or again != (last if last and last.until > now else None)
        if lost and after:
            feed = await self._store.revocations(after=0, now=now)
        self._take(feed, now, lost=lost)

    def _take(self, feed: Feed, now: float, *, lost: bool) -> None:
        """Take in what was read. Reads that overlap may arrive in any order."""
        with self._taking:
            log = Log() if lost else self._log
            new = log.add(feed.entries, feed.head) or lost
            # Wound back, accounts count their versions anew. A session's id is never given again:
            # whoever signed out stays out here, though the store has forgotten it.
            users = {} if lost else self._users
            _merge(users, feed.entries, "user")
            _merge(self._sessions, feed.entries, "session")
            self.withdrawals += _merge(self._keys, feed.entries, "key")
            self._log, self._users, self._looked_at = log, users, now
            self.fresh_from, self.fresh_until = now - self._max_age, now + self._max_age
            if not 0 <= now - self._pruned_at < PRUNE_SECONDS:
                self._prune(now)
        if new:
            self.news.arrive()
        self._metrics.looked(at=now, known=len(log))

    def _prune(self, now: float) -> None:
        self._pruned_at = now
        self._sessions = _mattering(self._sessions, now)
        self._users = _mattering(self._users, now)
        self._keys = _mattering(self._keys, now)
        self._log.forget(now)

    def _stale(self, now: float) -> str:
        age = self.age(now)
        if age < 0:
            return f"The clock went back by {-age:.0f} s since it was last seen what is revoked."
        return f"This process last saw {age:.0f} s ago what is revoked."


class _Turns:
    """The looks of one event loop: how many began, up to which they are over, and how it went."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.begun = self.over = 0
        self.now = -inf
        """The latest instant of those who wait for the next look."""
        self.error: Exception | None = None


def _merge(known: dict[str, Revocation], entries: list[Revocation], kind: str) -> int:
    """Add the entries of this kind, for each subject the latest; return how many were news."""
    news = 0
    for entry in entries:
        if entry.kind == kind:
            held = known.get(entry.subject)
            if held is None or held.seq < entry.seq:
                known[entry.subject] = entry
                news += 1
    return news


def _mattering(entries: dict[str, Revocation], now: float) -> dict[str, Revocation]:
    return {subject: entry for subject, entry in entries.items() if entry.until > now}
