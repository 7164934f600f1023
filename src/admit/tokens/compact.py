"""The compact serialization (RFC 7515 section 7.1) under a header that never changes.

All our own tokens of one kind and key have the same header, so it is written once, and reading
starts by finding exactly it: nothing in it is ever parsed, let alone trusted.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from admit.tokens.checker import unpadded

if TYPE_CHECKING:
    from admit.tokens.private import Signer


class Compact:
    """Writes and reads tokens with this header and key.

    Arguments:
        header: the whole protected header, with `alg`.
        key: the key, which is for that algorithm.
    """

    def __init__(self, header: dict[str, str], key: Signer) -> None:
        self._key = key
        self._header = encoded(json.dumps(header, separators=(",", ":")).encode()) + b"."

    def write(self, payload: bytes) -> str:
        """The signed token."""
        signed = self._header + encoded(payload)
        return (signed + b"." + encoded(self._key.sign(signed))).decode("ascii")

    def read(self, token: bytes) -> bytes | None:
        """The payload where header and signature are good, else None."""
        signed, _, signature = token.rpartition(b".")
        if not signed.startswith(self._header):
            return None
        try:
            if self._key.verify(signed, unpadded(signature.decode("ascii"))):
                return unpadded(signed[len(self._header) :].decode("ascii"))
        except ValueError:  # not base64url
            return None
        return None

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the key made this signature, with its own algorithm."""
        return self._key.verify(message, signature)


def encoded(raw: bytes) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=")
