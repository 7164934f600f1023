"""The routes as a table: what each takes, gives and refuses. OpenAPI is generated from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from admit import errors
from admit.http import bodies

if TYPE_CHECKING:
    from admit.http.routes import Routes

SESSION = "^[A-Za-z0-9_-]{22}$"
Endpoint = Callable[[Request], Awaitable[Response]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path: what runs it, and what its OpenAPI description says."""

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    status: int = 200
    takes: type[msgspec.Struct] | None = None
    gives: type[msgspec.Struct] | None = None
    refuses: tuple[type[errors.Refusal], ...] = ()
    presents: tuple[str, ...] = ()
    """Security schemes, any one of which serves."""
    parameters: tuple[dict[str, Any], ...] = ()
    """Of the query and the headers, as OpenAPI has them."""
    id_is: str = SESSION
    """The pattern of the id in its path."""
    unchanged: bool = False
    """Whether it answers 304 to who has it already."""


BODY = (
    errors.Malformed,
    errors.TooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidInput,
)
BEARER = (errors.Malformed, errors.Unauthenticated, errors.InvalidToken)


def operations(routes: Routes) -> list[Operation]:
    """Every route under the prefix, the busiest first."""
    return [
        Operation(
            method="POST",
            path="/refresh",
            endpoint=routes.refresh,
            summary="Exchange a refresh token for its successor and an access token",
            takes=bodies.TokenBody,
            gives=bodies.TokensOut,
            refuses=(
                *BODY,
                errors.Unauthenticated,
                errors.RefreshRefused,
                errors.CsrfFailed,
                errors.TooManyAttempts,
            ),
            presents=("refreshCookie", "refreshHeader", "refreshBody"),
        ),
        Operation(
            method="GET",
            path="/me",
            endpoint=routes.me,
            summary="Who is signed in",
            gives=bodies.MeOut,
            refuses=BEARER,
            presents=("bearer", "accessCookie"),
        ),
        Operation(
            method="POST",
            path="/login",
            endpoint=routes.login,
            summary="Sign in",
            takes=bodies.LoginBody,
            gives=bodies.TokensOut,
            refuses=(
                *BODY,
                errors.InvalidCredentials,
                errors.CsrfFailed,
                errors.TooManyAttempts,
            ),
        ),
        Operation(
            method="POST",
            path="/register",
            endpoint=routes.register,
            summary="Make an account",
            status=201,
            takes=bodies.RegisterBody,
            gives=bodies.RegisteredOut,
            refuses=(
                *BODY,
                errors.CsrfFailed,
                errors.AlreadyExists,
                errors.TooManyAttempts,
            ),
        ),
        Operation(
            method="POST",
            path="/logout",
            endpoint=routes.logout,
            summary="Sign out; the answer is the same whether the token was good or not",
            status=204,
            takes=bodies.TokenBody,
            refuses=(*BODY, errors.CsrfFailed),
            presents=("refreshCookie", "refreshHeader", "refreshBody", "bearer"),
        ),
        Operation(
            method="POST",
            path="/logout/all",
            endpoint=routes.logout_all,
            summary="Sign out everywhere",
            status=204,
            refuses=BEARER,
            presents=("bearer",),
        ),
        Operation(
            method="POST",
            path="/password",
            endpoint=routes.password,
            summary="Change the password; every other session ends",
            status=204,
            takes=bodies.PasswordBody,
            refuses=(*BODY, *BEARER, errors.InvalidCredentials, errors.TooManyAttempts),
            presents=("bearer",),
        ),
        Operation(
            method="GET",
            path="/sessions",
            endpoint=routes.sessions,
            summary="The devices on which this user is signed in",
            gives=bodies.SessionsOut,
            refuses=BEARER,
            presents=("bearer",),
        ),
        Operation(
            method="DELETE",
            path="/sessions/{id}",
            endpoint=routes.end_session,
            summary="Sign one device out",
            status=204,
            refuses=(*BEARER, errors.NotFound),
            presents=("bearer",),
        ),
        Operation(
            method="GET",
            path="/revocations",
            endpoint=routes.revocations,
            summary="What was revoked since, for services that check access tokens themselves",
            gives=bodies.RevocationsOut,
            unchanged=True,
            refuses=(*BEARER, errors.InvalidInput),
            presents=("verifierKey",),
        ),
        Operation(
            method="GET",
            path="/.well-known/jwks.json",
            endpoint=routes.jwks,
            summary="The public keys that verify access tokens",
            gives=bodies.JWKSOut,
        ),
    ]
