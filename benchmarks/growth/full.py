"""A server over a database that holds many sessions, and what a sample of clients hold."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.kept import Kept
    from benchmarks.peers.peer import Tokens
    from benchmarks.processes import Process


@dataclass(frozen=True, kw_only=True)
class Full:
    process: Process
    held: deque[Tokens]
    """In an order of chance."""
    kept: Kept
    """By the database, before the first request."""


def of(process: Process, held: Iterable[Tokens], kept: Kept) -> Full:
    mixed = list(held)
    random.Random(7).shuffle(mixed)
    return Full(process=process, held=deque(mixed), kept=kept)
