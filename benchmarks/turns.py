"""Systems taken in turn: every round asks each of them, one right after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchmarks.comparisons import Beside
from benchmarks.rounds import Round, round_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.field import System
    from benchmarks.load import Script

Asked = Callable[["System"], Sequence["Script"]]
Rounds = dict[str, dict[str, list[Round]]]
"""By system, and by what was asked."""


def in_turn(
    systems: Sequence[System],
    asked: Mapping[str, Asked],
    *,
    rounds: int,
    seconds: float,
    warm: bool = False,
) -> Rounds:
    """Ask each of these of each system.

    Arguments:
        systems: in this order in each round.
        asked: the clients for each thing that is asked of a system.
        rounds: how often.
        seconds: how long each is asked.
        warm: whether they did the same before; else a round before the first warms up.
    """
    found: Rounds = {each.peer.name: {what: [] for what in asked} for each in systems}
    for _ in range(rounds + (not warm)):
        for system in systems:
            for what, scripts in asked.items():
                measured = round_of(system.process, scripts(system), seconds)
                found[system.peer.name][what].append(measured)
    return {
        name: {what: all_[-rounds:] for what, all_ in each.items()} for name, each in found.items()
    }


def rates(rounds: Sequence[Round]) -> list[float]:
    return [each.per_second for each in rounds]


def p99(rounds: Sequence[Round]) -> Beside:
    return Beside([each.p99 for each in rounds], " ms")


def processor(rounds: Sequence[Round]) -> Beside:
    """The server's own time for one request."""
    return Beside([each.processor for each in rounds], " µs")
