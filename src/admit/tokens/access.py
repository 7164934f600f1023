"""The access token: minted, verified, and not verified twice.

The verifier takes exactly the algorithm of the key that `kid` names, and nothing else from the
header (RFC 8725 section 3.1, RFC 9068 section 4). A signature that was checked once need not be
checked again, so the text of a good token is remembered; its expiry and its revocation are looked
at on every use all the same.
"""

from __future__ import annotations

import re
import secrets
import threading
from typing import TYPE_CHECKING

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from admit.errors import InvalidToken
from admit.model import Principal
from admit.settings import SKEW

if TYPE_CHECKING:
    from admit.model import Account, Session
    from admit.revocation import Revoked
    from admit.settings import Settings
    from admit.tokens.keys import Keyring

LONGEST = 8 * 1024
REMEMBERED = 4_096
"""Tokens whose signature need not be checked again: about 2 KB each."""
CLIENT_ID = "admit"
"""RFC 9068 requires a client; ours is the first party."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+", re.ASCII)


class Claims(msgspec.Struct, frozen=True):
    """The claims that the verifier relies on, with the types that it insists on."""

    iss: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int | float
    aud: str | list[str]
    auth_time: int = 0
    nbf: int | float = 0
    roles: tuple[str, ...] = ()


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of our access tokens; any other parameter (`jwk`, `jku`, `crit` …) refuses it."""

    alg: str
    kid: str
    typ: str


_claims = msgspec.json.Decoder(Claims)


def parsed(text: str) -> jws.CompactSignature:
    """The three parts of a token; nothing in them is checked yet (RFC 7515 section 5.2).

    Raises:
        JoseError, ValueError: it does not have three parts of base64url, with a JSON header.
    """
    if len(text) > LONGEST or not _SHAPE.fullmatch(text):
        raise ValueError("not a compact serialization")
    return jws.extract_compact(text.encode())


def account_version(jti: str) -> int:
    """The account's version when the token with this `jti` was minted.

    Raises:
        ValueError: it does not start with one.
    """
    return int(jti.partition(".")[0])


class AccessTokens:
    """Mints and verifies access tokens.

    Arguments:
        settings: issuer, audience and lifetime.
        keys: the keys that sign and verify now.
        revoked: what is revoked, as far as this process knows.
    """

    def __init__(self, settings: Settings, keys: Keyring, revoked: Revoked) -> None:
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._ttl = settings.access_ttl
        self._keys = keys
        self._revoked = revoked
        self._remembered: dict[str, Principal] = {}
        self._remembered_keys: object = keys.state
        self._remembering = threading.Lock()

    def check_ready(self, now: float) -> None:
        """Raise Unavailable where no key can sign."""
        self._keys.signing(now)

    def mint(self, account: Account, session: Session, *, now: float) -> tuple[str, int]:
        """An access token for this session and its lifetime in whole seconds.

        It never outlives the session. Its `jti` starts with the account's version, by which a
        change of roles tells the tokens before it from those after it.
        """
        key = self._keys.signing(now)
        expires = int(min(now + self._ttl, session.expires_at))
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account.user.id,
            "client_id": CLIENT_ID,
            "iat": int(now),
            "exp": expires,
            "jti": f"{account.version}.{secrets.token_urlsafe(16)}",
            "sid": session.id,
            "auth_time": int(session.auth_time),
            "amr": session.amr,
            "roles": account.user.roles,
        }
        text = key.form.write(msgspec.json.encode(claims))
        return text, max(0, expires - int(now))

    def verify(self, text: str, *, now: float) -> Principal:
        """Who presents this token at `now`.

        Raises:
            InvalidToken: with `reason` where the token is genuine: `expired`, or why its session
                or its user's tokens are revoked.
        """
        keys = self._keys.state
        if self._remembered_keys is not keys:
            self._forget(keys)
        principal = self._remembered.get(text)
        if principal is None:
            principal = self._check(text, now)
            self._remember(text, principal, keys)
        if principal.expires_at + SKEW <= now:
            raise InvalidToken("The access token has expired: refresh it.", reason="expired")
        if reason := self._revoked.reason(principal):
            raise InvalidToken("The access token was revoked.", reason=reason)
        return principal

    def _check(self, text: str, now: float) -> Principal:
        """Everything that needs checking once: shape, header, signature, claims."""
        try:
            compact = parsed(text)
            header = msgspec.convert(compact.headers(), Header)
            key = self._keys.verifying(header.kid, now)
            if header.typ != "at+jwt" or key is None or not key.signed(compact):
                raise InvalidToken
            claims = _claims.decode(compact.payload)
            version = account_version(claims.jti)
        except (JoseError, msgspec.MsgspecError, ValueError) as error:
            raise InvalidToken from error
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != self._issuer or self._audience not in audiences:
            raise InvalidToken
        if max(claims.iat, claims.nbf) > now + SKEW:
            raise InvalidToken("The access token is not valid yet: check the machines' clocks.")
        return Principal(
            user_id=claims.sub,
            session_id=claims.sid,
            roles=claims.roles,
            auth_time=claims.auth_time,
            version=version,
            # A revocation is kept for as long as tokens live now, though they once lived longer.
            expires_at=min(claims.exp, claims.iat + self._ttl),
            payload=compact.payload,
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
