"""`admit.Verifier`: says who calls, in a service that has no store of Admit's."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

from admit import forks
from admit.errors import Unavailable
from admit.guards.gate import Gate
from admit.verifier.instants import Clocks
from admit.verifier.known import UnknownKey
from admit.verifier.terms import MAX_AGE, terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from admit.model import Principal
    from admit.verifier.following import Following
    from admit.verifier.forms import Form

logger = logging.getLogger("admit.verifier")

FIRST_SECONDS = 9.0
"""How long a request waits for the first answers, or for an unknown key, at most: as long as two
that the issuer gives late."""


class Verifier:
    """Says who presents an access token, by the issuer's public keys and its revocation feed.

    Threads of its own keep up with the issuer, from its first use until it is closed; what they
    know is in memory, and a verification asks nobody. With `with` or `async with` it knows, where
    it can, before the first request; without, the first request waits for that.

    Arguments:
        issuer: the `iss` of its tokens.
        audience: whom they are meant for: this service, as the issuer calls it.
        verifier_key: one of the issuer's `verifier_keys`, which opens the revocation feed. Without
            it nothing is heard of revocations: a token is good until it expires.
        url: where the issuer is reached, if that is not its name.
        strict: whether to let nobody in once what is known of revocations is older than `max_age`;
            else what is known counts on, and that is logged.
        max_age: seconds, at least 2; the feed is asked again after half of it.
        access_ttl: how long tokens live at most, in seconds; None where only the issuer knows.
        form: `admit`, or whose tokens they are else: `auth0`, `cognito`, `supabase`, `keycloak`.
        roles: the claim of another issuer's tokens that has the roles, if not the form's own; a
            path where it lies within others.
        clocks: the wall clock and the monotonic one.

    Raises:
        ValueError: this can't work; the sentence says what to do.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        verifier_key: str | None = None,
        url: str | None = None,
        strict: bool = False,
        max_age: float = MAX_AGE,
        access_ttl: float | None = None,
        form: str | Form = "admit",
        roles: str | Sequence[str] | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self._terms = terms(
            issuer=issuer,
            audience=audience,
            verifier_key=verifier_key,
            url=url,
            strict=strict,
            max_age=max_age,
            access_ttl=access_ttl,
            form=form,
            roles=roles,
        )
        # HTTP and cryptography: loaded once a verifier is made, neither at its import nor by the
        # first request.
        from admit.verifier.following import Following  # noqa: PLC0415

        self._follow = Following
        self._clocks = clocks or Clocks()
        self._starting = threading.Lock()
        self._following: Following | None = None
        self.gate = Gate(self, clock=self._clocks.wall)
        """What the guards of the frameworks stand on; it takes bearer tokens only."""
        forks.tell(self)

    @property
    def follows_revocations(self) -> bool:
        """Whether it hears what is revoked; else a token is good until it expires."""
        return self._terms.verifier_key is not None

    @property
    def age(self) -> float:
        """Seconds since the issuer last told what is revoked; infinite before it ever did.

        Where no revocations are followed: since it last gave its public keys.
        """
        following = self._following
        return float("inf") if following is None else following.age(self._clocks.now())

    @property
    def stale(self) -> bool:
        """Whether what is known is older than `max_age`, or than the issuer said of its keys."""
        following = self._following
        return following is None or following.is_stale(self._clocks.now())

    def verify(self, token: str) -> Principal:
        """Who presents this token now.

        Waits only at the first use, and where the token names a key that is not known.

        Raises:
            InvalidToken: it is not good; with `reason` where it is genuine.
            Unavailable: too little is known of the issuer, or for too long where `strict`.
        """
        following = self._following or self._started()
        if not following.has_begun:
            _wait(following.began)
        try:
            return following.verify(token)
        except UnknownKey:
            _wait(following.search())
        return _last(following, token)

    async def verify_async(self, token: str) -> Principal:
        """Who presents this token now; what `verify` waits for keeps no event loop waiting.

        Raises:
            InvalidToken, Unavailable: as `verify` does.
        """
        following = self._following or self._started()
        if not following.has_begun:
            await _wait_async(following.began)
        try:
            return following.verify(token)
        except UnknownKey:
            await _wait_async(following.search())
        return _last(following, token)

    def _started(self) -> Following:
        """What follows the issuer; begun, where it was not yet.

        Raises:
            Unavailable: it can't be begun.
        """
        with self._starting:
            if self._following is None:
                if self._terms.verifier_key is None and self._terms.form is None:
                    logger.warning(
                        "Without a verifier_key nothing is heard of revocations: every token of %s"
                        " is good here until it expires.",
                        self._terms.issuer,
                    )
                following = self._follow(self._terms, self._clocks)
                try:
                    following.start()
                except RuntimeError as error:  # this process has as many as it may
                    following.close()
                    raise Unavailable("No thread can be started to follow the issuer.") from error
                self._following = following
            return self._following

    def close(self) -> None:
        """Stop following and let go of the connections; a use after it begins anew."""
        with self._starting:
            following, self._following = self._following, None
        if following is not None:
            following.close()

    def forked(self) -> None:
        """Begin anew in a forked child, at its first use: with nothing that is its parent's."""
        following, self._following = self._following, None
        self._starting = threading.Lock()
        if following is not None:
            following.abandon()

    def __enter__(self) -> Self:
        began = self._started().began
        try:
            _wait(began)
        except Unavailable as error:  # each request is told, and until then it is tried again
            logger.warning("%s", error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        began = self._started().began
        try:
            await _wait_async(began)
        except Unavailable as error:
            logger.warning("%s", error)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from asyncio import to_thread  # noqa: PLC0415  not for who has no event loop

        await to_thread(self.close)


SLOW = "The issuer has not told yet what it has to: nothing answers, or no thread can run."


def _last(following: Following, token: str) -> Principal:
    """The verdict after a search.

    Raises:
        InvalidToken: the token is not good.
        Unavailable: it could not be looked for its key in time.
    """
    try:
        return following.verify(token)
    except UnknownKey:
        raise Unavailable(SLOW) from None


def _wait(future: Future[None]) -> None:
    """Wait until it is done.

    Raises:
        Unavailable: it takes too long.
    """
    try:
        future.result(FIRST_SECONDS)
    except TimeoutError:
        raise Unavailable(SLOW) from None


async def _wait_async(future: Future[None]) -> None:
    """Wait until it is done, and let everything else go on.

    Raises:
        Unavailable: it takes too long.
    """
    import asyncio  # noqa: PLC0415  not for who has no event loop

    try:
        await asyncio.wait_for(asyncio.wrap_future(future), FIRST_SECONDS)
    except TimeoutError:
        raise Unavailable(SLOW) from None
