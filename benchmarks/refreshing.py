"""Refreshing with every system that has refresh tokens.

Admit has no leeway here, so that every refresh rotates and writes; what others do is said beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import sessions
from benchmarks.ceiling import Asking, Loaded, under_load
from benchmarks.comparisons import Found
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import CONNECTIONS
from benchmarks.turns import p99, processor, rates

if TYPE_CHECKING:
    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.sizes import Sizes

GOAL = 3_000 / 20_000
"""Admit's refreshes for each of its hellos."""


def measure(sizes: Sizes, field: Field) -> Found:
    loaded = under_load(ASKING, sizes, field)
    return Found(_figures(loaded), [loaded.comparison])


def _refreshing(system: System) -> list[Script]:
    tokens = system.sessions(CONNECTIONS)
    return [sessions.refreshing(system.peer.speech, tokens, slot) for slot in range(CONNECTIONS)]


ASKING = Asking(
    topic="refreshing",
    title="Refreshing over HTTP",
    told=(
        f"{CONNECTIONS} connections, each with a session of its own, of which it presents the"
        " newest token. Admit is without its leeway of 10 s, within which it would answer without"
        " a write. What each answer leaves on the disk differs, and is said."
    ),
    clients=_refreshing,
    note=lambda peer: peer.durability,
    feature="refresh",
)


def _figures(loaded: Loaded) -> list[Figure]:
    """Admit's own, from the same rounds."""
    hello, refresh = loaded.hello, loaded.route
    proportions = ratios(rates(refresh), rates(hello))
    return [
        shown("refresh: hello", "/s", rates(hello)),
        shown("refresh: 16 connections, SQLite, synchronous=FULL", "/s", rates(refresh)),
        at_least("refresh: in proportion to hello", "", proportions, GOAL),
        shown("refresh: p99", " ms", p99(refresh).rounds),
        shown("refresh: hello, the server's processor time", " µs", processor(hello).rounds),
        shown("refresh: the server's processor time", " µs", processor(refresh).rounds),
    ]
