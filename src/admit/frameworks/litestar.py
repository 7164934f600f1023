"""Admit in a Litestar app: `mount(app, auth)`, and `guards=[guard.user]` on what needs somebody.

The caller of a guarded route is `request.user`, and its dependency `principal`.
"""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from litestar import Response
from litestar.di import Provide
from litestar.exceptions import WebSocketException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import InitPlugin, ReceiveRoutePlugin
from litestar.routes import HTTPRoute
from litestar.types import Scope as LitestarScope  # noqa: TC002  it reads annotations as it runs

from admit.errors import Refusal
from admit.frameworks.guarding import Gated, admit_of, noted
from admit.guards import documented
from admit.guards.asgi import POLICY_VIOLATION, caller, refuse
from admit.guards.problems import MEDIA_TYPE, Problem
from admit.model import Principal  # noqa: TC001  the same

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from litestar import Litestar, Request
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
    from litestar.openapi.spec import Reference
    from litestar.routes import BaseRoute

    from admit.frameworks.guarding import Keeper
    from admit.guards.asgi import ASGIApp, Message, Receive, Scope, Send
    from admit.guards.gate import Gate, Needs

    Connection = ASGIConnection[Any, Any, Any, Any]

PRINCIPAL = "admit.principal"
"""Where, in its scope, a request's caller stands."""
HANDSHAKE = "admit.handshake"
"""Where the scope of a WebSocket says why its handshake is refused (a `Refusal`)."""


def mount(app: Litestar, auth: Keeper, *, at_root: bool = False) -> None:
    """Put Admit into the app: its routes, its refusals, and its start and end with the app's.

    Its routes stand before the app's own middleware, guards and routing.

    Arguments:
        app: any Litestar app, before its first request.
        auth: an `Admit`, or a `Verifier`, which has no routes.
        at_root: whether `/healthz`, `/readyz` and `/.well-known/jwks.json` are answered, too.

    Raises:
        SettingsError: the prefix is empty.
    """
    gate = auth.gate

    def refused(_: Request[Any, Any, Any], error: Refusal) -> Response[bytes]:
        answer = gate.answer(error)
        return Response(answer.body, status_code=answer.status, headers=answer.headers)

    app.exception_handlers[Refusal] = refused
    kept: AbstractAsyncContextManager[Any] = auth
    stack: Any = _Handshakes(cast("ASGIApp", app.asgi_handler), gate)
    if (admit := admit_of(auth)) is not None:
        from admit.http import embedding  # noqa: PLC0415  a Verifier needs no engine

        paths = embedding.Paths(admit, at_root=at_root)
        stack = embedding.Ours(embedding.surrounded(stack, admit), admit.app, paths)
        kept = embedding.Kept(admit)
    app.asgi_handler = stack
    app.on_startup.insert(0, kept.__aenter__)
    app.on_shutdown.append(partial(kept.__aexit__, None, None, None))


class Check:
    """One guard, as Litestar calls it before a route or the handshake of a WebSocket."""

    def __init__(self, gate: Gate, needs: Needs) -> None:
        self.needs = needs
        self._gate = gate

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Let the caller in; who it is stands in `request.user`.

        Raises:
            Refusal: what the caller is to be told.
            WebSocketException: the same, where a handshake is refused.
        """
        await self.admit(cast("Scope", connection.scope))

    async def admit(self, scope: Scope) -> None:
        """The same by the scope alone."""
        try:
            principal = await caller(self._gate, scope, self.needs)
        except Refusal as refusal:
            if scope["type"] == "http":
                noted(refusal, scope["litestar_app"])
                raise
            scope[HANDSHAKE] = refusal
            raise WebSocketException(detail=refusal.title(), code=POLICY_VIOLATION) from refusal
        scope["user"] = scope[PRINCIPAL] = principal

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """Itself: Litestar copies routers with all that is theirs, and there is one door."""
        return self


class Guard(Gated[Check], InitPlugin, ReceiveRoutePlugin):
    """Guards, and as a plugin the dependency `principal` and the app's OpenAPI document."""

    def _made(self, needs: Needs) -> Check:
        return Check(self.gate, needs)

    async def principal(self, scope: LitestarScope) -> Principal | None:
        """Who calls: as the route's guard found, and where it has none, somebody who is signed in.

        Raises:
            Refusal: what the caller is to be told.
        """
        connection = cast("Scope", scope)
        if PRINCIPAL not in connection:
            await self.user.admit(connection)
        found: Principal | None = connection[PRINCIPAL]
        return found

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Offer the dependency, and describe how a token may come."""
        app_config.dependencies.setdefault("principal", Provide(self.principal))
        if app_config.openapi_config:
            app_config.openapi_config = config = copy(app_config.openapi_config)
            theirs = config.components
            listed = theirs if isinstance(theirs, list) else [theirs]
            config.components = [*listed, Components(security_schemes=_schemes(self.gate))]
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """Describe what stands before the route."""
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                _describe(handler, self.gate)


def _schemes(gate: Gate) -> dict[str, SecurityScheme | Reference]:
    names = {"bearerFormat": "bearer_format", "in": "security_scheme_in"}
    return {
        name: SecurityScheme(**{names.get(key, key): value for key, value in scheme.items()})
        for name, scheme in documented.schemes(gate).items()
    }


def _describe(handler: HTTPRouteHandler, gate: Gate) -> None:
    """One route, by all our guards that stand before it; what it says itself stays."""
    checks = [each for each in handler.resolve_guards() if isinstance(each, Check)]
    if not checks:
        return
    guarded = documented.Guarded(gate, [each.needs for each in checks])
    # Litestar shows a route again for each method that is added to its path.
    others = [each for each in handler.security or () if each not in guarded.security]
    handler.security = [*others, *guarded.security]
    ours = {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=documented.described(refused),
            media_type=MEDIA_TYPE,
        )
        for status, refused in guarded.refusals.items()
    }
    handler.responses = ours | dict(handler.responses or {})


class _Handshakes:
    """Answers a handshake that a guard refused, where Litestar would only close it."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            send = self._answering(scope, send)
        await self._app(scope, receive, send)

    def _answering(self, scope: Scope, send: Send) -> Send:
        async def answering(message: Message) -> None:
            refusal = scope.pop(HANDSHAKE, None)
            if refusal is not None and message["type"] == "websocket.close":
                await refuse(self._gate.answer(refusal), scope, send)
            else:
                await send(message)

        return answering
