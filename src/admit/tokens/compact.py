"""The compact serialization (RFC 7515 section 7.1) under a header that never changes.

All our own tokens of one kind and key have the same header, so it is written once, and reading
starts by finding exactly it: nothing in it is ever parsed, let alone trusted. The algorithms are
joserfc's; its general reader and writer check and encode the header anew for each token, which
takes longer than an HMAC.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

if TYPE_CHECKING:
    from joserfc.jwk import Key


class Compact:
    """Writes and reads tokens with this header and key.

    Arguments:
        header: the whole protected header, with `alg`.
        key: the key, which must suit the algorithm.
    """

    def __init__(self, header: dict[str, str], key: Key) -> None:
        self._key = key
        self._algorithm = JWSRegistry(algorithms=[header["alg"]]).get_alg(header["alg"])
        self._algorithm.check_key(key)
        self._header = urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()) + b"."

    def write(self, payload: bytes) -> str:
        """The signed token."""
        signed = self._header + urlsafe_b64encode(payload)
        signature = self._algorithm.sign(signed, self._key)
        return (signed + b"." + urlsafe_b64encode(signature)).decode("ascii")

    def read(self, token: bytes) -> bytes | None:
        """The payload where header and signature are good, else None."""
        signed, _, signature = token.rpartition(b".")
        if not signed.startswith(self._header):
            return None
        try:
            if self.signed(signed, urlsafe_b64decode(signature)):
                return urlsafe_b64decode(signed[len(self._header) :])
        except ValueError:  # not base64url
            return None
        return None

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature, with its own algorithm."""
        return self._algorithm.verify(message, signature, self._key)
