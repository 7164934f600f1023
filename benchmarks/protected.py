"""A protected route of every system, beside the hello of the same server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import goals, sessions
from benchmarks.comparisons import Beside, Comparison, Found, Row
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import CONNECTIONS
from benchmarks.turns import Rounds, in_turn, p99, processor, rates

if TYPE_CHECKING:
    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.peers.peer import Peer
    from benchmarks.sizes import Sizes

GOAL = 0.8
"""Admit's guarded route to its own hello."""
TOLD = (
    f"{CONNECTIONS} connections, each with a session after the other; beside it a route of the"
    " same server that asks nothing of anybody: its ceiling."
)


def measure(sizes: Sizes, field: Field) -> Found:
    asked = {"hello": greeting, "protected": _calling}
    systems = field.systems()
    found = in_turn(systems, asked, rounds=sizes.peer_rounds, seconds=sizes.peer_seconds)

    def row(peer: Peer) -> Row:
        hello, protected = found[peer.name]["hello"], found[peer.name]["protected"]
        beside = {
            "hello": Beside(rates(hello)),
            "p99": p99(protected),
            "processor time": processor(protected),
        }
        return Row(system=peer.name, rounds=rates(protected), beside=beside, note=peer.served)

    rows = field.rows(row)
    comparison = Comparison(
        topic="protected",
        title="A protected route over HTTP",
        unit="/s",
        better="higher",
        told=TOLD,
        rows=rows,
        goals=goals.of_rates("protected", rows),
    )
    return Found(_figures(found), [comparison])


def greeting(system: System) -> list[Script]:
    """The clients that ask for a hello."""
    return [sessions.hello(system.peer.speech) for _ in range(CONNECTIONS)]


def _calling(system: System) -> list[Script]:
    tokens = system.sessions(CONNECTIONS)
    return [
        sessions.protected(system.peer.speech, each)
        for each in sessions.started_apart(tokens, CONNECTIONS)
    ]


def _figures(found: Rounds) -> list[Figure]:
    """Admit's own, from the same rounds."""
    hello, guarded = found[goals.ADMIT]["hello"], found[goals.ADMIT]["protected"]
    proportions = ratios(rates(guarded), rates(hello))
    return [
        shown("route: hello", "/s", rates(hello)),
        shown("route: guarded", "/s", rates(guarded)),
        at_least("route: guarded, in proportion to hello", "", proportions, GOAL),
        shown("route: hello, the server's processor time", " µs", processor(hello).rounds),
        shown("route: guarded, the server's processor time", " µs", processor(guarded).rounds),
    ]
