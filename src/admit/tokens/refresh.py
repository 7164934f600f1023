"""The refresh token: a signed text that only Admit reads.

It is a JWT signed HS256 under a key of its own, `typ: refresh+jwt`, holding the session's handle
`h` (256 random bits, the same for the session's whole life), the generation `n` and `exp`. The
session's id is a hash of the handle, so the store holds nothing that a token could be made of,
and a forged token is refused before the store is asked.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

import msgspec

from admit.errors import Unavailable
from admit.tokens.compact import Compact, encoded
from admit.tokens.private import Symmetric
from admit.tokens.secret import derived_keys

if TYPE_CHECKING:
    from admit.model import Session

LONGEST = 512
"""Ours are about 200 characters; anything longer isn't one."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_HEADER = {"alg": "HS256", "typ": "refresh+jwt"}


class RefreshToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a genuine refresh token holds: handle, generation, deadline in whole seconds."""

    h: str
    n: int
    exp: int

    def __repr__(self) -> str:
        """Without the handle: what is printed ends up in a log."""
        return f"RefreshToken(session_id={self.session_id!r}, n={self.n}, exp={self.exp})"

    @property
    def session_id(self) -> str:
        """The id of the session that this token belongs to."""
        return session_id(self.h)


def new_handle() -> str:
    """A handle for a new session: 256 random bits, drawn now."""
    return secrets.token_urlsafe(32)


def session_id(handle: str) -> str:
    """`base64url(SHA-256(handle)[:16])`: 22 characters that reveal nothing of the handle."""
    return encoded(hashlib.sha256(handle.encode()).digest()[:16]).decode()


def is_session_id(text: str) -> bool:
    """Whether this may be the id of a session."""
    return _SESSION_ID.fullmatch(text) is not None


def retry_key(idempotency_key: str | None) -> bytes | None:
    """What is kept of an Idempotency-Key: 128 bits of its hash."""
    if not idempotency_key:
        return None
    return hashlib.sha256(idempotency_key.encode("utf-8", "surrogatepass")).digest()[:16]


class RefreshTokens:
    """Writes and reads refresh tokens.

    Arguments:
        secrets: the secrets, the newest first: it signs, every one is accepted.
    """

    def __init__(self, listed: tuple[str, ...]) -> None:
        self._decoder = msgspec.json.Decoder(RefreshToken)
        self.unlock(listed)

    def unlock(self, listed: tuple[str, ...]) -> None:
        """Go by these secrets from now on, the newest first."""
        keys = derived_keys(listed, "refresh token")
        self._forms = [Compact(_HEADER, Symmetric(key)) for key in keys]

    def of(self, handle: str, session: Session) -> str:
        """The token of this row: the same text for the same row, however often it is asked for."""
        token = RefreshToken(h=handle, n=session.generation, exp=int(session.expires_at))
        return self._forms[0].write(msgspec.json.encode(token))

    def read(self, text: str) -> RefreshToken | None:
        """The token, or None where it is not one of ours. Deadlines are judged on the row.

        Raises:
            Unavailable: the secret was not fetched yet.
        """
        if len(text) > LONGEST or not _SHAPE.fullmatch(text):
            return None
        for form in self._forms:
            payload = form.read(text.encode())
            if payload is not None:
                return self._decoded(payload)
        if not self._forms:  # it may be genuine, and nobody is to be told that it isn't
            raise Unavailable("The secret is not known yet: await start().")
        return None

    def _decoded(self, payload: bytes) -> RefreshToken | None:
        try:
            return self._decoder.decode(payload)
        except msgspec.MsgspecError:
            return None  # written by another version of Admit, with other fields
