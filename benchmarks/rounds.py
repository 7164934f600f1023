"""One round: a server under load for a while, and what that cost it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.load import Load, Script, drive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.processes import Process

CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True)
class Round:
    per_second: float
    p99: float
    """In milliseconds, under full load."""
    processor: float
    """The server's processor time for one request, in microseconds; 0 where it isn't told."""


def round_of(server: Process, scripts: Sequence[Script], seconds: float) -> Round:
    before = server.processor_seconds()
    (outcome,) = drive(Load(port=server.port, scripts=scripts, seconds=seconds))
    spent = server.processor_seconds() - before
    return Round(
        per_second=outcome.per_second,
        p99=outcome.percentile(99),
        processor=spent / len(outcome.latencies) * 1e6,
    )
