"""One signing key: made, put under the secret, opened.

Private halves are kept as JWE under the secret (NIST SP 800-57 part 1 section 5).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING

import msgspec
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key

from admit.stores.base import SigningKey
from admit.tokens.compact import Compact
from admit.tokens.secret import derived_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.tokens.checker import Parts

_JWE = jwe.JWERegistry(algorithms=["dir", "A256GCM"])
_GENERATE: dict[str, Callable[[], Key]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "RS256": lambda: RSAKey.generate_key(3072),
    "HS256": lambda: OctKey.generate_key(256),
}


class LoadedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that is ready for use, with the row that says when."""

    row: SigningKey
    private: Key
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
        private = await asyncio.to_thread(_GENERATE[algorithm])
        # A thumbprint (RFC 7638) of a symmetric key would be a hash of the key itself.
        symmetric = isinstance(private, OctKey)
        kid = secrets.token_urlsafe(16) if symmetric else private.thumbprint()
        parameters = {"kid": kid, "alg": algorithm, "use": "sig"}
        public = "" if symmetric else json.dumps(private.as_dict(private=False) | parameters)
        return SigningKey(
            kid=kid,
            algorithm=algorithm,
            public=public,
            private=self._wrap(kid, private),
            created_at=now,
            signs_from=signs_from,
        )

    def open(self, row: SigningKey) -> LoadedKey | None:
        """The key of this row, ready for use; None where no listed secret opens it."""
        for wrap in self._wraps:
            opened = self._unwrap(row, wrap)
            if opened is not None:
                private = import_key(json.loads(opened))
                header = {"alg": row.algorithm, "typ": "at+jwt", "kid": row.kid}
                return LoadedKey(row=row, private=private, form=Compact(header, private))
        return None

    def rewrapped(self, key: LoadedKey) -> SigningKey | None:
        """Its row under the newest secret; None where it is under that one already."""
        if self._unwrap(key.row, self._wraps[0]) is not None:
            return None
        return msgspec.structs.replace(key.row, private=self._wrap(key.kid, key.private))

    def _unwrap(self, row: SigningKey, wrap: Key) -> bytes | None:
        """The private half, where this is the key that it is wrapped under."""
        try:
            opened = jwe.decrypt_compact(row.private, wrap, registry=_JWE)
        except (JoseError, ValueError):
            return None
        # The name is part of what is authenticated: one row's key can't be put into another's.
        return opened.plaintext if opened.headers().get("kid") == row.kid else None

    def _wrap(self, kid: str, private: Key) -> str:
        header = {"alg": "dir", "enc": "A256GCM", "kid": kid}
        plain = msgspec.json.encode(private.as_dict(private=True))
        return jwe.encrypt_compact(header, plain, self._wraps[0], registry=_JWE)
