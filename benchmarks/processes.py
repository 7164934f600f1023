"""A server in a process of its own: on a free port, in a directory of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 30.0
LOG_TAIL = 2_000
PORT = "{port}"
"""Stands in a command for the port."""


class LoadError(Exception):
    """The server refused, or went away: a figure of refusals would be worthless."""


@dataclass(frozen=True, kw_only=True)
class Process:
    port: int
    pid: int
    home: Path
    """Its working directory, which holds whatever it keeps."""
    host: str = "127.0.0.1"

    def memory(self) -> dict[str, float]:
        """MB in use now (`VmRSS`) and at most so far (`VmHWM`), its workers' too; empty off Linux.

        A page that a worker shares with the process that made it counts once.
        """
        try:
            told = {pid: _memory(pid) for pid in self._with_workers()}
            largest = max(told, key=lambda pid: told[pid]["VmRSS"])
            others = sum(_private(pid) for pid in told if pid != largest)
        except OSError:
            return {}
        return {name: each + others for name, each in told[largest].items()}

    def processor_seconds(self) -> float:
        """What its threads and its workers' have used so far; 0 off Linux."""
        try:
            return sum(map(_processor_seconds, self._with_workers()))
        except OSError:
            return 0.0

    def _with_workers(self) -> list[int]:
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [self.pid, *map(int, workers.split())]


@contextmanager
def started(command: Sequence[str], *, home: Path, environ: Mapping[str, str]) -> Iterator[Process]:
    """Run a server until the block is left.

    Arguments:
        command: it and its arguments; `{port}` in one of them stands for the port.
        home: its working directory, which exists.
        environ: the whole environment that it gets.

    Raises:
        RuntimeError: it did not open its port within 30 s; the text ends with its log.
        LoadError: from the block, with the end of the server's log as a note.
    """
    port = _free_port()
    with (home / "log").open("w+b") as log:
        process = subprocess.Popen(
            [each.replace(PORT, str(port)) for each in command],
            cwd=home,  # away from any .env
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(process, port, home / "log")
            yield Process(port=port, pid=process.pid, home=home)
        except LoadError as error:
            error.add_note((home / "log").read_text(errors="replace")[-LOG_TAIL:])
            raise
        finally:
            _end(process)


def clearing_up() -> None:
    """From now on SIGTERM and SIGHUP end this process as Ctrl-C does, by a KeyboardInterrupt.

    Else the servers that it started would go on, and their directories would stay. A signal that
    is ignored, as under nohup, stays so.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no hanging up
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end it where it has not done so in time: no server may stay behind."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _memory(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def _private(pid: int) -> float:
    """MB that no other process has."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kept = [line.split()[1] for line in lines if line.startswith("Private_")]
    return sum(map(int, kept)) / 1024


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
