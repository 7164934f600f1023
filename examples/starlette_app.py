"""An app with Admit inside: `/auth/...` is its own, `/orders` is guarded."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from admit import Admit, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

auth = Admit()


async def orders(request: Request) -> JSONResponse:
    """Who is calling, from the access token; without a good one, `verify` raises a Refusal."""
    _, _, token = request.headers.get("authorization", "").partition(" ")
    principal = auth.verify(token)
    return JSONResponse({"orders_of": principal.user_id, "roles": list(principal.roles)})


async def refused(_: Request, error: Exception) -> JSONResponse:
    """What the caller sees of a Refusal: its status, its code and, where there is one, why."""
    assert isinstance(error, Refusal)
    body = {"code": error.code, "detail": str(error), "reason": error.reason}
    return JSONResponse(body, error.status, headers={"WWW-Authenticate": "Bearer"})


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Start Admit with the app, so that the first guarded request finds it ready."""
    async with auth:
        yield


app = Starlette(
    routes=[Route("/orders", orders), Mount("/auth", auth.app)],
    exception_handlers={Refusal: refused},
    lifespan=lifespan,
)
