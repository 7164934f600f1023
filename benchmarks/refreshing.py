"""Refreshing with every system that has refresh tokens, beside the hello of the same server.

Admit has no leeway here, so that every refresh rotates and writes; what others do is said beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import goals, sessions
from benchmarks.comparisons import Beside, Comparison, Found, Row
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.protected import greeting
from benchmarks.rounds import CONNECTIONS
from benchmarks.turns import Rounds, in_turn, p99, processor, rates

if TYPE_CHECKING:
    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.peers.peer import Peer
    from benchmarks.sizes import Sizes

GOAL = 3_000 / 20_000
"""Admit's refreshes for each of its hellos."""
TOLD = (
    f"{CONNECTIONS} connections, each with a session of its own, of which it presents the newest"
    " token; what each answer leaves on the disk differs, and is said."
)


def measure(sizes: Sizes, field: Field) -> Found:
    asked = {"hello": greeting, "refresh": _refreshing}
    systems = field.systems(without="refresh")
    found = in_turn(systems, asked, rounds=sizes.peer_rounds, seconds=sizes.peer_seconds)

    def row(peer: Peer) -> Row:
        hello, refresh = found[peer.name]["hello"], found[peer.name]["refresh"]
        beside = {
            "hello": Beside(rates(hello)),
            "p99": p99(refresh),
            "processor time": processor(refresh),
        }
        return Row(system=peer.name, rounds=rates(refresh), beside=beside, note=peer.durability)

    rows = field.rows(row, "refresh")
    comparison = Comparison(
        topic="refreshing",
        title="Refreshing over HTTP",
        unit="/s",
        better="higher",
        told=TOLD,
        rows=rows,
        goals=goals.of_rates("refreshing", rows),
    )
    return Found(_figures(found), [comparison])


def _refreshing(system: System) -> list[Script]:
    tokens = system.sessions(CONNECTIONS)
    return [sessions.refreshing(system.peer.speech, tokens, slot) for slot in range(CONNECTIONS)]


def _figures(found: Rounds) -> list[Figure]:
    """Admit's own, from the same rounds."""
    hello, refresh = found[goals.ADMIT]["hello"], found[goals.ADMIT]["refresh"]
    proportions = ratios(rates(refresh), rates(hello))
    return [
        shown("refresh: hello", "/s", rates(hello)),
        shown("refresh: 16 connections, SQLite, synchronous=FULL", "/s", rates(refresh)),
        at_least("refresh: in proportion to hello", "", proportions, GOAL),
        shown("refresh: p99", " ms", p99(refresh).rounds),
        shown("refresh: hello, the server's processor time", " µs", processor(hello).rounds),
        shown("refresh: the server's processor time", " µs", processor(refresh).rounds),
    ]
