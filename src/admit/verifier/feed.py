"""The revocation feed (docs/http.md), read when what is known is older than its bound.

There is no thread beside the requests: on Lambda none would run between them. So a request that
finds the knowledge old asks for what came since, before anybody is let in.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import msgspec

from admit.errors import Unavailable
from admit.verifier.instants import NEVER
from admit.verifier.issuer import SECONDS, Away
from admit.verifier.known import Entry
from admit.verifier.rests import LONGEST_SECONDS, Rests

if TYPE_CHECKING:
    from admit.verifier.instants import Clocks, Instant
    from admit.verifier.issuer import Issuer
    from admit.verifier.known import Known

PATH = "/revocations"
LOOK_SECONDS = 5.0
"""How long one request reads page after page; the next goes on where it stopped."""
PRUNE_SECONDS = 30.0
PAUSE_SECONDS = 1.0
"""After an answer that came early and brought nothing: the issuer is being restarted."""
BREATH_SECONDS = 0.1
"""After one with news, so that a thousand revocations are no thousand questions."""
_DAMAGED = 422


class Page(msgspec.Struct, frozen=True):
    """One answer of the feed."""

    revocations: list[Entry]
    cursor: Annotated[str, msgspec.Meta(max_length=64)]  # by contract; a longer one fits no URL
    more: bool


_page = msgspec.json.Decoder(Page)


class Feed:
    """Keeps what is known of revocations fresh.

    Arguments:
        issuer: has the feed.
        key: one of the issuer's verifier keys.
        clocks: tell how old the knowledge is.
        known: what is kept fresh.
        look: seconds after which it is looked at again.
        max_age: seconds after which it is too old to let anybody in.
        rest: the longest rest after a failure, in seconds.
    """

    def __init__(
        self,
        issuer: Issuer,
        *,
        key: str,
        clocks: Clocks,
        known: Known,
        look: float,
        max_age: float,
        rest: float = LONGEST_SECONDS,
    ) -> None:
        self._issuer = issuer
        self._key = key
        self._clocks = clocks
        self._known = known
        self._look = look
        self._max_age = max_age
        self._rests = Rests("revocations", clocks, longest=rest)
        self._cursor: str | None = None
        self._seen_at = self._pruned_at = self._begun_at = NEVER

    def refresh(self, at: Instant) -> None:
        """Know what was revoked, at least as of `max_age` before `at`.

        Raises:
            Unavailable: that can't be had.
        """
        if at.since(self._seen_at) < self._look:
            return
        with self._issuer.turn:
            at = self._clocks.now()  # others may have asked while this one waited for its turn
            age = at.since(self._seen_at)
            if age >= self._look and self._rests.over(at):
                self._read(at, patient=age > self._max_age)
            if at.since(self._seen_at) > self._max_age:
                raise Unavailable("It is not known well enough what is revoked.")

    def age(self, at: Instant) -> float:
        """Seconds since the issuer last told all that it knew; without end before that."""
        return at.after(self._seen_at)

    def good_until(self) -> Instant:
        """Until when that is not too old."""
        return self._seen_at.later(self._max_age)

    @property
    def heard(self) -> bool:
        """Whether the issuer ever told all."""
        return self._seen_at != NEVER

    def listen(self, wait: int) -> float:
        """Take in what is news, or becomes so within `wait` seconds; return how long to pause."""
        at, begun, former = self._clocks.now(), monotonic(), self._cursor
        if not self._rests.over(at):
            return self._rests.left(at)
        if self._rests.failing or former is None:
            wait = 0
        with self._issuer.turn:
            self._read(at, patient=not self.heard, wait=wait)
        if self._rests.failing:
            return self._rests.left(self._clocks.now())
        if self._cursor != former or not wait:
            return BREATH_SECONDS
        return PAUSE_SECONDS if monotonic() - begun < wait - PAUSE_SECONDS / 2 else 0.0

    def _read(self, at: Instant, *, patient: bool, wait: int = 0) -> None:
        if at.wall < self._begun_at.wall:
            self._cursor = None  # what the clock made us drop while it was ahead comes again
        self._begun_at = at
        try:
            whole = self._read_pages(at, patient=patient, wait=wait)
        except (Away, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._rests.begin(error)
            return
        self._rests.end()
        if whole:
            self._seen_at = self._told_at(at, wait)
            if at.since(self._pruned_at) >= PRUNE_SECONDS:
                self._known.forget(at.wall)
                self._pruned_at = at

    def _told_at(self, asked: Instant, wait: int) -> Instant:
        """As of when the last answer speaks: it was given as late as it came.

        Unless so much time went by that this process must have been frozen before it read it.
        """
        answered = self._clocks.now()
        return answered if wait and answered.since(asked) <= wait + SECONDS else asked

    def _read_pages(self, at: Instant, *, patient: bool, wait: int) -> bool:
        """Take in page after page; return whether it was the last.

        Raises:
            Away, MsgspecError, UnicodeDecodeError, RecursionError: a page can't be had or read.
        """
        until = LOOK_SECONDS + wait
        while self._clocks.now().since(at) < until:
            page = self._next(patient=patient, wait=wait)
            wait = 0
            if page.more and page.cursor == self._cursor:
                raise Away("it says that there is more, and gives nothing")
            self._known.take(page.revocations)
            self._cursor = page.cursor
            if not page.more:
                return True
        return False

    def _next(self, *, patient: bool, wait: int) -> Page:
        """What comes behind the cursor; everything, where that is damaged."""
        try:
            return self._get(patient=patient, wait=wait)
        except Away as error:
            if error.status != _DAMAGED or self._cursor is None:
                raise
        self._cursor = None
        return self._get(patient=patient)

    def _get(self, *, patient: bool, wait: int = 0) -> Page:
        asked = "" if self._cursor is None else f"?after={quote(self._cursor, safe='')}"
        if asked and wait:  # everything is told at once
            asked += f"&wait={wait}"
        answer = self._issuer.get(PATH + asked, key=self._key, patient=patient, wait=wait)
        return _page.decode(answer.body)
