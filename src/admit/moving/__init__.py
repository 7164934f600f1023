"""Moving from another system: its refresh tokens are taken once, and each becomes a session.

So nobody is signed out by the move. Given as `Admit(moving=[SimpleJWT(secret=…, until=…)])`, for
as long as the former system's tokens live.
"""

from __future__ import annotations

from admit.moving.former import Former, FormerToken
from admit.moving.systems import Express, FastAPIUsers, FlaskJWTExtended, SimpleJWT

__all__ = [
    "Express",
    "FastAPIUsers",
    "FlaskJWTExtended",
    "Former",
    "FormerToken",
    "SimpleJWT",
]
