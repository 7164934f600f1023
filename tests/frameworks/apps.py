"""The same small app in each asynchronous framework, with Admit inside."""

from contextlib import asynccontextmanager
from typing import Annotated, Any

import fastapi
import httpx
import litestar
from litestar.di import NamedDependency
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from admit import Admit, Principal
from admit.frameworks import fastapi as at_fastapi
from admit.frameworks import litestar as at_litestar
from admit.frameworks import starlette as at_starlette
from admit.testing.http_contract import Clock, Service
from tests.cheap import cheap

RECENT = 5
"""Minutes ago that the sign-in may have been for `/recent`."""


def named(principal) -> dict[str, Any]:
    return {"user": principal.user_id if principal else None}


def starlette_app(auth, **given):
    guard = at_starlette.Guard(auth)

    @guard.user
    async def page(request):
        return JSONResponse(named(request.state.principal))

    @guard.optional
    def maybe(request):
        return JSONResponse(named(request.state.principal))

    class Admin(HTTPEndpoint):
        @guard.role("admin")
        def get(self, request):
            return JSONResponse(named(request.state.principal))

    @guard.recent(minutes=RECENT)
    async def recent(request):
        return JSONResponse(named(request.state.principal))

    @guard.user
    async def broken(request):
        raise RuntimeError("a route's own")

    @guard.user
    async def socket(websocket):
        await websocket.accept()
        await websocket.send_text(websocket.state.principal.user_id)
        await websocket.close()

    app = Starlette(
        routes=[
            Route("/page", page, methods=["GET", "POST"]),
            Route("/maybe", maybe),
            Route("/admin", Admin),
            Route("/recent", recent),
            Route("/broken", broken),
            WebSocketRoute("/socket", socket),
        ],
    )
    at_starlette.mount(app, auth, **given)
    return app


def fastapi_app(auth, **given):
    guard = at_fastapi.Guard(auth)
    app = fastapi.FastAPI()
    at_fastapi.mount(app, auth, **given)

    @app.get("/page")
    @app.post("/page")
    async def page(principal: Annotated[Principal, fastapi.Depends(guard.user)]):
        return named(principal)

    @app.get("/maybe")
    def maybe(principal: Annotated[Principal | None, fastapi.Depends(guard.optional)]):
        return named(principal)

    @app.get("/admin")
    async def admin(principal: Annotated[Principal, fastapi.Depends(guard.role("admin"))]):
        return named(principal)

    @app.get("/recent")
    async def recent(
        principal: Annotated[Principal, fastapi.Depends(guard.recent(minutes=RECENT))],
    ):
        return named(principal)

    @app.get("/broken", dependencies=[fastapi.Depends(guard.user)])
    async def broken():
        raise RuntimeError("a route's own")

    @app.websocket("/socket")
    async def socket(
        websocket: fastapi.WebSocket,
        principal: Annotated[Principal, fastapi.Depends(guard.user)],
    ):
        await websocket.accept()
        await websocket.send_text(principal.user_id)
        await websocket.close()

    return app


def litestar_app(auth, **given):
    guard = at_litestar.Guard(auth)

    @litestar.route("/page", http_method=["GET", "POST"], guards=[guard.user], status_code=200)
    async def page(principal: NamedDependency[Principal]) -> dict[str, Any]:
        return named(principal)

    @litestar.get("/maybe", guards=[guard.optional], sync_to_thread=False)
    def maybe(principal: NamedDependency[Principal | None]) -> dict[str, Any]:
        return named(principal)

    @litestar.get("/admin", guards=[guard.role("admin")])
    async def admin(request: litestar.Request) -> dict[str, Any]:
        return named(request.user)

    @litestar.get("/recent", guards=[guard.recent(minutes=RECENT)])
    async def recent(principal: NamedDependency[Principal]) -> dict[str, Any]:
        return named(principal)

    @litestar.get("/broken", guards=[guard.user])
    async def broken() -> None:
        raise RuntimeError("a route's own")

    @litestar.websocket("/socket", guards=[guard.user])
    async def socket(socket: litestar.WebSocket, principal: NamedDependency[Principal]) -> None:
        await socket.accept()
        await socket.send_text(principal.user_id)
        await socket.close()

    app = litestar.Litestar(
        [page, maybe, admin, recent, broken, socket], plugins=[guard], logging_config=None
    )
    at_litestar.mount(app, auth, **given)
    return app


GUARDS: dict[str, Any] = {
    "fastapi": at_fastapi.Guard,
    "starlette": at_starlette.Guard,
    "litestar": at_litestar.Guard,
}
APPS: dict[str, Any] = {
    "fastapi": fastapi_app,
    "starlette": starlette_app,
    "litestar": litestar_app,
}


@asynccontextmanager
async def inside(framework, *, data_dir, store=None, watch=True, at_root=True, **settings):
    """A service inside an app of this framework, in this process; nobody runs the lifespan."""
    clock = settings.pop("clock", None) or Clock()
    auth = Admit(cheap(data_dir=data_dir, **settings), store=store, clock=clock, watch=watch)
    app = APPS[framework](auth, at_root=at_root)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=auth.settings.base_url) as client:
        try:
            yield Service(client, auth, clock)
        finally:
            await auth.close()
