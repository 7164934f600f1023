"""A protected route of every system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import sessions
from benchmarks.ceiling import Asking, Loaded, under_load
from benchmarks.comparisons import Found
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import CONNECTIONS
from benchmarks.turns import processor, rates

if TYPE_CHECKING:
    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.sizes import Sizes

GOAL = 0.8
"""Admit's guarded route to its own hello."""


def measure(sizes: Sizes, field: Field) -> Found:
    loaded = under_load(ASKING, sizes, field)
    return Found(_figures(loaded), [loaded.comparison])


def _calling(system: System) -> list[Script]:
    tokens = system.sessions(CONNECTIONS)
    return [
        sessions.protected(system.peer.speech, each)
        for each in sessions.started_apart(tokens, CONNECTIONS)
    ]


ASKING = Asking(
    topic="protected",
    title="A protected route over HTTP",
    told=(
        f"{CONNECTIONS} connections, each with a session after the other; beside it a route of the"
        " same server that asks nothing of anybody: its ceiling. What is asked for each request"
        " differs, and is said."
    ),
    clients=_calling,
    note=lambda peer: peer.asks,
)


def _figures(loaded: Loaded) -> list[Figure]:
    """Admit's own, from the same rounds."""
    hello, guarded = loaded.hello, loaded.route
    proportions = ratios(rates(guarded), rates(hello))
    return [
        shown("route: hello", "/s", rates(hello)),
        shown("route: guarded", "/s", rates(guarded)),
        at_least("route: guarded, in proportion to hello", "", proportions, GOAL),
        shown("route: hello, the server's processor time", " µs", processor(hello).rounds),
        shown("route: guarded, the server's processor time", " µs", processor(guarded).rounds),
    ]
