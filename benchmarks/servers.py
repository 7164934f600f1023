"""Servers in processes of their own: on a free port, in a directory of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from admit.settings import variable
from benchmarks.load import LoadError
from benchmarks.seed import seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from admit.model import Tokens

ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 30.0
LOG_TAIL = 2_000


@dataclass(frozen=True, kw_only=True)
class Server:
    port: int
    pid: int
    tokens: list[Tokens]
    """What the sessions that it was seeded with started with."""

    def memory(self) -> dict[str, float]:
        """MB of memory in use now (`VmRSS`) and at most so far (`VmHWM`); empty off Linux."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}

    def processor_seconds(self) -> float:
        """What its threads and its workers' have used so far; 0 off Linux."""
        try:
            workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
            return sum(map(_processor_seconds, [self.pid, *map(int, workers.split())]))
        except OSError:
            return 0.0


def by_uvicorn(app: str, *, users: int, sessions: int) -> AbstractContextManager[Server]:
    """An ASGI app in one process, as `admit serve` would run it."""
    options = "--loop uvloop --http httptools --ws none --log-level warning --no-access-log --port="
    return _serve(["-m", "uvicorn", app, *options.split()], users=users, sessions=sessions)


def by_gunicorn(app: str, *, users: int, sessions: int) -> AbstractContextManager[Server]:
    """A WSGI app in one process with threads: two for each of two cores, as gunicorn advises."""
    options = "-k gthread --threads 4 --log-level warning --no-control-socket -b 127.0.0.1:"
    return _serve(["-m", "gunicorn", app, *options.split()], users=users, sessions=sessions)


def embedding(*, users: int, sessions: int) -> AbstractContextManager[Server]:
    """The app in benchmarks/served.py."""
    return _serve(["-m", "benchmarks.served", ""], users=users, sessions=sessions)


def admit_serve(*, users: int, sessions: int, **settings: str) -> AbstractContextManager[Server]:
    """The command itself, as people run it; on another store with `database_url`."""
    command = ["-m", "admit.cli", "serve", "--port", ""]
    return _serve(command, users=users, sessions=sessions, **settings)


@contextmanager
def _serve(command: list[str], *, users: int, sessions: int, **settings: str) -> Iterator[Server]:
    """Run a command whose last word lacks nothing but the port."""
    with TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        tokens = seed(home / "data", users=users, sessions=sessions)
        port = _free_port()
        with (home / "log").open("w+b") as log:
            process = subprocess.Popen(
                [sys.executable, *command[:-1], f"{command[-1]}{port}"],
                cwd=home,  # away from any .env
                env=_environment(home / "data", settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                _wait(process, port, home / "log")
                yield Server(port=port, pid=process.pid, tokens=tokens)
            except LoadError as error:
                error.add_note((home / "log").read_text(errors="replace")[-LOG_TAIL:])
                raise
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


def _environment(data_dir: Path, settings: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ADMIT_")}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return (
        kept
        | {
            "ADMIT_DATA_DIR": str(data_dir),
            # A client here refreshes without pause; a token that rests would be answered without
            # a write, and the figure would be of something cheaper.
            "ADMIT_LEEWAY": "0",
            "ADMIT_THROTTLE": "off",
            "PYTHONPATH": os.pathsep.join(paths),
        }
        | {variable(name): value for name, value in settings.items()}
    )


def _processor_seconds(pid: int) -> float:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")
