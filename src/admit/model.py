"""The values that everything else speaks of: frozen, without behaviour or I/O.

An instant is a float of seconds since 1970-01-01 UTC; a span is a float of seconds.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

EndedBecause = Literal["signed_out", "password_changed", "reuse_detected", "revoked"]
"""Why a session was ended before its time."""
USER_ID = re.compile(r"[0-9a-f]{32}")
"""How the id of a user is written."""
ROLE = re.compile(r"[A-Za-z0-9._:\-]{1,64}", re.ASCII)
A_ROLE = "1 to 64 of letters, digits, '.', '_', '-' and ':'"
"""How a role is written: what survives a log and a header; and what is wanted, for people."""
SKEW = 10.0
"""How far the clocks of two machines may differ, in seconds."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who can sign in, as the rest of the world may see them."""

    id: str
    email: str
    username: str | None
    roles: tuple[str, ...]
    email_verified: bool
    created_at: float


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user with what only Admit may see.

    `version` moves with every write of the row, and every access token says with which one it
    was minted; `password_version` moves only when the password changes, not when its hash is
    upgraded.
    """

    user: User
    email_key: str
    username_key: str | None
    password_hash: str
    password_version: int = 0
    version: int = 0
    disabled_at: float | None = None

    def __repr__(self) -> str:
        """Without the hash: what is printed ends up in a log."""
        return f"Account(user={self.user!r})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in on one device, from login to its end: one row that never grows.

    `expires_at` is the idle deadline, which slides with each refresh; `ends_at` is the absolute
    one, which never moves (NIST SP 800-63B-4 section 2.1.3).
    """

    id: str
    user_id: str
    generation: int
    rotated_at: float
    retry_key: bytes | None
    opened_at: float
    expires_at: float
    ends_at: float
    ended_at: float | None
    ended_because: EndedBecause | None
    auth_time: float
    amr: tuple[str, ...]
    user_agent: str | None
    ip: str | None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in or a refresh yields.

    `expires_in` and `refresh_expires_in` are whole seconds from now.
    """

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    user: User
    session_id: str

    def __repr__(self) -> str:
        """Without the tokens: what is printed ends up in a log."""
        return f"Tokens(session_id={self.session_id!r}, user={self.user!r})"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling, from a verified access token.

    `version` is that of the account when the token was minted; `payload` is the token's own.
    """

    user_id: str
    session_id: str
    roles: tuple[str, ...]
    auth_time: float
    version: int
    expires_at: float
    payload: bytes

    @property
    def claims(self) -> dict[str, Any]:
        """Every claim of the token; a dict of the caller's own, so changing it changes nothing."""
        claims: dict[str, Any] = msgspec.json.decode(self.payload)
        return claims


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from: the client's address and what its browser calls itself."""

    ip: str | None = None
    user_agent: str | None = None
