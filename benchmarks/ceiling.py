"""A route of every system under load, beside the hello of the same server: its ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks import goals, sessions
from benchmarks.comparisons import Beside, Comparison, Row
from benchmarks.rounds import CONNECTIONS
from benchmarks.turns import Rounds, in_turn, p99, processor, rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.peers.peer import Feature, Peer
    from benchmarks.rounds import Round
    from benchmarks.sizes import Sizes
    from benchmarks.turns import Asked

HELLO, ROUTE = "hello", "route"


class Asking(NamedTuple):
    """What is asked of every system, and how it is told."""

    topic: str
    title: str
    told: str
    clients: Asked
    note: Callable[[Peer], str]
    feature: Feature | None = None
    """Without which a system has no such route."""


class Loaded(NamedTuple):
    comparison: Comparison
    hello: list[Round]
    """Admit's own rounds."""
    route: list[Round]


def under_load(asking: Asking, sizes: Sizes, field: Field) -> Loaded:
    """Ask it of all that have it, in turn with their hello."""
    asked = {HELLO: _greeting, ROUTE: asking.clients}
    systems = field.systems(without=asking.feature)
    found = in_turn(systems, asked, rounds=sizes.peer_rounds, seconds=sizes.peer_seconds)
    rows = field.rows(lambda peer: _row(found, peer, asking.note(peer)), asking.feature)
    comparison = Comparison(
        topic=asking.topic,
        title=asking.title,
        unit="/s",
        better="higher",
        told=asking.told,
        rows=rows,
        goals=goals.of_rates(asking.topic, rows),
    )
    return Loaded(comparison, found[goals.ADMIT][HELLO], found[goals.ADMIT][ROUTE])


def _greeting(system: System) -> list[Script]:
    return [sessions.hello(system.peer.speech) for _ in range(CONNECTIONS)]


def _row(found: Rounds, peer: Peer, note: str) -> Row:
    hello, route = found[peer.name][HELLO], found[peer.name][ROUTE]
    beside = {
        "hello": Beside(rates(hello)),
        "p99": p99(route),
        "processor time": processor(route),
    }
    return Row(system=peer.name, rounds=rates(route), beside=beside, note=note)
