"""`admit serve`: the server, and what it says when it starts."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from admit.cli.banner import banner
from admit.cli.failure import Failed
from admit.cli.opened import is_set
from admit.settings import Settings, variable
from admit.telemetry import workers as together

if TYPE_CHECKING:
    from admit.auth import Admit
    from admit.telemetry.logs import Form

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4194304"
"""The memory of a password's hash goes back when it is done, and comes in huge pages, without
which fetching it anew each time would cost a third of the hash (docs/decisions/0012)."""
Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "text"]


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
    log_format: Annotated[
        Format, typer.Option(help="auto: text on a terminal, else JSON lines.")
    ] = "auto",
) -> None:
    """Start the server.

    With nothing set it makes a secret and a database in ./admit-data, and its base URL is
    http://localhost with the port. It has the pages, unless ADMIT_PAGES is off.
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
        form = _form(log_format)
        banner(auth, host=host, port=port, workers=workers, form=form)
        os.environ[variable("base_url")] = auth.settings.base_url
        os.environ[variable("pages")] = "on" if auth.settings.pages else "off"
        if _huge_pages():
            os.environ.setdefault("GLIBC_TUNABLES", TUNABLES)
        if workers == 1:
            _serve_alone(listener, log_level, form)
        else:
            _serve_together(listener, workers, log_level, form)


def _form(log_format: Format) -> Form:
    if log_format == "auto":
        return "text" if sys.stderr.isatty() else "json"
    return log_format


def _huge_pages() -> bool:
    """Whether this kernel gives huge pages to whoever asks for them."""
    try:
        return "[never]" not in HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return False


def _settings(port: int) -> Settings:
    """The settings; where no base URL is set, it is this machine's with the port."""
    ours: dict[str, Any] = {"base_url": f"http://localhost:{port}", "pages": True}
    return Settings.load(**{name: value for name, value in ours.items() if not is_set(name)})


async def _check(auth: Admit) -> None:
    """Start everything once, so that what can't work is one sentence and not a server's log."""
    async with auth:
        await auth.store.check()
        auth.app  # noqa: B018  it is made when it is asked for, pages and all


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


def _serve_alone(listener: socket.socket, log_level: str, form: Form) -> None:
    """Become a process in which nothing of the command is loaded: it serves for months."""
    worker = ["-P", "-m", "admit.cli.worker", str(listener.fileno()), log_level, form]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *worker])  # noqa: S606  ourselves


def _serve_together(listener: socket.socket, workers: int, log_level: str, form: Form) -> None:
    from uvicorn import Config  # noqa: PLC0415  see `serve`

    from admit.cli.supervisor import Supervisor  # noqa: PLC0415
    from admit.cli.worker import COUNTERS, application, how  # noqa: PLC0415
    from admit.counters import file  # noqa: PLC0415

    app = f"{application.__module__}:{application.__name__}"
    config = Config(app, factory=True, workers=workers, **how(log_level, form))
    with _directory() as directory:
        os.environ[COUNTERS] = file.make(directory)
        together.count_together(directory)
        supervisor = Supervisor(config, sockets=[listener])
        supervisor.run()
    if supervisor.failed:
        raise Failed("A worker could not start; its log says why.")


def _directory() -> tempfile.TemporaryDirectory[str]:
    """For the workers alone (mode 0700), and gone when they are."""
    try:
        return tempfile.TemporaryDirectory(prefix="admit-", ignore_cleanup_errors=True)
    except OSError as error:
        raise Failed(
            "The workers need a directory for what they count together, and none can be made"
            f" ({error}): set TMPDIR to one that can be written."
        ) from error
