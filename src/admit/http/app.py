"""The ASGI app: routes, refusals, and the headers that every answer carries."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Protocol

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router

from admit import errors
from admit.guards.problems import security_headers
from admit.http import embedding, metrics
from admit.http.observed import REQUEST_ID, Observer, refused
from admit.http.operations import operations
from admit.http.problems import problem
from admit.http.routes import Routes
from admit.stores.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from admit.engine import Engine
    from admit.http.operations import Endpoint, Operation
    from admit.settings import Settings

logger = logging.getLogger("admit.http")

LARGEST_HEADERS = 64 * 1024
CORS_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "Refresh-Token"]
CORS_SECONDS = 600


class Pages(Protocol):
    """Pages for people beside the JSON routes."""

    @property
    def routes(self) -> Sequence[Route]:
        """What is served beside ours."""

    @property
    def paths(self) -> Container[str]:
        """Which paths are answered whether or not the engine has started."""

    def missing(self, request: Request) -> Response | None:
        """The page for who opened an address where nothing is; None for a program."""


class App:
    """Every route under the prefix, and the health checks and keys at the root.

    It routes by the full path, so it may be mounted at the prefix, or at the root, or served
    alone. It starts its engine with the server (lifespan), or at the first request where whoever
    mounts it runs no lifespan.

    Arguments:
        engine: answers for everything.
        pages: for people; none where None.
    """

    def __init__(self, engine: Engine, pages: Pages | None = None) -> None:
        self._engine = engine
        self._headers = _raw(security_headers(secure=engine.settings.secure))
        self._app = _routed(engine, pages)
        self._without_engine = pages.paths if pages else frozenset[str]()
        self._observer = Observer(engine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            # The prefix is part of the public path, wherever the app is mounted.
            await self._observed({**scope, "root_path": "", "app": self}, receive, send)
            await self._engine.settle()
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._observer.exchange(scope) as seen, Patience():
            own = (b"x-request-id", seen.id.encode())

            async def with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen.status = message["status"]
                    given = message["headers"]
                    message["headers"] = [*given, *self._missing(given), own]
                await send(message)

            try:
                await self._http(scope, receive, with_headers)
            except Exception:
                # The last resort: it fails closed, says nothing of what happened, and logs it all.
                logger.exception("unexpected, in %s %s", seen.method, seen.route)
                if seen.status is None:
                    await _refuse(errors.Unavailable(), scope, receive, with_headers)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await _refuse(errors.TooLarge("The headers are over 64 KiB."), scope, receive, send)
            return
        if scope["path"] in self._without_engine:
            await self._app(scope, receive, send)
            return
        try:
            await self._engine.begin()
        except errors.Unavailable as error:
            await _refuse(error, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _missing(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers that every answer carries; an answer's own Cache-Control stays."""
        names = {name for name, _ in given}
        return [header for header in self._headers if header[0] not in names]

    def stop_waiting(self) -> None:
        """Answer now whoever waits for news: the server is about to stop."""
        self._engine.revoked.news.close()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await embedding.start(self._engine)
        except errors.AdmitError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._engine.close()
        await send({"type": "lifespan.shutdown.complete"})


def refusing(error: errors.Refusal) -> ASGIApp:
    """An app that gives everybody this refusal: what stands in for one that can't be made."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(error)
        response.headers.update(security_headers(secure=False))
        if scope.get(REQUEST_ID):
            response.headers["x-request-id"] = scope[REQUEST_ID]
        await response(scope, receive, send)

    return refuse


async def _refuse(error: errors.Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    refused(scope, error)
    await problem(error)(scope, receive, send)


def _routed(engine: Engine, pages: Pages | None) -> ASGIApp:
    """The routes, with refusals as answers, and CORS around both."""
    routes = Routes(engine)
    served_under_prefix = [
        each for each in operations(routes) if engine.registers or each.path != "/register"
    ]
    if engine.settings.admin_role:
        from admit.http.admin import operations as administer  # noqa: PLC0415  few have it on

        served_under_prefix += administer(engine)

    @cache
    def document() -> bytes:
        from admit.http.openapi import describe  # noqa: PLC0415  few ever ask for it

        return describe(engine.settings, served_under_prefix)

    async def openapi(_: Request) -> Response:
        return Response(document(), media_type="application/json")

    prefix = engine.settings.prefix
    served = [
        Route(prefix + path, _by_method(endpoints), methods=list(endpoints))
        for path, endpoints in _paths(served_under_prefix).items()
    ]
    served += [
        Route(f"{prefix}/openapi.json", openapi),
        Route("/healthz", routes.healthz),
        Route("/readyz", routes.readyz),
        Route("/.well-known/jwks.json", routes.jwks),
    ]
    if engine.settings.metrics_keys:
        served.append(Route(metrics.PATH, metrics.endpoint(engine)))
    if pages:
        served += pages.routes

    async def not_routed(request: Request, error: Exception) -> Response:
        answer = _not_routed(request, error)
        lost = answer.status_code == errors.NotFound.status
        return (pages.missing(request) if pages and lost else None) or answer

    handlers = {
        errors.Refusal: _refused,
        HTTPException: not_routed,
        ClientDisconnect: _gone,
    }
    app = ExceptionMiddleware(Router(served, redirect_slashes=False), handlers)
    return _cors(app, engine.settings)


def _paths(served: list[Operation]) -> dict[str, dict[str, Endpoint]]:
    """What answers each method of each path: one route a path, so that a 405 names every method."""
    found: dict[str, dict[str, Endpoint]] = {}
    for each in served:
        found.setdefault(each.path, {})[each.method] = each.endpoint
    return found


def _by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    if len(endpoints) == 1:
        return next(iter(endpoints.values()))

    async def chosen(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return chosen


def _cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    if not settings.allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=CORS_HEADERS,
        expose_headers=["Retry-After", "WWW-Authenticate", "X-Request-Id"],
        max_age=CORS_SECONDS,
    )


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.Refusal):
        raise TypeError from error
    refused(request.scope, error)
    if isinstance(error, errors.Unavailable):
        logger.warning("unavailable: %s%s", error, _cause(error))
    return problem(error)


def _cause(error: Exception) -> str:
    """Why, on one line: in an outage each answer has its own, and a trace would bury them."""
    return f" ({' '.join(str(error.__cause__).split())})" if error.__cause__ else ""


def _not_routed(request: Request, error: Exception) -> Response:
    allow = (getattr(error, "headers", None) or {}).get("Allow")
    refusal = errors.MethodNotAllowed(allow=allow) if allow else errors.NotFound()
    refused(request.scope, refusal)
    return problem(refusal)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
