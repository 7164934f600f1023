"""Apps side by side in one process, behind the server that is usual for them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    App = Callable[..., Any]

THREADS = 4
"""Two for each of two cores, the least that gunicorn's pages advise."""


def by_uvicorn(apps: Mapping[str, App], *, alive: App) -> None:
    """Each at its path, on the port that the command line names.

    Arguments:
        apps: by the path of their only route.
        alive: the one that hears of the start and the end; the others have no use for them.
    """

    async def chosen(scope: dict[str, Any], receive: App, send: App) -> None:
        app = alive if scope["type"] == "lifespan" else apps[scope["path"]]
        await app(scope, receive, send)

    uvicorn.run(
        chosen,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        ws="none",
    )


def by_path(apps: Mapping[str, App]) -> App:
    """Each at the path of its only route, as one WSGI app."""

    def chosen(environ: dict[str, Any], start_response: App) -> Iterable[bytes]:
        answer: Iterable[bytes] = apps[environ["PATH_INFO"]](environ, start_response)
        return answer

    return chosen


def by_gunicorn(app: str) -> None:
    """On the port that the command line names; this process becomes gunicorn's first."""
    options = {
        "--bind": f"127.0.0.1:{sys.argv[1]}",
        "--worker-class": "gthread",
        "--threads": str(THREADS),
        "--log-level": "warning",
    }
    flat = [text for option in options.items() for text in option]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *flat, app])
