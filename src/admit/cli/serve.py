"""`admit serve`: the server, and what it says when it starts."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from admit.cli.banner import banner
from admit.cli.failure import Failed
from admit.cli.opened import is_set
from admit.settings import Settings, variable

if TYPE_CHECKING:
    from admit.engine import Engine

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4194304"
"""The memory of a password's hash goes back when it is done, and comes in huge pages, without
which fetching it anew each time would cost a third of the hash (docs/decisions/0012)."""
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
    from admit.cli.worker import BACKLOG  # noqa: PLC0415

    with _bound(host, port) as listener:
        port = listener.getsockname()[1]
        auth = Admit(_settings(port))
        asyncio.run(_check(auth))
        listener.listen(BACKLOG)  # from here on, who connects is served
        if workers == 1:
            _hold_ctrl_c()
        banner(auth.settings, auth.store.name, host=host, port=port, workers=workers)
        os.environ[variable("base_url")] = auth.settings.base_url
        if _huge_pages():
            os.environ.setdefault("GLIBC_TUNABLES", TUNABLES)
        if workers == 1:
            _serve_alone(listener, log_level)
        else:
            _serve_together(listener, workers, log_level)


def _huge_pages() -> bool:
    """Whether this kernel gives huge pages to whoever asks for them."""
    try:
        return "[never]" not in HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return False


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


def _hold_ctrl_c() -> None:
    """Until the process that serves is ready for it: Python alone would show where it was."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve_alone(listener: socket.socket, log_level: str) -> None:
    """Become a process in which nothing of the command is loaded: it serves for months."""
    worker = ["-P", "-m", "admit.cli.worker", str(listener.fileno()), log_level]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *worker])  # noqa: S606  ourselves


def _serve_together(listener: socket.socket, workers: int, log_level: str) -> None:
    from uvicorn import Config  # noqa: PLC0415  see `serve`
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415

    from admit.cli.worker import application, how  # noqa: PLC0415

    app = f"{application.__module__}:{application.__name__}"
    config = Config(app, factory=True, workers=workers, **how(log_level))
    Multiprocess(config, sockets=[listener]).run()
