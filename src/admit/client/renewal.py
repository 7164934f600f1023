"""How an access token is had: from memory, from what another process stored, or from the server.

One refresh at a time. In this process a gate lets one thread or task through, and the others wait
for what it brings; between processes it is the turn of the token store. Whoever comes through
looks first at what is stored by now: mostly the refresh was done already.

By the law, a refresh token that comes back late is theft. So what is sent is written down first,
with its key; it is sent again as it was, until an answer comes; and what was stored meanwhile by
somebody else is believed, not overwritten.
"""

from __future__ import annotations

import logging
import math
import random
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING

from admit import forks
from admit.client.book import signed_out
from admit.client.errors import NotAdmit, OvertakenError, TokensError
from admit.client.refusals import Refusals
from admit.client.steps import call, sleep
from admit.errors import RefreshRefused, Refusal, TooManyAttempts, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from admit.client.book import Book
    from admit.client.clocks import Clocks, Held
    from admit.client.kept import Kept
    from admit.client.origins import Origin
    from admit.client.steps import Steps, T
    from admit.client.wire import Wire

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries, each shortened by up to half at random; the last one stays."""
POLLS = (0.005, 0.01, 0.02, 0.05)
"""Seconds between two looks at whether it is one's turn; the last one stays."""
EARLY_PAUSE = 5.0
"""Seconds until a refresh that failed before it was due is tried again."""
GOODBYE_SECONDS = 5.0
"""For how long the server is told of a sign-out that is done here already."""

logger = logging.getLogger("admit.client")


