"""What the figures were measured on: no name of the machine, no path."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

MEASURED = (
    "cryptography",
    "joserfc",
    "msgspec",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "argon2-cffi",
)


def machine() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_cpu()}, {cores()} cores; {python}; {_system()}"


def cores() -> int:
    """As many as this process may use."""
    usable = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(usable(0)) if usable else os.cpu_count() or 1


def libraries() -> str:
    found = [f"{name} {version(name)}" for name in MEASURED]
    return ", ".join([*found, f"SQLite {sqlite3.sqlite_version}"])


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
