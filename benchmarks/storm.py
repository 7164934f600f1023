"""A protected route while clients sign in without pause, beside the same route in quiet."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import goals, sessions
from benchmarks.comparisons import Beside, Comparison, Found, Row
from benchmarks.figures import Figure, at_most, ratios, shown
from benchmarks.load import Load, drive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.field import Field, System
    from benchmarks.peers.peer import Peer
    from benchmarks.sizes import Sizes

PROBES = 2
PAUSE = 0.005
"""Between two requests of a probe: a modest rate, at which the probe itself is no load."""
GOAL = 8
TOLD = (
    f"What {PROBES} clients wait for a protected route, of which they ask every 5 ms or so, while"
    " {clients} others sign in without pause: the 99th percentile, and beside it the same in"
    " quiet. How many sign-ins there are meanwhile differs with the hash."
)


class Storm(NamedTuple):
    """One round: milliseconds, and sign-ins a second."""

    quiet_50: float
    quiet_99: float
    busy_50: float
    busy_99: float
    sign_ins: float
    answers: int
    """How many the busy percentiles are of."""


def measure(sizes: Sizes, field: Field) -> Found:
    systems = field.systems()
    found: dict[str, list[Storm]] = {each.peer.name: [] for each in systems}
    for system in systems:
        drive(_probe(system, sizes.storm_seconds / 4))  # warms up
    for _ in range(sizes.storm_rounds):
        for system in systems:
            found[system.peer.name].append(_round(system, sizes))
    comparison = Comparison(
        topic="storm",
        title="A protected route while others sign in",
        unit=" ms",
        better="lower",
        told=TOLD.format(clients=sizes.storm_clients),
        rows=field.rows(lambda peer: _row(peer, found[peer.name])),
    )
    return Found(_figures(found[goals.ADMIT], sizes.storm_clients), [comparison])


def _round(system: System, sizes: Sizes) -> Storm:
    (quiet,) = drive(_probe(system, sizes.storm_seconds))
    busy, sign_ins = drive(_probe(system, sizes.storm_seconds), _storm(system, sizes))
    return Storm(
        quiet.percentile(50),
        quiet.percentile(99),
        busy.percentile(50),
        busy.percentile(99),
        sign_ins.per_second,
        len(busy.latencies),
    )


def _probe(system: System, seconds: float) -> Load:
    probes = [
        sessions.protected(system.peer.speech, [each]) for each in system.sessions(PROBES)[:PROBES]
    ]
    return Load(port=system.process.port, scripts=probes, seconds=seconds, pause=PAUSE)


def _storm(system: System, sizes: Sizes) -> Load:
    people = cycle(system.people)
    clients = [sessions.signing_in(system.peer.speech, people) for _ in range(sizes.storm_clients)]
    return Load(port=system.process.port, scripts=clients, seconds=sizes.storm_seconds)


def _row(peer: Peer, rounds: Sequence[Storm]) -> Row:
    beside = {
        "quiet, p99": Beside([each.quiet_99 for each in rounds]),
        "quiet, p50": Beside([each.quiet_50 for each in rounds]),
        "while others sign in, p50": Beside([each.busy_50 for each in rounds]),
        "sign-ins": Beside([each.sign_ins for each in rounds], "/s"),
    }
    busy = [each.busy_99 for each in rounds]
    answers = min(each.answers for each in rounds)
    note = f"{peer.hashing}; {answers:,} answers or more in each round"
    return Row(system=peer.name, rounds=busy, beside=beside, note=note)


def _figures(rounds: Sequence[Storm], clients: int) -> list[Figure]:
    """Admit's own, from the same rounds."""
    quiet_50, quiet_99, busy_50, busy_99, sign_ins, _ = zip(*rounds, strict=True)
    return [
        shown(f"storm: sign-ins of {clients} clients", "/s", sign_ins),
        shown("storm: guarded route, quiet p50", " ms", quiet_50),
        shown("storm: guarded route, quiet p99", " ms", quiet_99),
        shown("storm: guarded route, busy p50", " ms", busy_50),
        shown("storm: guarded route, busy p99", " ms", busy_99),
        at_most("storm: busy p99 to quiet p99", " times", ratios(busy_99, quiet_99), GOAL),
    ]
