"""The verifier that has no thread: what it knows is looked at during a call, where that is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.tokens.checker import Checker
from admit.verifier.feed import Feed
from admit.verifier.instants import Clocks
from admit.verifier.issuer import Issuer
from admit.verifier.keys import PublicKeys
from admit.verifier.known import Known

if TYPE_CHECKING:
    from admit.model import Principal

LOOK = 0.5
MAX_AGE = 10.0


class OnRequest:
    """Says who presents an access token, and asks the issuer meanwhile where that is due.

    Arguments:
        issuer: the `iss` of its tokens.
        audience: whom they are meant for.
        key: one of the issuer's verifier keys.
        url: where the issuer is reached, if that is not its name.
        look: seconds after which what is revoked is looked at again.
        max_age: how old that may be while the issuer is away, in seconds; past it, nobody gets in.
        access_ttl: how long tokens live at most, in seconds; None where only the issuer knows.
        clocks: the wall clock and the monotonic one.

    Raises:
        ValueError: the address is none, or not safe.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        key: str,
        url: str | None = None,
        look: float = LOOK,
        max_age: float = MAX_AGE,
        access_ttl: float | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self._clocks = clocks or Clocks()
        known = Known()
        self._issuer = asked = Issuer(url or issuer, clocks=self._clocks)
        self._feed = Feed(
            asked, key=key, clocks=self._clocks, known=known, look=look, max_age=max_age
        )
        self._keys = PublicKeys(asked, clocks=self._clocks, known=known)
        self._checker = Checker(
            issuer=issuer, audience=audience, ttl=access_ttl, keys=self._keys, revoked=known
        )

    def verify(self, text: str) -> Principal:
        """Who presents this token now.

        Raises:
            InvalidToken: it is not good; with `reason` where it is genuine.
            Unavailable: it can't be told, for too long the issuer could not be asked.
        """
        at = self._clocks.now()
        self._feed.refresh(at)
        self._keys.refresh(at)
        return self._checker.verify(text, now=self._clocks.wall())  # looking may take seconds

    def close(self) -> None:
        """Let go of the connection to the issuer; the next look makes another."""
        self._issuer.close()
