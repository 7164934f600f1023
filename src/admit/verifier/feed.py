"""The revocation feed (docs/http.md), read when what is known is older than its bound.

There is no thread beside the requests: on Lambda none would run between them. So a request that
finds the knowledge old asks for what came since, before anybody is let in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import msgspec

from admit.errors import Unavailable
from admit.verifier.instants import NEVER
from admit.verifier.issuer import Away
from admit.verifier.known import Entry
from admit.verifier.rests import Rests

if TYPE_CHECKING:
    from admit.verifier.instants import Clocks, Instant
    from admit.verifier.issuer import Issuer
    from admit.verifier.known import Known

PATH = "/revocations"
LOOK_SECONDS = 5.0
"""How long one request reads page after page; the next goes on where it stopped."""
PRUNE_SECONDS = 30.0
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
    ) -> None:
        self._issuer = issuer
        self._key = key
        self._clocks = clocks
        self._known = known
        self._look = look
        self._max_age = max_age
        self._rests = Rests("revocations", clocks)
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
            if at.since(self._seen_at) >= self._look and self._rests.over(at):
                self._read(at)
            if at.since(self._seen_at) > self._max_age:
                raise Unavailable("It is not known well enough what is revoked.")

    def _read(self, at: Instant) -> None:
        if at.wall < self._begun_at.wall:
            self._cursor = None  # what the clock made us drop while it was ahead comes again
        self._begun_at = at
        try:
            whole = self._read_pages(at, patient=at.since(self._seen_at) > self._max_age)
        except (Away, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._rests.begin(error)
            return
        self._rests.end()
        if whole:
            self._seen_at = at
            if at.since(self._pruned_at) >= PRUNE_SECONDS:
                self._known.forget(at.wall)
                self._pruned_at = at

    def _read_pages(self, at: Instant, *, patient: bool) -> bool:
        """Take in page after page; return whether it was the last.

        Raises:
            Away, MsgspecError, UnicodeDecodeError, RecursionError: a page can't be had or read.
        """
        while self._clocks.now().since(at) < LOOK_SECONDS:
            page = self._next(patient=patient)
            if page.more and page.cursor == self._cursor:
                raise Away("it says that there is more, and gives nothing")
            self._known.take(page.revocations)
            self._cursor = page.cursor
            if not page.more:
                return True
        return False

    def _next(self, *, patient: bool) -> Page:
        """What comes behind the cursor; everything, where that is damaged."""
        try:
            return self._get(patient=patient)
        except Away as error:
            if error.status != _DAMAGED or self._cursor is None:
                raise
        self._cursor = None
        return self._get(patient=patient)

    def _get(self, *, patient: bool) -> Page:
        asked = "" if self._cursor is None else f"?after={quote(self._cursor, safe='')}"
        answer = self._issuer.get(PATH + asked, key=self._key, patient=patient)
        return _page.decode(answer.body)
