"""The systems that people move from, each with what its own refresh tokens look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from admit.moving.former import By, Former

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class SimpleJWT(Former):
    """djangorestframework-simplejwt; `secret` is its SIGNING_KEY, Django's SECRET_KEY if unset."""

    system: ClassVar[str] = "simplejwt"
    refresh_claims: ClassVar[Mapping[str, object]] = {"token_type": "refresh"}
    claim: str = "user_id"


@dataclass(frozen=True, kw_only=True)
class FlaskJWTExtended(Former):
    """Flask-JWT-Extended; `secret` is its JWT_SECRET_KEY, Flask's SECRET_KEY if unset.

    Where it sent its tokens in cookies, `cookie` is `refresh_token_cookie`.
    """

    system: ClassVar[str] = "flask-jwt-extended"
    refresh_claims: ClassVar[Mapping[str, object]] = {"type": "refresh"}


@dataclass(frozen=True, kw_only=True)
class FastAPIUsers(Former):
    """fastapi-users with its JWTStrategy, which has no refresh tokens: its access token is taken.

    Its audience tells it from the tokens that the same secret signs to reset a password or to
    verify an address. Where it came in a cookie, `cookie` is `fastapiusersauth`.
    """

    system: ClassVar[str] = "fastapi-users"
    audience: str | None = "fastapi-users:auth"


@dataclass(frozen=True, kw_only=True)
class Express(Former):
    """Express with jsonwebtoken, as its tutorials have it; `secret` is REFRESH_TOKEN_SECRET.

    Nothing in such a token says that it is one to refresh with, so the secret has to be one that
    signs nothing else; where it signs access tokens too, `required` has to tell the two apart.
    """

    system: ClassVar[str] = "express"
    claim: str = "username"
    by: By = "username"
