"""Checks the access tokens of other issuers, as strictly as what they say of themselves allows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from admit.errors import InvalidToken
from admit.model import SKEW, Principal
from admit.tokens.algorithms import READERS
from admit.tokens.checker import Checker, Seconds, parsed
from admit.verifier.forms import named_roles
from admit.verifier.keys import PublicKey, is_secret

if TYPE_CHECKING:
    from admit.tokens.checker import Keys, Parts, Revocations
    from admit.verifier.terms import Terms

logger = logging.getLogger("admit.verifier")

TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}
"""What a header's `typ` may be, without case (RFC 7515 section 4.1.9)."""
ID_ONLY = {"nonce", "at_hash", "c_hash"}
"""Claims of ID tokens and of nothing else (OpenID Connect Core sections 2 and 3.3.2.11)."""
BOUND = "cnf"
"""It is good only beside a proof that its holder has some key (RFC 7800), which is not checked."""
_CURVES = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "Ed25519"}
_EDDSA = {"EdDSA", "Ed25519"}
"""Two names of one algorithm, where the key is of that curve (RFC 9864)."""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any other parameter (`jwk`, `jku`, `crit` …) refuses the token."""

    alg: str
    kid: str
    typ: str = ""


class _Registered(msgspec.Struct, frozen=True):
    """The claims that mean the same everywhere."""

    iss: str
    sub: Annotated[str, msgspec.Meta(min_length=1)]
    iat: Seconds
    exp: Seconds
    nbf: Seconds = 0


class _Jwk(msgspec.Struct, frozen=True):
    """What has to be said of a key; some leave out its algorithm."""

    kid: str
    kty: str
    crv: str = ""
    alg: str | None = None
    use: str = "sig"
    key_ops: tuple[str, ...] = ("verify",)


_registered = msgspec.json.Decoder(_Registered)
_claims = msgspec.json.Decoder(dict[str, Any])


class ForeignKey(PublicKey):
    """A key that verifies with one algorithm, which may have two names."""

    def signed(self, parts: Parts) -> bool:
        """Whether it signed this, with its own algorithm, whatever else the header names."""
        named = parts.header.get("alg")
        if named != self.algorithm and not (self.algorithm in _EDDSA and named in _EDDSA):
            return False
        return self._verify(parts.message, parts.signature)


def read_key(given: dict[str, Any]) -> PublicKey | None:
    """The key, where it is public, for signatures, and of an algorithm that we verify.

    One that does not name its algorithm has the one of its kind: RSA is RS256 and nothing else.
    """
    if is_secret(given):
        return None
    try:
        jwk = msgspec.convert(given, _Jwk)
        own = "RS256" if jwk.kty == "RSA" else _CURVES.get((jwk.kty, jwk.crv))
        named = {own, *(_EDDSA if own == "Ed25519" else ()), None}
        if own is None or jwk.alg not in named or jwk.use != "sig" or "verify" not in jwk.key_ops:
            return None  # beside theirs for signatures, many publish keys for other ends
        return ForeignKey(jwk.kid, own, READERS[own](given))
    except (msgspec.MsgspecError, ValueError) as error:
        logger.warning("The issuer publishes a key that can't be read (%s): it is not used.", error)
        return None


class ForeignChecker(Checker):
    """Verifies access tokens of another issuer's form.

    Arguments:
        terms: whom to believe, with a form.
        keys: the keys that verify now.
        revoked: what is revoked; of another issuer nothing is heard.
    """

    def __init__(self, terms: Terms, *, keys: Keys, revoked: Revocations) -> None:
        super().__init__(
            issuer=terms.issuer,
            audience=terms.audience,
            ttl=terms.access_ttl,
            keys=keys,
            revoked=revoked,
        )
        assert terms.form is not None
        self._form = terms.form
        self._roles = terms.roles

    def _check(self, text: str, now: float) -> Principal:
        """Everything that needs checking once: shape, header, signature, claims."""
        try:
            parts = parsed(text)
            header = msgspec.convert(parts.header, _Header)
            key = self._verifying.verifying(header.kid, now)
            if header.typ.lower() not in TYPES or key is None or not key.signed(parts):
                raise InvalidToken
            registered = _registered.decode(parts.payload)
            claims = _claims.decode(parts.payload)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidToken from error
        if registered.iss != self._issuer or not self._is_access(claims):
            raise InvalidToken
        if max(registered.iat, registered.nbf) > now + SKEW:
            raise InvalidToken("The access token is not valid yet: check the machines' clocks.")
        until = registered.exp
        return Principal(
            user_id=registered.sub,
            session_id=self._form.session_id(claims),
            roles=named_roles(claims, self._roles),
            auth_time=self._form.auth_time(claims),
            version=0,
            expires_at=until if self._ttl is None else min(until, registered.iat + self._ttl),
            payload=parts.payload,
        )

    def _is_access(self, claims: dict[str, Any]) -> bool:
        """Whether it opens an API, for us, to whoever bears it."""
        odd = BOUND in claims or not ID_ONLY.isdisjoint(claims)
        return not odd and self._form.is_access(claims, self._audience)
