"""The keys of a former system: what verifies its signatures, with the one algorithm that it used.

Nothing is taken from a token's header: an algorithm is configured, and the key has to be one for
it, or a public key could serve as the secret of an HMAC (RFC 8725 section 2.1).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Proof = Callable[[bytes, bytes], bytes | None]
"""What of the signature of this message nobody but its maker can alter; None where it is bad."""

HMACS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
RSAS = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}
CURVES = {"ES256": ("secp256r1", hashes.SHA256(), 32), "ES384": ("secp384r1", hashes.SHA384(), 48)}
ALGORITHMS = (*HMACS, *RSAS, *CURVES, "EdDSA")

SECRET_BYTES = 32
"""RFC 7518 section 3.2 wants as many as the hash has; fewer can be guessed from one token."""
RSA_BITS = 2048


class _Curve(NamedTuple):
    key: EllipticCurvePublicKey
    hashing: hashes.HashAlgorithm
    size: int


def of_secret(secret: str, algorithm: str, *, weak: bool) -> Proof:
    """What verifies with this secret.

    Raises:
        ValueError: what the secret or the algorithm would have to be instead.
    """
    if algorithm not in HMACS:
        raise ValueError(f"public_key=… for {algorithm}, or one of {', '.join(HMACS)} for a secret")
    if "-----BEGIN" in secret or secret.startswith(("ssh-", "ecdsa-")):
        raise ValueError("public_key=… and its algorithm, not a key as secret: anybody has it")
    if len(secret.encode()) < SECRET_BYTES and not weak:
        raise ValueError(
            f"a secret of at least {SECRET_BYTES} bytes: a shorter one can be guessed from one"
            " token. Where it is not a word anybody could guess, allow_weak_secret=True takes it"
        )
    return partial(_hmac, secret.encode(), HMACS[algorithm])


def of_public_key(pem: str, algorithm: str) -> Proof:
    """What verifies with this public key.

    Raises:
        ValueError: what the key or the algorithm would have to be instead.
    """
    if algorithm in HMACS or algorithm not in ALGORITHMS:
        asymmetric = ", ".join(each for each in ALGORITHMS if each not in HMACS)
        raise ValueError(f"algorithm=… with public_key: one of {asymmetric}")
    try:
        key = load_pem_public_key(pem.encode())
    except (AttributeError, ValueError, UnsupportedAlgorithm):
        raise ValueError("a public key in PEM: -----BEGIN PUBLIC KEY-----") from None
    if algorithm in RSAS and isinstance(key, RSAPublicKey) and key.key_size >= RSA_BITS:
        return partial(_rsa, key, RSAS[algorithm])
    if algorithm in CURVES and isinstance(key, EllipticCurvePublicKey):
        curve, hashing, size = CURVES[algorithm]
        if key.curve.name == curve:
            return partial(_ecdsa, _Curve(key, hashing, size))
    if algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return partial(_eddsa, key)
    raise ValueError(f"a public_key for {algorithm} (RSA: at least {RSA_BITS} bits)")


def _hmac(secret: bytes, name: str, message: bytes, signature: bytes) -> bytes | None:
    return signature if hmac.compare_digest(hmac.digest(secret, message, name), signature) else None


def _rsa(
    key: RSAPublicKey, hashing: hashes.HashAlgorithm, message: bytes, signature: bytes
) -> bytes | None:
    try:
        key.verify(signature, message, PKCS1v15(), hashing)
    except InvalidSignature:
        return None
    return signature


def _ecdsa(curve: _Curve, message: bytes, signature: bytes) -> bytes | None:
    """The half `r`: of every signature `(r, s)` anybody can make `(r, -s)`, which is as good."""
    if len(signature) != 2 * curve.size:
        return None
    r, s = (int.from_bytes(each, "big") for each in _halves(signature))
    try:
        curve.key.verify(encode_dss_signature(r, s), message, ECDSA(curve.hashing))
    except InvalidSignature:
        return None
    return _halves(signature)[0]


def _eddsa(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bytes | None:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return None
    return _halves(signature)[0]


def _halves(signature: bytes) -> tuple[bytes, bytes]:
    middle = len(signature) // 2
    return signature[:middle], signature[middle:]
