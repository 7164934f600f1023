"""The algorithms of access tokens, to verify with: cryptography's, under their JOSE names.

A JOSE library would do the same, and loading it takes longer than all else that a verifier on
Lambda does before its first answer (decision 0024). Wycheproof's vectors go through this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from admit.tokens.checker import unpadded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Verify = Callable[[bytes, bytes], bool]
    """Whether this message has this signature."""

COORDINATE = 32
"""Bytes of a number of P-256: fewer or more are another encoding (RFC 7518 section 6.2.1.2)."""
RSA_BITS = (2048, 8192)
"""The weakest that is verified with (RFC 7518 section 3.3), and the slowest."""


class _Ec(msgspec.Struct, frozen=True, tag_field="kty", tag="EC"):
    crv: str
    x: str
    y: str


class _Okp(msgspec.Struct, frozen=True, tag_field="kty", tag="OKP"):
    crv: str
    x: str


class _Rsa(msgspec.Struct, frozen=True, tag_field="kty", tag="RSA"):
    n: str
    e: str


def _es256(jwk: dict[str, Any]) -> Verify:
    """ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4)."""
    given = msgspec.convert(jwk, _Ec)
    x, y = unpadded(given.x), unpadded(given.y)
    if given.crv != "P-256" or len(x) != COORDINATE or len(y) != COORDINATE:
        raise ValueError("ES256 wants a key on P-256")
    numbers = EllipticCurvePublicNumbers(_number(x), _number(y), SECP256R1())
    key, algorithm = numbers.public_key(), ECDSA(SHA256())

    def verify(message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * COORDINATE:
            return False
        r, s = _number(signature[:COORDINATE]), _number(signature[COORDINATE:])
        try:
            key.verify(encode_dss_signature(r, s), message, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _ed25519(jwk: dict[str, Any]) -> Verify:
    """EdDSA with Ed25519 (RFC 8032, named by RFC 9864)."""
    given = msgspec.convert(jwk, _Okp)
    if given.crv != "Ed25519":
        raise ValueError("Ed25519 wants a key of that curve")
    key = Ed25519PublicKey.from_public_bytes(unpadded(given.x))

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _rs256(jwk: dict[str, Any]) -> Verify:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3)."""
    given = msgspec.convert(jwk, _Rsa)
    n, e = _number(unpadded(given.n)), _number(unpadded(given.e))
    if not RSA_BITS[0] <= n.bit_length() <= RSA_BITS[1]:
        raise ValueError(f"RS256 wants a key of {RSA_BITS[0]} to {RSA_BITS[1]} bits")
    key, padding, algorithm = RSAPublicNumbers(e, n).public_key(), PKCS1v15(), SHA256()

    def verify(message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message, padding, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


READERS: dict[str, Callable[[dict[str, Any]], Verify]] = {
    "ES256": _es256,
    "Ed25519": _ed25519,
    "RS256": _rs256,
}
"""For each algorithm, what makes a key of a JWK, or raises ValueError or msgspec's own."""
