"""The private halves of keys: what signs, with cryptography, under JOSE's names for it.

A JOSE library would do the same; loading one takes longer than the rest of a first refresh on
Lambda (decision 0026). Keys are still made and put under the secret by joserfc (`vault`), which
happens once in months and not at a start.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateNumbers,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateNumbers,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from admit.tokens.algorithms import COORDINATE, READERS
from admit.tokens.checker import unpadded

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.tokens.algorithms import Verify

    Sign = Callable[[bytes], bytes]
    """The signature of this message."""


class Signer(Protocol):
    """A key that signs, and verifies what it signed, with the one algorithm that it is for."""

    def sign(self, message: bytes) -> bytes:
        """The signature."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether it is the key's signature of this message."""


class Symmetric:
    """HMAC with SHA-256, HS256 (RFC 7518 section 3.2)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        return hmac.digest(self._key, message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """See `Signer.verify`; it takes as long wherever the two differ."""
        return hmac.compare_digest(self.sign(message), signature)


class Asymmetric:
    """A private key with its public half."""

    def __init__(self, sign: Sign, verify: Verify) -> None:
        self.sign = sign
        self.verify = verify


class _Ec(msgspec.Struct, frozen=True, tag_field="kty", tag="EC"):
    x: str
    y: str
    d: str


class _Okp(msgspec.Struct, frozen=True, tag_field="kty", tag="OKP"):
    d: str


class _Oct(msgspec.Struct, frozen=True, tag_field="kty", tag="oct"):
    k: str


class _Rsa(msgspec.Struct, frozen=True, tag_field="kty", tag="RSA"):
    n: str
    e: str
    d: str
    p: str
    q: str
    dp: str
    dq: str
    qi: str


def signer(algorithm: str, jwk: dict[str, Any]) -> Signer:
    """What signs with this private JWK (RFC 7518 section 6).

    Raises:
        ValueError, msgspec.ValidationError: it is none for this algorithm.
    """
    if algorithm == "HS256":
        return Symmetric(unpadded(msgspec.convert(jwk, _Oct).k))
    signs = {"ES256": _es256, "Ed25519": _ed25519, "RS256": _rs256}[algorithm]
    return Asymmetric(signs(jwk), READERS[algorithm](jwk))


def _es256(jwk: dict[str, Any]) -> Sign:
    given = msgspec.convert(jwk, _Ec)
    public = EllipticCurvePublicNumbers(_number(given.x), _number(given.y), SECP256R1())
    key = EllipticCurvePrivateNumbers(_number(given.d), public).private_key()
    algorithm = ECDSA(SHA256())

    def sign(message: bytes) -> bytes:
        numbers = decode_dss_signature(key.sign(message, algorithm))
        return b"".join(each.to_bytes(COORDINATE, "big") for each in numbers)

    return sign


def _ed25519(jwk: dict[str, Any]) -> Sign:
    given = msgspec.convert(jwk, _Okp)
    return Ed25519PrivateKey.from_private_bytes(unpadded(given.d)).sign


def _rs256(jwk: dict[str, Any]) -> Sign:
    given = msgspec.convert(jwk, _Rsa)
    n, e, d, p, q, dp, dq, qi = map(_number, msgspec.structs.astuple(given))
    key = RSAPrivateNumbers(p, q, d, dp, dq, qi, RSAPublicNumbers(e, n)).private_key()
    padding, algorithm = PKCS1v15(), SHA256()
    return lambda message: key.sign(message, padding, algorithm)


def _number(text: str) -> int:
    return int.from_bytes(unpadded(text), "big")
