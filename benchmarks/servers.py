"""Servers of ours, with users and sessions before the first request."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from admit.settings import variable
from benchmarks.processes import PORT, ROOT, Process, started
from benchmarks.seed import seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from admit.model import Tokens


@dataclass(frozen=True, kw_only=True)
class Server(Process):
    tokens: list[Tokens]
    """What the sessions that it was seeded with started with."""


def by_uvicorn(app: str, *, users: int, sessions: int) -> AbstractContextManager[Server]:
    """An ASGI app in one process, as `admit serve` would run it."""
    return _serve(uvicorn(app), users=users, sessions=sessions)


def by_gunicorn(app: str, *, users: int, sessions: int) -> AbstractContextManager[Server]:
    """A WSGI app in one process with threads: two for each of two cores, as gunicorn advises."""
    return _serve(gunicorn(app), users=users, sessions=sessions)


def admit_serve(*, users: int, sessions: int, **settings: str) -> AbstractContextManager[Server]:
    """The command itself, as people run it; on another store with `database_url`."""
    command = ["-m", "admit.cli", "serve", "--port", PORT]
    return _serve(command, users=users, sessions=sessions, **settings)


def uvicorn(app: str) -> list[str]:
    """What Python is started with to serve an ASGI app, on the port that `started` finds."""
    options = "--loop uvloop --http httptools --ws none --log-level warning --no-access-log --port"
    return ["-m", "uvicorn", app, *options.split(), PORT]


def gunicorn(app: str) -> list[str]:
    """The same of a WSGI app."""
    options = "-k gthread --threads 4 --log-level warning --no-control-socket -b"
    return ["-m", "gunicorn", app, *options.split(), f"127.0.0.1:{PORT}"]


@contextmanager
def _serve(command: list[str], *, users: int, sessions: int, **settings: str) -> Iterator[Server]:
    with TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        tokens = seed(home / "data", users=users, sessions=sessions)
        environ = environment(home / "data") | {variable(name): settings[name] for name in settings}
        with started([sys.executable, *command], home=home, environ=environ) as process:
            yield Server(port=process.port, pid=process.pid, home=home, tokens=tokens)


def environment(data_dir: Path) -> dict[str, str]:
    """This process's, without any setting of ours but those that a load needs."""
    return python_environment() | {
        "ADMIT_DATA_DIR": str(data_dir),
        # A client here refreshes without pause; a token that rests would be answered without
        # a write, and the figure would be of something cheaper.
        "ADMIT_LEEWAY": "0",
        "ADMIT_THROTTLE": "off",
    }


def python_environment() -> dict[str, str]:
    """This process's, without any setting of ours; modules of the benchmarks are found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ADMIT_")}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}
