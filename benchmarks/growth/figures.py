"""The figures of growth, as they stand in its JSON."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.growth.clients import in_turn, refresh, signed_in
from benchmarks.kept import in_sqlite
from benchmarks.load import Load, drive
from benchmarks.rounds import CONNECTIONS, round_of

if TYPE_CHECKING:
    from benchmarks.growth.full import Full
    from benchmarks.growth.growing import Growing
    from benchmarks.load import Outcome
    from benchmarks.peers.peer import Peer
    from benchmarks.rounds import Round

CLIENTS = 4
PAUSE = 0.005
"""Seconds between a client's requests where latency is asked: it is not the most that goes."""


def with_many(system: Growing, sessions: int, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Medians over these rounds of so many seconds, after one that warms up, and their spread."""
    with TemporaryDirectory(prefix="bench-") as home, system.start(Path(home), sessions) as full:
        os.sync()  # else what was filled is still being written while it is measured
        figures = _measured(system, full, rounds, seconds)
    told = {"system": system.peer.name, "store": system.store, "what": system.what}
    return told | {"sessions": sessions} | figures | full.kept._asdict()


def left_behind(peer: Peer, refreshes: int) -> dict[str, Any]:
    """The rows and the bytes of so many refreshes of one session, or why there are none to tell."""
    if reason := peer.missing() or peer.lacks.get("refresh") or _without_database(peer):
        return {"system": peer.name, "none": reason}
    with TemporaryDirectory(prefix="bench-") as home:
        database = Path(home) / peer.database
        with peer.start(Path(home), "speed") as process:
            tokens = signed_in(process, peer.speech)
            before = in_sqlite(database)
            refresh(process, peer.speech, tokens, refreshes)
            after = in_sqlite(database)
    added = {"rows": after.rows - before.rows, "bytes": after.bytes - before.bytes}
    return {"system": peer.name} | added | {"durability": peer.durability}


def _measured(system: Growing, full: Full, rounds: int, seconds: float) -> dict[str, Any]:
    quiet: list[Outcome] = []
    busy: list[Round] = []
    for _ in range(rounds + 1):
        scripts = [in_turn(system, full.held) for _ in range(CLIENTS)]
        port = full.process.port
        quiet += drive(Load(port=port, scripts=scripts, seconds=seconds, pause=PAUSE))
        scripts = [in_turn(system, full.held) for _ in range(CONNECTIONS)]
        busy.append(round_of(full.process, scripts, seconds))
    found = {
        "p50_ms": [each.percentile(50) for each in quiet[1:]],
        "p99_ms": [each.percentile(99) for each in quiet[1:]],
        "per_second": [each.per_second for each in busy[1:]],
        "processor_us": [each.processor for each in busy[1:]],
    }
    spread = {name: (min(each), max(each)) for name, each in found.items()}
    return {name: median(each) for name, each in found.items()} | {"spread": spread}


def _without_database(peer: Peer) -> str:
    return "" if peer.database else "has no database: what it keeps is in memory"
