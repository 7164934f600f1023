"""An app that embeds Admit: a bare hello, a guarded route, and Admit's own routes.

Run with a port, it serves itself, with the options that `admit serve` has.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from admit import Admit
from admit.guards.presented import access_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


def app() -> Starlette:
    auth = Admit()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with auth:
            yield

    async def hello(_: Request) -> Response:
        return Response(b'{"hello":"world"}', media_type="application/json")

    async def guarded(request: Request) -> Response:
        principal = auth.verify(access_token(request.headers, None))
        who = {
            "user_id": principal.user_id,
            "session_id": principal.session_id,
            "roles": principal.roles,
            "expires_at": principal.expires_at,
        }
        return Response(msgspec.json.encode(who), media_type="application/json")

    return Starlette(
        routes=[Route("/hello", hello), Route("/guarded", guarded), Mount("", auth.app)],
        lifespan=lifespan,
    )


if __name__ == "__main__":
    uvicorn.run(
        app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        ws="none",
    )
