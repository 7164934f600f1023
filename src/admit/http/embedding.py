"""Admit inside another ASGI app: started and closed with it, and around its requests.

What is here knows ASGI and no framework; `admit.frameworks` puts it in its place.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from admit.errors import SettingsError, Unavailable
from admit.guards.asgi import ScopeHeaders
from admit.guards.gate import REFUSED
from admit.http import credentials, later
from admit.http.renewal import Renewal

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.guards.asgi import ASGIApp, Message, Receive, Scope, Send
    from admit.http.renewal import Renewed

logger = logging.getLogger("admit.http")

AT_ROOT = frozenset({"/healthz", "/readyz", "/.well-known/jwks.json"})
"""What our app answers outside the prefix, too, where whoever embeds it wants that."""


async def start(engine: Engine) -> None:
    """Start with a server, which must not end because its store is out: a request tries again.

    Raises:
        SettingsError: the configuration can't work.
    """
    later.load()  # a server has the time now, and its first sign-in should not wait
    try:
        await engine.start()
    except Unavailable as error:
        cause = f" ({' '.join(str(error.__cause__).split())})" if error.__cause__ else ""
        logger.warning("started without the store: %s%s", error, cause)


class Kept:
    """An engine that starts and closes with the app around it; as often as that does.

    Arguments:
        engine: is started, unless its store is out.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __aenter__(self) -> None:
        await start(self._engine)

    async def __aexit__(self, *_: object) -> None:
        await self._engine.close()


class Paths:
    """Which paths are ours, whatever else there is in the app.

    Arguments:
        engine: has the prefix.
        at_root: whether the health checks and the keys are answered at the root, too.

    Raises:
        SettingsError: without a prefix, no path would be left to the app.
    """

    def __init__(self, engine: Engine, *, at_root: bool) -> None:
        prefix = engine.settings.prefix
        if not prefix:
            raise SettingsError(
                "prefix",
                "ADMIT_PREFIX (prefix) is empty, so every path would be Admit's: set /auth.",
            )
        self._under = f"{prefix}/"
        self._besides = frozenset({prefix}) | (AT_ROOT if at_root else frozenset())

    def __contains__(self, path: str) -> bool:
        return path.startswith(self._under) or path in self._besides


class Ours:
    """Answers what is ours, before the app that it stands around.

    Arguments:
        app: gets all the rest.
        routes: the app of our routes.
        paths: which are ours.
    """

    def __init__(self, app: ASGIApp, routes: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._routes = routes
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        is_ours = scope["path"] in self._paths
        await (self._routes if is_ours else self._app)(scope, receive, send)


def surrounded(app: ASGIApp, engine: Engine) -> ASGIApp:
    """The app, with sessions renewed and what requests began settled where that is needed."""
    if engine.settings.access_cookie or not engine.watched:
        return Renewing(app, engine)
    return app


class Renewing:
    """Renews sessions on the way in, and sees to it that the answer brings the cookies.

    It has to stand around everything that answers, even what answers for a route that failed: a
    browser that doesn't get the successor is signed out by its parent.

    Arguments:
        app: behind it.
        engine: has the sessions.
    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._renewal = Renewal(engine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no request is handed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        renewed = await self._renewed(scope)
        if renewed.refusal is not None:
            scope[REFUSED] = renewed.refusal
        if renewed.cookie is not None:
            scope["headers"] = with_cookie(scope["headers"], renewed.cookie)
            send = _delivering(renewed.delivered, send)
        await self._app(scope, receive, send)
        await self._engine.settle()

    async def _renewed(self, scope: Scope) -> Renewed:
        headers = ScopeHeaders(scope)
        settings = self._engine.settings
        return await self._renewal.renew(
            headers,
            method=scope["method"],
            path=scope["path"],
            origin=credentials.origin(scope, headers, settings),
        )


def with_cookie(headers: list[tuple[bytes, bytes]], cookie: str) -> list[tuple[bytes, bytes]]:
    """The headers with this one `Cookie` in place of all that there are."""
    others = [each for each in headers if each[0] != b"cookie"]
    return [*others, (b"cookie", cookie.encode("latin-1"))]


def _delivering(cookies: tuple[str, ...], send: Send) -> Send:
    """Adds these cookies to the answer, which nobody may store then."""

    async def delivering(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": delivered(message.get("headers", ()), cookies)}
        await send(message)

    return delivering


def delivered(
    headers: list[tuple[bytes, bytes]], cookies: tuple[str, ...]
) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with these cookies, and with nothing that lets others store it.

    A cookie that the app sets or removes itself is left to it: it signs out, perhaps.
    """
    kept = [(bytes(name).lower(), bytes(value)) for name, value in headers]
    kept = [each for each in kept if not lets_store(each[0].decode("latin-1"))]
    own = {value.partition(b"=")[0] for name, value in kept if name == b"set-cookie"}
    lines = [each.encode("latin-1") for each in cookies]
    added = [(b"set-cookie", each) for each in lines if each.partition(b"=")[0] not in own]
    return [*kept, (b"cache-control", b"no-store"), *added]


def lets_store(name: str) -> bool:
    """`Cache-Control`, and what shared caches obey in its place (RFC 9213; Surrogate-Control)."""
    small = name.lower()
    return small.endswith("cache-control") or small in {"surrogate-control", "expires"}
