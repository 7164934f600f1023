"""The head that every file of raw results begins with: what was run, of what, on what, and when."""

from __future__ import annotations

import subprocess
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import libraries, machine
from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.peers.peer import Peer

RESULTS = ":!docs/scoreboard*"
"""What is made from the runs themselves does not change what is run."""


def head(peers: Iterable[Peer], run: str) -> dict[str, Any]:
    """What each of the JSON files begins with.

    Arguments:
        peers: the systems that took part.
        run: how much was done, in a line.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "libraries": libraries(),
        "run": run,
        "systems": [_system(peer) for peer in peers],
    }


def target(text: str) -> Path:
    """Where the results are to be written: found out before they are measured, not after.

    Raises:
        ArgumentTypeError: nothing can be written there; the text says why.
    """
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text} is a directory: name a file")
    if not path.absolute().parent.is_dir():
        raise ArgumentTypeError(f"the directory of {text} is not there: make it first")
    return path


def commit() -> str:
    """The short name of what is checked out, with a plus where files were changed since.

    "unknown" outside of a clone, as in an unpacked archive.
    """
    try:
        name = _git("rev-parse", "--short=7", "HEAD")
        changed = _git("status", "--porcelain", "--", ".", RESULTS)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+" if changed else name


def _system(peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "served": peer.served,
        "hashing": peer.hashing,
        "durability": peer.durability,
        "grace": peer.grace,
        "lacks": dict(peer.lacks),
        "versions": peer.versions(),
    }


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return told.stdout.strip()
