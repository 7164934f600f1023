"""Refreshes over HTTP by clients that each go through the sessions that they hold."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import wire
from benchmarks.load import Load, drive
from benchmarks.rounds import CONNECTIONS, round_of

if TYPE_CHECKING:
    from collections import deque

    from benchmarks.growth.systems import Full, Growing
    from benchmarks.load import Script
    from benchmarks.peers.peer import Speech, Tokens

CLIENTS = 4
PAUSE = 0.005
"""Seconds between a client's refreshes where latency is asked: it is not the most that goes."""


def measured(system: Growing, full: Full, *, rounds: int, seconds: float) -> dict[str, Any]:
    """The medians over these rounds of so many seconds, and one before them that warms up."""
    quiet, busy = [], []
    for _ in range(rounds + 1):
        scripts = _scripts(system.peer.speech, full.held, CLIENTS)
        load = Load(port=full.process.port, scripts=scripts, seconds=seconds, pause=PAUSE)
        quiet += drive(load)
        scripts = _scripts(system.peer.speech, full.held, CONNECTIONS)
        busy.append(round_of(full.process, scripts, seconds))
    return {
        "p50_ms": median(each.percentile(50) for each in quiet[1:]),
        "p99_ms": median(each.percentile(99) for each in quiet[1:]),
        "per_second": median(each.per_second for each in busy[1:]),
        "processor_us": median(each.processor for each in busy[1:]),
    }


def one_session(speech: Speech, tokens: Tokens, count: int) -> Script:
    """One session, so many times with its newest token."""
    for _ in range(count):
        tokens = speech.kept(wire.read((yield wire.written(speech.refresh(tokens)))), tokens)


def _scripts(speech: Speech, held: deque[Tokens], clients: int) -> list[Script]:
    return [_refreshing(speech, held) for _ in range(clients)]


def _refreshing(speech: Speech, held: deque[Tokens]) -> Script:
    """One session after the other: each is taken out of what all hold, and put back behind."""
    while True:
        tokens = held.popleft()
        try:
            answer = wire.read((yield wire.written(speech.refresh(tokens))))
            tokens = speech.kept(answer, tokens)
        finally:
            held.append(tokens)
