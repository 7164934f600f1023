"""Litestar, beside PyJWT in a guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
from litestar import Litestar, Request, get
from litestar.exceptions import NotAuthorizedException

from admit import Admit
from admit.frameworks.litestar import Guard, mount
from benchmarks.guarded import BARE, HELLO, IDLE, OURS, TOKENS, USUAL
from benchmarks.guarded.serving import by_path
from benchmarks.guarded.tokens import made, user_of

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers.base import BaseRouteHandler

    Connection = ASGIConnection[Any, Any, Any, Any]

auth = Admit()
guard = Guard(auth)


async def signed_in(connection: Connection, __: BaseRouteHandler) -> None:
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthorizedException
    try:
        connection.state.user = user_of(token)
    except jwt.InvalidTokenError:
        raise NotAuthorizedException from None


async def nothing(_: Connection, __: BaseRouteHandler) -> None:
    pass


@get(BARE)
async def bare(request: Request[Any, Any, Any]) -> dict[str, str]:
    assert request.method
    return HELLO


@get(IDLE, guards=[nothing])
async def idle(request: Request[Any, Any, Any]) -> dict[str, str]:
    assert request.method
    return HELLO


@get(OURS, guards=[guard.user])
async def ours(request: Request[Any, Any, Any]) -> dict[str, str]:
    assert request.user.user_id
    return HELLO


@get(USUAL, guards=[signed_in])
async def usual(request: Request[Any, Any, Any]) -> dict[str, str]:
    assert request.state.user
    return HELLO


@get(TOKENS)
async def tokens() -> list[str]:
    return made()


routes = {BARE: bare, IDLE: idle, OURS: ours, USUAL: usual, TOKENS: tokens}
apps = {path: Litestar([each]) for path, each in routes.items()}
apps[OURS] = Litestar([ours], plugins=[guard])
mount(apps[OURS], auth)
app = by_path(apps, alive=apps[OURS])
