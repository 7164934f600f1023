"""What Admit wants to be beside others, in proportion, within one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.comparisons import Goal
from benchmarks.figures import ratios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.comparisons import Row

ADMIT = "Admit"
RATES: Mapping[str, Mapping[str, float]] = {
    "protected": {"Express tutorial": 10, "Express tutorial, older Node": 10},
    "refreshing": {
        "Express tutorial": 5,
        "Express tutorial, older Node": 5,
        "Django + simplejwt": 15,
    },
}
"""By topic and system: how many times as often as the system's."""
NAMES = {"protected": "A protected route", "refreshing": "A refresh"}


def of_rates(topic: str, rows: Sequence[Row]) -> list[Goal]:
    """The goals of a topic whose rows are rates, each round's own proportion."""
    measured = {row.system: row.rounds for row in rows if not row.none}
    return [
        Goal(
            text=f"{NAMES[topic]}: Admit at least {times:g} times as often as {system}",
            wanted=times,
            rounds=ratios(measured[ADMIT], measured[system]),
        )
        for system, times in RATES[topic].items()
        if system in measured
    ]