class Renewal:
    """Keeps one sign-in going.

    Arguments:
        book: what is kept.
        wire: the way to the issuer.
        clocks: the device's.
        patience: for how many seconds a request waits for an access token.
    """

    def __init__(self, book: Book, wire: Wire, clocks: Clocks, patience: float) -> None:
        self._book = book
        self._wire = wire
        self._clocks = clocks
        self._patience = patience
        self._gate = forks.lock()
        self._rests_until = -math.inf
        self._refusals = Refusals()

    def sign_in(self, login: str, password: str) -> Steps[None]:
        """Open a session, and end the one that was kept before."""
        yield from call(self._book.check)
        new, held = yield from self._wire.sign_in(login, password)
        try:
            former = yield from call(partial(self._book.put, new, held))
        except TokensError:
            yield from self._goodbye(new)  # nobody will ever hold its tokens
            raise
        if former:
            yield from self._goodbye(former)

    def sign_out(self) -> Steps[bool]:
        """Forget the tokens, then tell the server; False where it couldn't be told."""
        former = yield from call(self._book.drop)
        return (yield from self._goodbye(former)) if former else True

    def token(self, rejected: str | None = None) -> Steps[str]:
        """An access token that is good, as far as anybody here knows.

        Arguments:
            rejected: one that the server refused: any other is better.

        Raises:
            SignedOut: there is no session, or no longer.
            TooManyAttempts, Unavailable: none could be had within `patience`; what is kept stays.
            TokensError: what is kept can't be used.
        """
        deadline = self._clocks.steady() + self._patience
        waiting = self._waiting("Another thread or task", deadline)
        while not self._enough(held := self._book.held, rejected):
            if self._gate.acquire(blocking=False):
                try:
                    held = yield from self._renewed(rejected, deadline)
                finally:
                    self._gate.release()
                break
            if self._good(held, rejected):
                break
            yield from sleep(next(waiting))
        assert held is not None
        return held.access_token

    def instead(self, refused: str, api: Origin) -> Steps[str | None]:
        """An access token in place of one that this API refused; None where that stands for now.

        Raises:
            SignedOut, TooManyAttempts, Unavailable, TokensError: as `token` does.
        """
        if not self._worth(refused, api):
            yield from call(self._book.look)  # another process may have had a better one
            if not self._worth(refused, api):
                return None
        token = yield from self.token(rejected=refused)
        self._refusals.answered(api, token, self._clocks.now())
        return token

    def _worth(self, refused: str, api: Origin) -> bool:
        return self._refusals.worth(api, refused, self._book.held, self._clocks.now())

    def _renewed(self, rejected: str | None, deadline: float) -> Steps[Held]:
        """As `token`; a failure is passed over while the access token is good all the same."""
        try:
            return (yield from self._in_turn(rejected, deadline))
        except (TooManyAttempts, Unavailable, TokensError) as failure:
            held = self._book.held
            if held is None or not self._good(held, rejected):
                raise
            self._rests_until = self._clocks.steady() + EARLY_PAUSE
            logger.warning("the access token is still good, but not refreshed: %s", failure)
            return held

    def _in_turn(self, rejected: str | None, deadline: float) -> Steps[Held]:
        waiting = self._waiting("Another process", deadline)
        while True:
            yield from call(self._book.look)
            held = self._book.held
            if held and self._enough(held, rejected):
                return held
            if (release := self._book.turn()) is not None:
                try:
                    held = yield from self._refreshed(rejected, deadline)
                finally:
                    release()
                if held:
                    return held
            elif held and self._good(held, rejected):
                return held
            yield from sleep(next(waiting))

    def _refreshed(self, rejected: str | None, deadline: float) -> Steps[Held | None]:
        """What a refresh brings; None where somebody changed what is kept meanwhile."""
        kept = yield from call(self._book.look)  # whoever had the turn before may have done it
        held = self._book.held
        if held and self._enough(held, rejected):
            return held
        if self._good(held, rejected):
            deadline = -math.inf  # nobody has to wait
        try:
            begun = yield from call(partial(self._book.begin, kept))
            new, held = yield from self._exchanged(begun, deadline)
            yield from call(partial(self._book.finish, begun, new, held))
        except OvertakenError:
            return None
        return held

    def _exchanged(self, begun: Kept, deadline: float) -> Steps[tuple[Kept, Held]]:
        """The successor of what was begun; a refusal of it is kept, and is the end.

        Raises:
            OvertakenError: it was refused, and something else is kept by now.
        """
        try:
            return (yield from self._persistent(lambda: self._wire.refresh(begun), deadline))
        except RefreshRefused as refused:
            over = signed_out(refused.reason, refused.detail)
        with suppress(TokensError):  # then the next one who asks is refused again
            yield from call(partial(self._book.end, begun, over.reason or "unknown"))
        raise over

    def _persistent(self, ask: Callable[[], Steps[T]], deadline: float) -> Steps[T]:
        """Ask until there is an answer, or it is that late; at least once."""
        pauses = _varied(PAUSES)
        while True:
            try:
                return (yield from ask())
            except NotAdmit:
                raise
            except (TooManyAttempts, Unavailable) as failure:
                pause = next(pauses) + (failure.retry_after or 0)
                if self._clocks.steady() + pause > deadline:
                    raise
            yield from sleep(pause)

    def _goodbye(self, kept: Kept) -> Steps[bool]:
        """End the session at the server; False where it can't be told."""
        try:
            deadline = self._clocks.steady() + GOODBYE_SECONDS
            yield from self._persistent(lambda: self._wire.sign_out(kept), deadline)
        except Refusal as failure:
            logger.warning("a session goes on at the server until it expires: %s", failure)
            return False
        return True

    def _enough(self, held: Held | None, rejected: str | None) -> bool:
        """Whether it needs no refresh now."""
        if held is None or not self._good(held, rejected):
            return False
        now = self._clocks.now()
        return held.fresh(now) or now.steady < self._rests_until

    def _good(self, held: Held | None, rejected: str | None) -> bool:
        """Whether the server would take it, as far as is known."""
        if held is None or held.access_token == rejected:
            return False
        return held.lasts(self._clocks.now()) > 0

    def _waiting(self, whom: str, deadline: float) -> Iterator[float]:
        """The pauses of one who waits for another's refresh.

        Raises:
            Unavailable: it took too long.
        """
        for pause in _varied(POLLS):
            if self._clocks.steady() > deadline:
                raise Unavailable(
                    f"{whom} is still refreshing after {self._patience:g} s.", retry_after=0
                )
            yield pause


def _varied(pauses: tuple[float, ...]) -> Iterator[float]:
    """These and then the last one for ever, each shortened by up to half at random."""
    for pause in chain(pauses, repeat(pauses[-1])):
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  it keeps apart, and hides nothing
