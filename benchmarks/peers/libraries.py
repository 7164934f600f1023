"""Python's libraries for access tokens, each at its best: its key made once, the same claims asked.

All of them check the signature, the algorithm, the issuer, the audience and that the token has not
ended, and refuse a token in which one of these claims is missing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import jwt as pyjwt
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc import jwt as joserfc
from joserfc.jwk import import_key

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # NOTES tells it
    from authlib.jose import JsonWebKey, JsonWebToken

if TYPE_CHECKING:
    from collections.abc import Callable

    Verify = Callable[[str], object]
    """Raises what the library raises for a token that is not good."""

CLAIMS = ("exp", "iss", "aud")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a token has to be signed with and say."""

    algorithm: str
    key: dict[str, Any]
    """A JWK: the public key, or the secret."""
    issuer: str
    audience: str


def by_pyjwt(expected: Expected) -> Verify:
    key = pyjwt.PyJWK.from_dict(expected.key, algorithm=expected.algorithm)
    algorithms, required = [expected.algorithm], list(CLAIMS)

    def verify(token: str) -> object:
        return pyjwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=expected.issuer,
            audience=expected.audience,
            options={"require": required},
        )

    return verify


def by_joserfc(expected: Expected) -> Verify:
    key, algorithms = import_key(expected.key), [expected.algorithm]
    claims = joserfc.JWTClaimsRegistry(
        exp={"essential": True},
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
    )

    def verify(token: str) -> object:
        decoded = joserfc.decode(token, key, algorithms=algorithms)
        claims.validate(decoded.claims)
        return decoded.claims

    return verify


def by_authlib(expected: Expected) -> Verify:
    key, tokens = JsonWebKey.import_key(expected.key), JsonWebToken([expected.algorithm])
    options = {
        "exp": {"essential": True},
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.audience},
    }

    def verify(token: str) -> object:
        claims = tokens.decode(token, key, claims_options=options)
        claims.validate()
        return claims

    return verify


LIBRARIES: dict[str, Callable[[Expected], Verify]] = {
    "PyJWT": by_pyjwt,
    "joserfc": by_joserfc,
    "Authlib": by_authlib,
}
NOTES = {"Authlib": "its authlib.jose, which it deprecates in favour of joserfc"}


def versions() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}
