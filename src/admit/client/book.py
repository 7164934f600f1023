"""What is kept, and what of it is in memory: every change is one step that nobody can come between.

Everything here is called under the guard of the token store, and only for as long as a read and a
write take. What changed since it was read is never overwritten: so an answer that comes after
`drop` brings nobody back, and one that comes after another sign-in takes nobody's place.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from admit.client.clocks import Held
from admit.client.errors import OvertakenError, SignedOut, TokensError
from admit.client.kept import Ended, Kept, read, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.client.clocks import Clocks
    from admit.client.stores import TokenStore

logger = logging.getLogger("admit.client")


class Book:
    """One issuer's tokens in one store, and the access token in memory.

    Arguments:
        issuer: whose tokens they are; those of another issuer are never touched.
        store: where they are kept.
        clocks: the device's.
    """

    def __init__(self, issuer: str, store: TokenStore, clocks: Clocks) -> None:
        self.held: Held | None = None
        self._issuer = issuer
        self._store = store
        self._clocks = clocks
        self._signed_in = False

    def turn(self) -> Callable[[], None] | None:
        """Take the turn to refresh and return what ends it; None where somebody else has it."""
        return self._store.locks.turn()

    def look(self) -> Kept:
        """What is kept now, its access token taken into memory.

        Raises:
            SignedOut: nobody is signed in.
            TokensError: it can't be read.
        """
        with self._store.locks.guard():
            kept = self._read()
            self._hold(kept)
        if isinstance(kept, Kept):
            return kept
        raise self._signed_out(kept)

    def begin(self, kept: Kept) -> Kept:
        """Write the key of a refresh, before it is sent; return what is kept now.

        Raises:
            OvertakenError: something else is kept by now.
            TokensError: it can't be written, so it must not be sent.
        """
        begun = kept.with_key()
        if begun != kept:
            with self._store.locks.guard():
                self._must_be(kept)
                self._store.write(written(begun))
        return begun

    def finish(self, begun: Kept, new: Kept, held: Held) -> None:
        """Replace what a refresh began with by what came of it.

        Where that can't be written, the access token is used all the same: what is kept says how
        the refresh began, and the next one begins so again.

        Raises:
            OvertakenError: something else is kept by now; what came is dropped.
            TokensError: it can't be told.
        """
        with self._store.locks.guard():
            self._must_be(begun)
            try:
                self._store.write(written(new))
            except TokensError as error:
                logger.warning(
                    "the new tokens are not stored, and will be fetched again: %s", error
                )
            self.held = held

    def end(self, begun: Kept, reason: str) -> None:
        """The server refuses to go on: keep why, and nothing else.

        Raises:
            OvertakenError: something else is kept by now.
        """
        with self._store.locks.guard():
            self._must_be(begun)
            self._store.write(written(Ended(issuer=self._issuer, reason=reason)))
            self.held = None

    def check(self) -> None:
        """Return where tokens could be kept.

        Raises:
            TokensError: they could not, or those of another issuer are there.
        """
        with self._store.locks.guard():
            self._replaceable()

    def put(self, new: Kept, held: Held) -> Kept | None:
        """Keep the tokens of a new sign-in; return those that they replace.

        Raises:
            TokensError: they can't be kept.
        """
        with self._store.locks.guard():
            former = self._replaceable()
            self._store.write(written(new))
            self.held, self._signed_in = held, True
        return former

    def drop(self) -> Kept | None:
        """Forget the tokens; return what they were.

        Raises:
            TokensError: they can't be removed, or are another issuer's.
        """
        with self._store.locks.guard():
            former = self._replaceable()
            self._store.remove()
            self.held = None
        return former

    def _hold(self, kept: Kept | Ended | None) -> None:
        if not isinstance(kept, Kept):
            self.held = None
            return
        self._signed_in = True
        if self.held is None or self.held.access_token != kept.access_token:
            self.held = Held.stored(
                kept.access_token, kept.expires_in, kept.asked_at, self._clocks.now()
            )

    def _must_be(self, expected: Kept) -> None:
        if self._read() != expected:
            raise OvertakenError

    def _read(self) -> Kept | Ended | None:
        text = self._store.read()
        kept = None if text is None else read(text)
        self._must_be_ours(kept)
        return kept

    def _must_be_ours(self, kept: Kept | Ended | None) -> None:
        if kept is not None and kept.issuer != self._issuer:
            raise TokensError(
                f"The tokens in {self._store!r} are those of {kept.issuer}: give {self._issuer}"
                " a place of its own."
            )

    def _replaceable(self) -> Kept | None:
        """What is there; a text that can't be read may be replaced, another issuer's may not."""
        text = self._store.read()
        try:
            kept = None if text is None else read(text)
        except TokensError:
            return None
        self._must_be_ours(kept)
        return kept if isinstance(kept, Kept) else None

    def _signed_out(self, ended: Ended | None) -> SignedOut:
        if ended is not None:
            return signed_out(ended.reason)
        if self._signed_in:
            return signed_out("signed_out")
        return SignedOut("Nobody is signed in: sign in first.")


def signed_out(reason: str | None, detail: str | None = None) -> SignedOut:
    """The refusal for this reason."""
    told = detail or f"The session is over ({reason}): sign in again."
    return SignedOut(told, reason=reason)
