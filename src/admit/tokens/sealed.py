"""Private halves of keys as they lie in the store: JWE with `dir` and A256GCM (RFC 7516).

They are opened here with cryptography alone, because that happens at every start; `making` closes
them with a JOSE library, once in months. So each of the two is held to what the other does.
"""

from __future__ import annotations

import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from admit.tokens.checker import unpadded
from admit.tokens.compact import encoded

NONCE_BYTES = 12
TAG_BYTES = 16


def header(kid: str) -> dict[str, str]:
    """The header under which the key of this name is closed: the name is authenticated with it."""
    return {"alg": "dir", "enc": "A256GCM", "kid": kid}


def opened(text: str, key: bytes, *, kid: str) -> bytes | None:
    """What was closed for the key of this name; None where it was not, or under another key."""
    parts = text.split(".")
    # Nothing in the header is parsed: one row's key can't be put into another's.
    expected = encoded(json.dumps(header(kid), separators=(",", ":")).encode()).decode()
    if len(parts) != 5 or parts[:2] != [expected, ""]:  # noqa: PLR2004  RFC 7516 section 3.1
        return None
    try:
        nonce, ciphertext, tag = map(unpadded, parts[2:])
        if len(nonce) != NONCE_BYTES or len(tag) != TAG_BYTES:
            return None
        return AESGCM(key).decrypt(nonce, ciphertext + tag, expected.encode())
    except (ValueError, InvalidTag):
        return None
