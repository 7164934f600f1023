"""Counting in several processes: the directory where they do it, and what the dead leave behind."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client looks for it once, when it is loaded."""

ROOM = 256 * 1024
"""In bytes, of each file: the labels are lists, so no file grows past it."""


def count_together(directory: str) -> None:
    """Have every process that is started from now on count into files in this directory.

    Arguments:
        directory: for these processes alone.
    """
    files = Path(directory) / "metrics"
    files.mkdir(mode=0o700)
    os.environ[VARIABLE] = str(files)


def reserve() -> None:
    """Take the room that this process's numbers need, before anything is counted.

    prometheus-client maps sparse files into memory: where the disk is full at the first write to
    a page of one, the kernel ends the process (SIGBUS), and the next one, and the next.

    Raises:
        OSError: there is no room.
    """
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    directory = Path(os.environ[VARIABLE])
    for kind in ("counter", "histogram", "gauge_livesum", "gauge_livemin", "gauge_livemax"):
        with (directory / f"{kind}_{os.getpid()}.db").open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)


def forget(pid: int) -> None:
    """Take a process that is gone out of the gauges; what it counted stays counted."""
    for gauge in Path(os.environ[VARIABLE]).glob(f"gauge_live*_{pid}.db"):
        gauge.unlink(missing_ok=True)
