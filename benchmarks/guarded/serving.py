"""Apps side by side in one process: which of them answers is told by the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    App = Callable[..., Any]


def by_path(apps: Mapping[str, App], *, alive: App) -> App:
    """As one ASGI app.

    Arguments:
        apps: by the path of their only route.
        alive: the one that hears of the start and the end; the others have no use for them.
    """

    async def chosen(scope: dict[str, Any], receive: App, send: App) -> None:
        app = alive if scope["type"] == "lifespan" else apps[scope["path"]]
        await app(scope, receive, send)

    return chosen


def wsgi_by_path(apps: Mapping[str, App]) -> App:
    """As one WSGI app."""

    def chosen(environ: dict[str, Any], start_response: App) -> Iterable[bytes]:
        answer: Iterable[bytes] = apps[environ["PATH_INFO"]](environ, start_response)
        return answer

    return chosen
