"""One signing key: made, put under the secret, opened.

Private halves are kept as JWE under the secret (NIST SP 800-57 part 1 section 5).
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec

from admit.stores.base import SigningKey
from admit.tokens import sealed
from admit.tokens.compact import Compact
from admit.tokens.private import signer
from admit.tokens.secret import derived_keys

if TYPE_CHECKING:
    from admit.tokens.checker import Parts


class LoadedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is ready for use, with the row that says when."""

    row: SigningKey
    form: Compact

    @property
    def kid(self) -> str:
        """Its name in a token's header."""
        return self.row.kid

    @property
    def algorithm(self) -> str:
        """The one algorithm that it is used with."""
        return self.row.algorithm

    def signed(self, parts: Parts) -> bool:
        """Whether it signed this, with its own algorithm, whatever else the header names."""
        if parts.header.get("alg") != self.algorithm:
            return False
        return self.form.signed(parts.message, parts.signature)


class Vault:
    """Makes keys and opens them. The newest secret closes; every one that is listed opens.

    Arguments:
        listed: the secrets, the newest first.
    """

    def __init__(self, listed: tuple[str, ...]) -> None:
        self.unlock(listed)

    def unlock(self, listed: tuple[str, ...]) -> None:
        """Go by these secrets from now on."""
        self._wraps = derived_keys(listed, "signing key encryption")

    async def make(self, algorithm: str, *, now: float, signs_from: float) -> SigningKey:
        """A new key of this algorithm, as a row."""
        from admit.tokens.making import closed, made  # noqa: PLC0415  no start waits for it

        new = await asyncio.to_thread(made, algorithm)
        return SigningKey(
            kid=new.kid,
            algorithm=algorithm,
            public=new.public,
            private=closed(new.private, self._wraps[0], kid=new.kid),
            created_at=now,
            signs_from=signs_from,
        )

    def open(self, row: SigningKey) -> LoadedKey | None:
        """The key of this row, ready for use; None where no listed secret opens it."""
        plain = self.opened(row)
        if plain is None:
            return None
        header = {"alg": row.algorithm, "typ": "at+jwt", "kid": row.kid}
        key = signer(row.algorithm, json.loads(plain))
        return LoadedKey(row=row, form=Compact(header, key))

    def opened(self, row: SigningKey) -> bytes | None:
        """The private half of this row's key, as a JWK; None where no listed secret opens it."""
        found = (sealed.opened(row.private, wrap, kid=row.kid) for wrap in self._wraps)
        return next((plain for plain in found if plain is not None), None)

    def rewrapped(self, row: SigningKey) -> SigningKey | None:
        """The row under the newest secret; None where it is under that one already."""
        if sealed.opened(row.private, self._wraps[0], kid=row.kid) is not None:
            return None
        plain = self.opened(row)
        if plain is None:  # whoever put it under a secret that we don't have will see to it
            return None
        from admit.tokens.making import closed  # noqa: PLC0415  see `make`

        private = closed(plain, self._wraps[0], kid=row.kid)
        return msgspec.structs.replace(row, private=private)
