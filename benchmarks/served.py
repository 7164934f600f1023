"""An app that embeds Admit: a bare hello, a guarded route, and Admit's own routes.

Run with a port, it serves itself, with the options that `admit serve` has. With PEER_RACES set its
passwords are cheap to hash, and `POST /ahead` moves its clock on.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from admit import Admit
from admit.errors import Refusal
from admit.frameworks.starlette import refusing
from admit.guards.presented import access_token
from tests.cheap import cheap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


class Clock:
    """The system's, and ahead of it by as much as it was told."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    async def move(self, request: Request) -> Response:
        self._ahead += (await request.json())["seconds"]
        return Response(b"{}", media_type="application/json")


def app() -> Starlette:
    return _around(Admit())


def for_races() -> Starlette:
    clock = Clock()
    served = _around(Admit(cheap(), clock=clock))
    served.routes.insert(0, Route("/ahead", clock.move, methods=["POST"]))
    return served


def _around(auth: Admit) -> Starlette:
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
        exception_handlers={Refusal: refusing(auth)},
    )


if __name__ == "__main__":
    uvicorn.run(
        for_races() if os.environ.get("PEER_RACES") else app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        ws="none",
    )
