"""What one process knows of an issuer, kept fresh by two threads beside its requests.

One waits at the revocation feed for news, one keeps the public keys. No request asks the issuer
anything: one that comes with an unknown key asks the keys' thread, as others may at the same time,
and waits for what it finds. Both are daemons: they keep no process from ending.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from admit.errors import Unavailable
from admit.tokens.checker import Checker
from admit.verifier.feed import Feed
from admit.verifier.followed import FollowedKeys
from admit.verifier.foreign import ForeignChecker, read_key
from admit.verifier.held import Ended, Held
from admit.verifier.instants import NEVER, Instant
from admit.verifier.keys import PATH, UNKNOWN
from admit.verifier.known import Known

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.model import Principal
    from admit.verifier.instants import Clocks
    from admit.verifier.terms import Terms

logger = logging.getLogger("admit.verifier")

REST_SECONDS = 1.0
"""How long at most not to ask again where nothing answers: an issuer that is back is heard soon."""
TICK_SECONDS = 1.0
"""How often the clocks are looked at in any case: a machine may have slept."""
LONGEST_WAIT = 25
"""Seconds for which news is waited for in one question; the issuer takes 30."""
CLOSE_SECONDS = 2.0
"""How long closing waits for the threads; one that is still connecting ends by itself."""


class Following:
    """Keeps up with an issuer until it is closed.

    Arguments:
        terms: whom to believe.
        clocks: tell how old the knowledge is.
    """

    def __init__(self, terms: Terms, clocks: Clocks) -> None:
        self._terms = terms
        self._clocks = clocks
        self._strict = terms.strict
        known = Known()
        self._issuers = [Held(terms.url, clocks=clocks)]
        self._keys = FollowedKeys(
            self._issuers[0],
            clocks=clocks,
            known=known,
            path=terms.form.keys if terms.form else PATH,
            read=read_key if terms.form else None,
            rest=REST_SECONDS,
        )
        self._feed = self._make_feed(known)
        self._checker = self._make_checker(known)
        self._closed = threading.Event()
        self._calls = threading.Condition()  # on a lock that its holder may take again
        self._called = False
        self._searching: Future[None] | None = None
        self.began: Future[None] = _running()
        """Done once both were asked for the first time, whatever came of it."""
        self.has_begun = False
        """The same, without the lock of a future."""
        self._to_begin = {"keys"} if self._feed is None else {"keys", "feed"}
        self._told_stale = False
        self._until = NEVER
        """Until when what is known counts, unless more is known since."""
        self._threads: list[threading.Thread] = []

    def _make_feed(self, known: Known) -> Feed | None:
        terms = self._terms
        if terms.verifier_key is None:
            return None
        self._issuers.append(Held(terms.url, clocks=self._clocks))
        return Feed(
            self._issuers[1],
            key=terms.verifier_key,
            clocks=self._clocks,
            known=known,
            look=0.0,
            max_age=terms.max_age,
            rest=REST_SECONDS,
        )

    def _make_checker(self, known: Known) -> Checker:
        terms = self._terms
        if terms.form is not None:
            return ForeignChecker(terms, keys=self._keys, revoked=known)
        return Checker(
            issuer=terms.issuer,
            audience=terms.audience,
            ttl=terms.access_ttl,
            keys=self._keys,
            revoked=known,
        )

    def start(self) -> None:
        """Begin to follow.

        Raises:
            RuntimeError: no thread can be started.
        """
        todo: list[tuple[str, Callable[[], None]]] = [("keys", self._keep_keys)]
        if self._feed is not None:
            todo.append(("feed", self._follow_feed))
        for name, run in todo:
            thread = threading.Thread(target=run, name=f"admit-verifier-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop, and let go of the connections."""
        self._closed.set()
        self._call()
        for issuer in self._issuers:
            issuer.end()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(CLOSE_SECONDS)

    def abandon(self) -> None:
        """Let go of what a forked child has of its parent's connections."""
        for issuer in self._issuers:
            issuer.abandon()

    def age(self, at: Instant) -> float:
        """Seconds since the issuer last told: what is revoked, or its keys where no feed is."""
        return self._keys.age(at) if self._feed is None else self._feed.age(at)

    def is_stale(self, at: Instant) -> bool:
        """Whether that is longer than it should be."""
        if self._feed is None:
            return self._keys.is_overdue(at)
        return self._feed.age(at) > self._terms.max_age

    def verify(self, text: str) -> Principal:
        """Who presents this token now, by what is known; waits for nothing.

        Raises:
            InvalidToken: it is not good.
            Unavailable: too little is known, or for too long.
            UnknownKey: its key has to be looked for.
        """
        wall, steady = self._clocks.wall(), self._clocks.steady()
        until = self._until
        if wall > until.wall or steady > until.steady:
            self._check(Instant(wall, steady))
        return self._checker.verify(text, now=wall)

    def _check(self, at: Instant) -> None:
        """Find out until when what is known counts.

        Raises:
            Unavailable: it does not now.
        """
        bounds = [self._keys.good_until()]
        if at.after(bounds[0]) > 0:
            raise Unavailable(UNKNOWN)
        if self._feed is not None and (self._strict or not self._feed.heard):
            bounds.append(self._feed.good_until())
            if at.after(bounds[1]) > 0:
                raise Unavailable("It is not known well enough what is revoked.")
        self._until = Instant(
            min(each.wall for each in bounds), min(each.steady for each in bounds)
        )

    def search(self) -> Future[None]:
        """Have an unknown key looked for; done when it was, for all who ask meanwhile."""
        with self._calls:
            if self._searching is None:
                self._searching = _running()
                self._call()
            searching = self._searching
            if self._closed.is_set():  # who closes it after this wakes the thread once more
                self._found(searching)
            return searching

    def _call(self) -> None:
        """Wake the keys' thread."""
        with self._calls:
            self._called = True
            self._calls.notify()

    def _keep_keys(self) -> None:
        while not self._closed.is_set():
            with self._calls:
                self._called = False
                searching = self._searching
            self._safely(self._keys.keep)
            if searching is not None:
                self._safely(self._keys.search)
                self._found(searching)
            self._one_has_begun("keys")
            if self._feed is not None and self.has_begun:
                self._safely(self._tell_staleness)  # the feed's thread may hang at a name server
            with self._calls:
                self._calls.wait_for(lambda: self._called, timeout=TICK_SECONDS)
        with self._calls:
            if self._searching is not None:
                self._found(self._searching)
        self._one_has_begun("keys")  # where it was closed before
        self._issuers[0].close()

    def _found(self, searching: Future[None]) -> None:
        with self._calls:
            if self._searching is searching:
                self._searching = None
                searching.set_result(None)

    def _follow_feed(self) -> None:
        assert self._feed is not None
        # An answer is to be old at most half the time that is borne, when the next one comes.
        wait = int(min(self._terms.max_age / 2, LONGEST_WAIT))
        while not self._closed.is_set():
            pause = self._safely(lambda: self._listen(wait))
            self._one_has_begun("feed")
            self._closed.wait(min(TICK_SECONDS if pause is None else pause, TICK_SECONDS))
        self._one_has_begun("feed")
        self._issuers[1].close()

    def _listen(self, wait: int) -> float:
        """Take in what is news; return how long to pause."""
        assert self._feed is not None
        pause = self._feed.listen(wait)
        if self._keys.heed():
            self._call()
        return pause

    def _tell_staleness(self) -> None:
        """Say once that what is known got too old, and once that it is not any more."""
        with self._calls:  # both threads may say it
            now = self._clocks.now()
            told, stale = self._told_stale, self.is_stale(now)
            self._told_stale = stale
        if stale and not told:
            closed = self._strict or self.age(now) == float("inf")  # it was never heard at all
            then = "nobody gets in" if closed else "what is revoked now gets in until it dies"
            logger.warning("What is revoked was not heard for too long: %s.", then)
        if told and not stale:
            logger.warning("What is revoked is known again.")

    def _one_has_begun(self, which: str) -> None:
        """Note that this thread has asked, however often it has; the last of them ends the wait."""
        with self._calls:
            self._to_begin.discard(which)
            if self._to_begin or self.has_begun:
                return
            self.has_begun = True
        self.began.set_result(None)

    def _safely(self, step: Callable[[], float | None]) -> float | None:
        """Take a step; an error in it ends no thread, or what is revoked would be heard no more."""
        try:
            return step()
        except Ended:
            return None
        except Exception:
            logger.exception("the verifier could not take a step")
            return None


def _running() -> Future[None]:
    """A future that nobody who waits for it can cancel for the others."""
    made: Future[None] = Future()
    made.set_running_or_notify_cancel()
    return made
