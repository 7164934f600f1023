"""Checks an access token once, and remembers it: for the issuer and for other services alike.

The verifier takes exactly the algorithm of the key that `kid` names, and nothing else from the
header (RFC 8725 section 3.1, RFC 9068 section 4). A signature that was checked once need not be
checked again, so the text of a good token is remembered; its expiry and its revocation are looked
at on every use all the same.

It loads neither settings nor a JOSE library: where a process starts for each burst of requests,
both would take longer than all that it does here.
"""

from __future__ import annotations

import binascii
import re
from typing import Annotated, Any, Protocol

import msgspec

from admit import forks
from admit.errors import WAS_REVOKED, InvalidToken
from admit.model import SKEW, Principal

LONGEST = 8 * 1024
REMEMBERED = 4_096
"""Tokens whose signature need not be checked again: about 2 KB each."""

MEANT_FOR_OTHERS = (
    "The access token is genuine, but its `iss` or `aud` is not what this service is set to expect."
)

_PADDING = (b"", b"", b"==", b"=")
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""What a last character may be, by how many are left over: its spare bits are zero."""
_STANDARD = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/")}.get(each, each if chr(each).isalnum() else ord("!"))
    for each in range(256)
)
"""To the other alphabet of base64; what is not of ours becomes what is of none."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+", re.ASCII)


_BOUNDED = msgspec.Meta(ge=-(2**53), le=2**53)  # a clock is a float, and counts no further
Whole = Annotated[int, _BOUNDED]
"""An instant in whole seconds since 1970."""
Seconds = Whole | Annotated[float, _BOUNDED]
"""An instant in seconds since 1970."""


class Claims(msgspec.Struct, frozen=True):
    """The claims that the verifier relies on, with the types that it insists on."""

    iss: str
    sub: str
    sid: str
    jti: str
    iat: Whole
    exp: Seconds
    aud: str | list[str]
    auth_time: Whole = 0
    nbf: Seconds = 0
    roles: tuple[str, ...] = ()


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of our access tokens; any other parameter (`jwk`, `jku`, `crit` …) refuses it."""

    alg: str
    kid: str
    typ: str


class Parts(msgspec.Struct, frozen=True):
    """What a token is made of; `message` is what was signed."""

    header: dict[str, Any]
    payload: bytes
    message: bytes
    signature: bytes


class Key(Protocol):
    """A key that verifies."""

    def signed(self, parts: Parts) -> bool:
        """Whether it signed this, with its own algorithm, whatever else the header names."""


class Keys(Protocol):
    """The keys whose tokens are accepted."""

    @property
    def state(self) -> object:
        """Another object whenever a key changed."""

    def verifying(self, kid: str, now: float) -> Key | None:
        """The key of this name, where tokens that it signed are accepted at `now`."""


class Revocations(Protocol):
    """What is revoked."""

    def reason(self, principal: Principal) -> str | None:
        """Why this principal's token is no longer accepted, or None where it is."""


_claims = msgspec.json.Decoder(Claims)
_header = msgspec.json.Decoder(dict[str, Any])


def parsed(text: str) -> Parts:
    """The parts of a token; nothing in them is checked yet (RFC 7515 section 5.2).

    Raises:
        ValueError: it does not have three parts of base64url, with a JSON object as header.
    """
    if len(text) > LONGEST or not _SHAPE.fullmatch(text):
        raise ValueError("not a compact serialization")
    message, _, signature = text.rpartition(".")
    header, _, payload = message.partition(".")
    try:
        opened = _header.decode(unpadded(header))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("the header is no JSON object") from error
    return Parts(opened, unpadded(payload), message.encode(), unpadded(signature))


def unpadded(text: str) -> bytes:
    """The bytes behind base64url without padding (RFC 7515 section 2).

    One text for each value and no other: bits that are left over have to be zero, or one token
    could be written in several ways.

    Raises:
        ValueError: it is something else.
    """
    spare = len(text) % 4
    if spare and text[-1] not in _LAST[spare]:
        raise ValueError("not base64url without padding")
    standard = text.encode("ascii").translate(_STANDARD) + _PADDING[spare]
    return binascii.a2b_base64(standard, strict_mode=True)


def account_version(jti: str) -> int:
    """The account's version when the token with this `jti` was minted.

    Raises:
        ValueError: it does not start with one.
    """
    return int(jti.partition(".")[0])


class Checker:
    """Verifies access tokens.

    Arguments:
        issuer: the `iss` of good tokens.
        audience: whom they are meant for.
        ttl: how long a token lives at most, in seconds, whatever it says itself; None where only
            the issuer knows.
        keys: the keys that verify now.
        revoked: what is revoked, as far as this process knows.
    """

    def __init__(
        self, *, issuer: str, audience: str, ttl: float | None, keys: Keys, revoked: Revocations
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._ttl = ttl
        self._verifying = keys
        self._revoked = revoked
        self._remembered: dict[str, Principal] = {}
        self._remembered_keys: object = keys.state
        self._remembering = forks.lock()

    def verify(self, text: str, *, now: float) -> Principal:
        """Who presents this token at `now`.

        Raises:
            InvalidToken: with `reason` where the token is genuine: `expired`, or why its session
                or its user's tokens are revoked.
        """
        keys = self._verifying.state
        if self._remembered_keys is not keys:
            self._forget(keys)
        principal = self._remembered.get(text)
        if principal is None:
            principal = self._check(text, now)
            self._remember(text, principal, keys)
        if principal.expires_at + SKEW <= now:
            raise InvalidToken("The access token has expired: refresh it.", reason="expired")
        if reason := self._revoked.reason(principal):
            raise InvalidToken(WAS_REVOKED, reason=reason)
        return principal

    def _check(self, text: str, now: float) -> Principal:
        """Everything that needs checking once: shape, header, signature, claims."""
        try:
            parts = parsed(text)
            header = msgspec.convert(parts.header, Header)
            key = self._verifying.verifying(header.kid, now)
            if header.typ != "at+jwt" or key is None or not key.signed(parts):
                raise InvalidToken
            claims = _claims.decode(parts.payload)
            version = account_version(claims.jti)
        except (msgspec.MsgspecError, ValueError) as error:
            raise InvalidToken from error
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self._issuer or self._audience not in audiences:
            raise InvalidToken(MEANT_FOR_OTHERS)
        if max(claims.iat, claims.nbf) > now + SKEW:
            raise InvalidToken("The access token is not valid yet: check the machines' clocks.")
        return Principal(
            user_id=claims.sub,
            session_id=claims.sid,
            roles=claims.roles,
            auth_time=claims.auth_time,
            version=version,
            # A revocation is kept for as long as tokens live now, though they once lived longer.
            expires_at=claims.exp if self._ttl is None else min(claims.exp, claims.iat + self._ttl),
            payload=parts.payload,
        )

    def _remember(self, text: str, principal: Principal, keys: object) -> None:
        with self._remembering:
            if keys is not self._remembered_keys:
                return  # the keys changed while this was checked: a withdrawn one may have signed
            if len(self._remembered) >= REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[text] = principal

    def _forget(self, keys: object) -> None:
        """Forget every verdict: the keys that stood behind them have changed."""
        with self._remembering:
            self._remembered_keys = keys
            self._remembered = {}
