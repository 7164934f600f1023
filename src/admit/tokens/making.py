"""Keys are made here, and closed: with joserfc, which is loaded when a key is due."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

from joserfc import jwe
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from admit.tokens.sealed import header

if TYPE_CHECKING:
    from collections.abc import Callable

_JWE = jwe.JWERegistry(algorithms=["dir", "A256GCM"])
_GENERATE: dict[str, Callable[[], Key]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "RS256": lambda: RSAKey.generate_key(3072),
    "HS256": lambda: OctKey.generate_key(256),
}


class Made(NamedTuple):
    """A new key: its name, and its halves as JWK; nothing of a symmetric one is published."""

    kid: str
    private: bytes
    public: str

    def __repr__(self) -> str:
        """Without the private half: what is printed ends up in a log."""
        return f"Made({self.kid!r})"


def made(algorithm: str) -> Made:
    """A new key of this algorithm."""
    key = _GENERATE[algorithm]()
    private = json.dumps(key.as_dict(private=True)).encode()
    if isinstance(key, OctKey):
        # A thumbprint (RFC 7638) of a symmetric key would be a hash of the key itself.
        return Made(secrets.token_urlsafe(16), private, "")
    kid = key.thumbprint()
    parameters = {"kid": kid, "alg": algorithm, "use": "sig"}
    return Made(kid, private, json.dumps(key.as_dict(private=False) | parameters))


def closed(plain: bytes, key: bytes, *, kid: str) -> str:
    """The private half of the key of this name, under this key; see `sealed`."""
    return jwe.encrypt_compact(header(kid), plain, OctKey.import_key(key), registry=_JWE)
