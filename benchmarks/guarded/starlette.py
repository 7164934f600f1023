"""Starlette, beside PyJWT in a decorator."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import jwt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from admit import Admit
from admit.frameworks.starlette import Guard, mount
from benchmarks.guarded import BARE, HELLO, OURS, TOKENS, USUAL
from benchmarks.guarded.serving import by_path
from benchmarks.guarded.tokens import made, user_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    Endpoint = Callable[[Request], Awaitable[Response]]

auth = Admit()
guard = Guard(auth)
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def signed_in(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPException(401, headers=CHALLENGE)
        try:
            request.state.user = user_of(token)
        except jwt.InvalidTokenError:
            raise HTTPException(401, headers=CHALLENGE) from None
        return await endpoint(request)

    return guarded


async def bare(_: Request) -> Response:
    return JSONResponse(HELLO)


@guard.user
async def ours(request: Request) -> Response:
    assert request.user.user_id
    return JSONResponse(HELLO)


@signed_in
async def usual(request: Request) -> Response:
    assert request.state.user
    return JSONResponse(HELLO)


async def tokens(_: Request) -> Response:
    return JSONResponse(made())


routes = {BARE: bare, OURS: ours, USUAL: usual, TOKENS: tokens}
apps = {path: Starlette(routes=[Route(path, each)]) for path, each in routes.items()}
mount(apps[OURS], auth)
app = by_path(apps, alive=apps[OURS])
