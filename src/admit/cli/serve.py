"""`admit serve`: the server, and what it says when it starts."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from admit.cli.banner import banner
from admit.cli.failure import Failed
from admit.cli.opened import is_set
from admit.settings import Settings, variable

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.http.app import App

BACKLOG = 2_048
KEEP_ALIVE_SECONDS = 75
"""Longer than a proxy keeps an idle connection, or it sends a request into a closing one."""
LAST_REQUESTS_SECONDS = 10
"""How long a server that was told to stop waits for the requests that are under way."""
Level = Literal["debug", "info", "warning", "error"]


def serve(
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, metavar="N", help="The port; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="How many processes.")
    ] = 1,
    log_level: Annotated[Level, typer.Option(help="What to log on stderr.")] = "warning",
) -> None:
    """Start the server.

    With nothing set it makes a secret and a database in ./admit-data, and its base URL is
    http://localhost with the port.
    """
    from admit.auth import Admit  # noqa: PLC0415  `admit --help` needs no server

    with _bound(host, port) as listener:
        port = listener.getsockname()[1]
        auth = Admit(_settings(port))
        asyncio.run(_check(auth))
        listener.listen(BACKLOG)  # from here on, who connects is served
        banner(auth.settings, auth.store.name, host=host, port=port, workers=workers)
        if workers == 1:
            _serve_alone(auth.app, listener, log_level)
        else:
            os.environ[variable("base_url")] = auth.settings.base_url
            _serve_together(listener, workers, log_level)


def application() -> App:
    """The app of one worker, from the settings that the first process has checked."""
    from admit.auth import Admit  # noqa: PLC0415  see `serve`

    return Admit().app


def _settings(port: int) -> Settings:
    """The settings; where no base URL is set, it is this machine's with the port."""
    if is_set("base_url"):
        return Settings.load()
    return Settings.load(base_url=f"http://localhost:{port}")


async def _check(engine: Engine) -> None:
    """Start everything once, so that what can't work is one sentence and not a server's log."""
    async with engine:
        await engine.store.check()


def _bound(host: str, port: int) -> socket.socket:
    """A socket at this address; nobody can connect to it yet."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Failed(
                f"Port {port} is in use: stop what listens there, or take another with --port."
            ) from error
        raise Failed(f"Admit can't listen on {host}, port {port}: {error.strerror}.") from error
    listener.set_inheritable(True)
    return listener


def _serve_alone(app: App, listener: socket.socket, log_level: str) -> None:
    from uvicorn import Config, Server  # noqa: PLC0415  see `serve`

    with contextlib.suppress(KeyboardInterrupt):  # it has stopped in good order, as it was asked
        Server(Config(app, **_how(log_level))).run(sockets=[listener])


def _serve_together(listener: socket.socket, workers: int, log_level: str) -> None:
    from uvicorn import Config  # noqa: PLC0415  see `serve`
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415

    app = f"{application.__module__}:{application.__name__}"
    config = Config(app, factory=True, workers=workers, **_how(log_level))
    Multiprocess(config, sockets=[listener]).run()


def _how(log_level: str) -> dict[str, Any]:
    """How uvicorn serves: it believes no proxy (Admit does, by `trusted_proxies`)."""
    return {
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": LAST_REQUESTS_SECONDS,
        "backlog": BACKLOG,
        "log_level": log_level,
        "log_config": _logging(log_level),
    }


def _logging(log_level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        },
        "root": {"handlers": ["stderr"], "level": log_level.upper()},
    }
