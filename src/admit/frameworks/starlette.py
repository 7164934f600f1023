"""Admit in a Starlette app: `mount(app, auth)`, and `@guard.user` on what needs somebody.

The caller of a guarded endpoint stands in `request.state.principal`.
"""

from __future__ import annotations

import inspect
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from starlette._utils import is_async_callable
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.websockets import WebSocket, WebSocketState

from admit.errors import Refusal
from admit.frameworks.guarding import Gated, admit_of, noted
from admit.guards.asgi import POLICY_VIOLATION, caller, refuse
from admit.model import Principal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Scope

    from admit.auth import Admit
    from admit.frameworks.guarding import Keeper
    from admit.guards.gate import Needs
    from admit.http.embedding import Paths

    Endpoint = Callable[..., Any]
    Decorator = Callable[[Endpoint], Endpoint]

OURS = (Principal, type(None))
"""What a guard may replace as the user of a request: not what the app's own middleware found."""


def mount(app: Starlette, auth: Keeper, *, at_root: bool = False) -> None:
    """Put Admit into the app: its routes, its refusals, and its start and end with the app's.

    Arguments:
        app: any Starlette app, before its first request.
        auth: an `Admit`, or a `Verifier`, which has no routes.
        at_root: whether `/healthz`, `/readyz` and `/.well-known/jwks.json` are answered, too.

    Raises:
        SettingsError: the prefix is empty.
        RuntimeError: the app is running: what answers refusals can't be put in any more.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("Call mount(app, auth) before the app starts, not in its lifespan.")
    app.add_exception_handler(Refusal, refusing(auth))
    kept: AbstractAsyncContextManager[Any] = auth
    if (admit := admit_of(auth)) is not None:
        from admit.http import embedding  # noqa: PLC0415  a Verifier needs no engine

        app.router.routes.insert(0, _Routes(admit, embedding.Paths(admit, at_root=at_root)))
        _surround(app, lambda inner: embedding.surrounded(inner, admit))
        kept = embedding.Kept(admit)
    _keep(app, kept)


class Guard(Gated["Decorator"]):
    """Decorators for endpoints: functions, methods of an `HTTPEndpoint`, and WebSockets.

    The caller stands in `request.user`, or in that of the WebSocket; where the app has an
    `AuthenticationMiddleware`, whose user that is, in `request.state.principal`, as always.
    """

    def _made(self, needs: Needs) -> Decorator:
        gate = self.gate

        def guarded(endpoint: Endpoint) -> Endpoint:
            at = _position(endpoint)
            is_async = is_async_callable(endpoint)

            @wraps(endpoint)
            async def admitted(*given: Any, **named: Any) -> Any:  # noqa: ANN401
                connection = (
                    given[at] if len(given) > at else named.get("request") or named["websocket"]
                )
                scope = connection.scope
                try:
                    principal = await caller(gate, scope, needs)
                except Refusal as refusal:
                    noted(refusal, scope.get("app"))
                    raise
                scope.setdefault("state", {})["principal"] = principal
                if isinstance(scope.get("user"), OURS):
                    scope["user"] = principal
                if is_async:
                    return await endpoint(*given, **named)
                return await run_in_threadpool(endpoint, *given, **named)

            return admitted

        return guarded


def refusing(auth: Keeper) -> Callable[[Any, Exception], Any]:
    """The handler of exceptions that answers a refusal as the HTTP contract has it."""
    gate = auth.gate

    async def refused(connection: HTTPConnection, error: Exception) -> Response | None:
        if not isinstance(error, Refusal):
            raise TypeError from error
        answer = gate.answer(error)
        if not isinstance(connection, WebSocket):
            return Response(answer.body, answer.status, answer.headers)
        if connection.application_state is WebSocketState.CONNECTED:
            await connection.close(POLICY_VIOLATION, error.code)
        else:
            await refuse(answer, connection.scope, connection.send)
        return None

    return refused


class _Routes(Mount):
    """Every path that is Admit's, before all other routes."""

    def __init__(self, auth: Admit, ours: Paths) -> None:
        super().__init__(auth.settings.prefix, auth.app, name="admit")
        self._ours = ours

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """By the whole path, which our app routes by, too."""
        return (Match.FULL if scope["path"] in self._ours else Match.NONE), {}


def _keep(app: Starlette, kept: AbstractAsyncContextManager[Any]) -> None:
    """Start with the app and close after it; its own lifespan stays."""
    own = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        async with kept, own(running) as state:
            yield state

    app.router.lifespan_context = lifespan


def _surround(app: Starlette, surround: Callable[[ASGIApp], ASGIApp]) -> None:
    """Stand around all that answers, what says 500 included: Starlette has no other way there."""
    build = app.build_middleware_stack

    def built() -> ASGIApp:
        return surround(build())

    app.build_middleware_stack = built  # type: ignore[method-assign]


def _position(endpoint: Endpoint) -> int:
    """Where the endpoint takes its request or its WebSocket.

    Raises:
        TypeError: nowhere.
    """
    for at, name in enumerate(inspect.signature(endpoint).parameters):
        if name in {"request", "websocket"}:
            return at
    raise TypeError(f"{endpoint!r} takes no argument named `request` or `websocket`")
