"""Counting in several processes: the directory where they do it, and what the dead leave behind."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client looks for it once, when it is loaded."""


def count_together(directory: str) -> None:
    """Have every process that is started from now on count into files in this directory.

    Arguments:
        directory: for these processes alone.
    """
    files = Path(directory) / "metrics"
    files.mkdir(mode=0o700)
    os.environ[VARIABLE] = str(files)


def forget(pid: int) -> None:
    """Take a process that is gone out of the gauges; what it counted stays counted."""
    for gauge in Path(os.environ[VARIABLE]).glob(f"gauge_live*_{pid}.db"):
        gauge.unlink(missing_ok=True)
