"""A guarded route while 32 clients sign in without pause, beside the same route in quiet."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from benchmarks import scripts
from benchmarks.figures import Figure, at_most, ratios, shown
from benchmarks.load import Load, drive
from benchmarks.servers import embedding

if TYPE_CHECKING:
    from benchmarks.servers import Server
    from benchmarks.sizes import Sizes

CLIENTS = 32
PROBES = 2
PAUSE = 0.005
"""Between two requests of a probe: a modest rate, at which the probe itself is no load."""
GOAL = 8


def measure(sizes: Sizes) -> list[Figure]:
    rounds = []
    with embedding(users=CLIENTS, sessions=PROBES) as server:
        drive(_probe(server, 1.0))
        for _ in range(sizes.storm_rounds):
            (quiet,) = drive(_probe(server, sizes.storm_seconds))
            busy, sign_ins = drive(
                _probe(server, sizes.storm_seconds), _storm(server, sizes.storm_seconds)
            )
            rounds.append(
                (
                    *(quiet.percentile(each) for each in (50, 99)),
                    *(busy.percentile(each) for each in (50, 99)),
                    sign_ins.per_second,
                )
            )
    quiet_50, quiet_99, busy_50, busy_99, rates = zip(*rounds, strict=True)
    return [
        shown("storm: sign-ins of 32 clients", "/s", rates),
        shown("storm: guarded route, quiet p50", " ms", quiet_50),
        shown("storm: guarded route, quiet p99", " ms", quiet_99),
        shown("storm: guarded route, busy p50", " ms", busy_50),
        shown("storm: guarded route, busy p99", " ms", busy_99),
        at_most("storm: busy p99 to quiet p99", " times", ratios(busy_99, quiet_99), GOAL),
    ]


def _probe(server: Server, seconds: float) -> Load:
    probes = [scripts.guarded("/guarded", [each.access_token]) for each in server.tokens]
    return Load(port=server.port, scripts=probes, seconds=seconds, pause=PAUSE)


def _storm(server: Server, seconds: float) -> Load:
    clients = [scripts.signing_in(repeat(number)) for number in range(CLIENTS)]
    return Load(port=server.port, scripts=clients, seconds=seconds)
