"""A former system: by which key its tokens are known, whom they mean, and until when they count."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from admit.errors import SettingsError
from admit.moving import keys
from admit.moving.spans import last_instant
from admit.tokens.checker import parsed
from admit.tokens.compact import encoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import date

    from admit.tokens.checker import Parts

By = Literal["id", "email", "username"]
Named = str | int | None
_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_COOKIE_PLACE = re.compile(r"[!-:<-~]*", re.ASCII)
_TYPES = ("type", "token_type", "tokenType", "token_use", "typ")
"""Claims in which systems say what a token is for, looked at where none is known to."""
_claims = msgspec.json.Decoder(dict[str, Any])


class FormerToken(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine token of a former system, as the app's own functions are handed it."""

    text: str
    claims: dict[str, Any]
    handle: str
    expires_at: float

    @property
    def jti(self) -> str | None:
        """Its own id, where it has one."""
        jti = self.claims.get("jti")
        return jti if isinstance(jti, str) else None

    def instant(self, claim: str) -> float | None:
        """The instant that a claim names, in seconds since 1970; None where it names none."""
        return _instant(self.claims.get(claim))

    def __repr__(self) -> str:
        """Without the text and the claims: what is printed ends up in a log."""
        return f"FormerToken(expires_at={self.expires_at})"


@dataclass(frozen=True, kw_only=True)
class Former:
    """A system whose refresh tokens are taken once each; `admit.moving` has those that are known.

    Arguments:
        until: the last day, as `2027-01-31` (all of it, UTC), or an instant with its offset.
        secret: what it signed with, or several, the newest first, where it was changed lately.
        public_key: with another algorithm than HMAC, the public key in PEM.
        algorithm: what it signed with; a token's own word for it only has to be the same.
        claim: which of the token's claims says whom it means.
        by: what that claim holds: the `id` here, an `email` address or a `username`.
        account: a function, sync or async, that says so instead: handed the `FormerToken`, it
            returns what `by` names, or None for nobody.
        required: claims that a refresh token has, with their values.
        issuer: the `iss` that it has to have.
        audience: the `aud` that it has to have; without this, a token that has one is refused.
        blacklisted: a function, sync or async, handed the `FormerToken`: whether that system had
            signed it out.
        cookie: the cookie in which the former system sent it, if it did.
        cookie_path, cookie_domain: of that cookie, so that signing out removes it.
        allow_weak_secret: take a secret of fewer than 32 bytes.

    Raises:
        SettingsError: it can't work, with a sentence that says what to do.
    """

    system: ClassVar[str] = "former"
    """Its name in the audit trail."""
    refresh_claims: ClassVar[Mapping[str, object]] = {}
    """What tells its refresh tokens from all others."""

    until: str | date
    secret: str | Sequence[str] | None = field(default=None, repr=False)
    public_key: str | None = None
    algorithm: str = "HS256"
    claim: str = "sub"
    by: By = "id"
    account: Callable[[FormerToken], Named | Awaitable[Named]] | None = None
    required: Mapping[str, object] = field(default_factory=dict)
    issuer: str | None = None
    audience: str | None = None
    blacklisted: Callable[[FormerToken], bool | Awaitable[bool]] | None = None
    cookie: str | None = None
    cookie_path: str = "/"
    cookie_domain: str | None = None
    allow_weak_secret: bool = False
    last_instant: float = field(init=False)
    """When the last token is taken, in seconds since 1970."""
    _proofs: list[keys.Proof] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._set("_proofs", self._keys())
            self._set("last_instant", last_instant(self.until))
            self._check()
        except ValueError as error:
            raise SettingsError(
                "moving", f"{type(self).__name__}(…) in moving wants {error}."
            ) from None

    def read(self, text: str) -> FormerToken | None:
        """The token, where that system signed it as a refresh token. It may be over."""
        try:
            parts = parsed(text)
            proof = self._proof(parts)
            claims = _claims.decode(parts.payload) if proof else None
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return None
        if proof is None or claims is None or not self._is_refresh_token(claims):
            return None
        expires_at = _instant(claims.get("exp"))
        if expires_at is None:  # one that never ends could be taken again once its row is gone
            return None
        handle = _handle(parts.message, proof)
        return FormerToken(text=text, claims=claims, handle=handle, expires_at=expires_at)

    def _proof(self, parts: Parts) -> bytes | None:
        header = parts.header
        if header.get("alg") != self.algorithm or "crit" in header:
            return None
        if str(header.get("typ", "JWT")).upper() != "JWT":  # RFC 7519 section 5.1
            return None
        for each in self._proofs:
            if proof := each(parts.message, parts.signature):
                return proof
        return None

    def _is_refresh_token(self, claims: dict[str, Any]) -> bool:
        wanted = {**self.refresh_claims, **self.required}
        if any(name not in claims or claims[name] != value for name, value in wanted.items()):
            return False
        if not wanted and any(str(claims.get(x, "refresh")).lower() != "refresh" for x in _TYPES):
            return False
        if self.issuer is not None and claims.get("iss") != self.issuer:
            return False
        audience = claims.get("aud")
        if self.audience is None:
            return audience is None
        return self.audience in (audience if isinstance(audience, list) else [audience])

    def _keys(self) -> list[keys.Proof]:
        if self.public_key is not None:
            if self.secret is not None:
                raise ValueError("a secret or a public_key, not both")
            return [keys.of_public_key(self.public_key, self.algorithm)]
        secrets = _texts(self.secret)
        if not secrets:
            raise ValueError("the secret that the former system signed with, as text: secret=…")
        weak = self.allow_weak_secret
        return [keys.of_secret(each, self.algorithm, weak=weak) for each in secrets]

    def _check(self) -> None:
        if self.by not in {"id", "email", "username"}:
            raise ValueError("by=… to be 'id', 'email' or 'username'")
        for name in ("account", "blacklisted"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                raise ValueError(f"a function as {name}")
        if self.cookie is not None and not _COOKIE_NAME.fullmatch(self.cookie):
            raise ValueError("the name of a cookie as cookie")
        for each in (self.cookie_path, self.cookie_domain or ""):
            if not _COOKIE_PLACE.fullmatch(each):
                raise ValueError("a cookie's path and domain without spaces and semicolons")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _handle(message: bytes, proof: bytes) -> str:
    """The handle of the session that this token becomes.

    It follows from the token alone, whatever process takes it and whichever secrets that knows, so
    that two who take it at once make one session. Nobody can guess it without the token: the proof
    is what only the former system's key makes. And nobody can write the token in a second way: the
    message was signed as it stands, and a signature's other form has the same proof.
    """
    return encoded(hmac.digest(proof, b"admit moved session\n" + message, "sha256")).decode()


def _texts(given: object) -> list[str]:
    """One text or several; nothing where there is anything else among them."""
    listed = list(given) if isinstance(given, list | tuple) else [given]
    texts = [each for each in listed if isinstance(each, str) and each]
    return texts if len(texts) == len(listed) else []


def _instant(value: object) -> float | None:
    """A NumericDate (RFC 7519 section 2), or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e11 else None  # noqa: PLR2004  in the year 5138
