"""A figure: what was wanted, what was measured over the rounds, and whether it is enough."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, kw_only=True)
class Figure:
    name: str
    unit: str
    rounds: tuple[float, ...]
    goal: str = ""
    reached: bool | None = None
    """None where the figure only explains another one."""

    @property
    def value(self) -> float:
        return median(self.rounds)

    def measured(self) -> str:
        text = f"{number(self.value)}{self.unit}"
        if len(self.rounds) == 1:
            return text
        return f"{text} ({number(min(self.rounds))} to {number(max(self.rounds))})"

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit.strip(),
            "goal": self.goal or None,
            "median": self.value,
            "min": min(self.rounds),
            "max": max(self.rounds),
            "rounds": len(self.rounds),
            "reached": self.reached,
        }


def at_least(name: str, unit: str, rounds: Sequence[float], goal: float) -> Figure:
    return _judged(name, unit, rounds, f"≥ {number(goal)}{unit}", lambda value: value >= goal)


def at_most(name: str, unit: str, rounds: Sequence[float], goal: float) -> Figure:
    return _judged(name, unit, rounds, f"≤ {number(goal)}{unit}", lambda value: value <= goal)


def shown(name: str, unit: str, rounds: Sequence[float]) -> Figure:
    """A figure without a goal, from which another one is made."""
    return Figure(name=name, unit=unit, rounds=tuple(rounds))


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Each round's ratio: two things that were measured one right after the other."""
    return [one / other for one, other in zip(above, below, strict=True)]


def table(figures: Sequence[Figure]) -> str:
    verdicts = {True: "ok", False: "short", None: ""}
    rows = [("figure", "goal", "measured: median (min to max)", "")]
    rows += [(each.name, each.goal, each.measured(), verdicts[each.reached]) for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _judged(
    name: str, unit: str, rounds: Sequence[float], goal: str, enough: Callable[[float], bool]
) -> Figure:
    figure = Figure(name=name, unit=unit, rounds=tuple(rounds), goal=goal)
    return Figure(
        name=name, unit=unit, rounds=tuple(rounds), goal=goal, reached=enough(figure.value)
    )


def number(value: float) -> str:
    """Three digits that matter, and thousands apart."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
