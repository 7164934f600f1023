"""Tokens as the tutorials of FastAPI and many others make and read them: PyJWT and one key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from benchmarks.guarded import ALGORITHM, KEY, MINUTES, USERS


def made() -> list[str]:
    """One for each user."""
    ends = datetime.now(UTC) + timedelta(minutes=MINUTES)
    return [jwt.encode({"sub": user, "exp": ends}, KEY, algorithm=ALGORITHM) for user in USERS]


def user_of(token: str) -> str | None:
    """Whose it is.

    Raises:
        jwt.InvalidTokenError: it is not good.
    """
    user: str | None = jwt.decode(token, KEY, algorithms=[ALGORITHM]).get("sub")
    return user
