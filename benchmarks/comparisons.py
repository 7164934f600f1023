"""A comparison: the same thing asked of every system, with what it has none of said in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from benchmarks.figures import Figure, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Better = Literal["higher", "lower"]


class Found(NamedTuple):
    """What one part of the benchmark gives."""

    figures: Sequence[Figure] = ()
    comparisons: Sequence[Comparison] = ()


class Beside(NamedTuple):
    """What stands beside a figure, to understand it by."""

    rounds: Sequence[float]
    unit: str = ""
    """Empty where it is the comparison's own."""

    def as_dict(self) -> dict[str, Any]:
        return _spread(self.rounds) | ({"unit": self.unit} if self.unit else {})


@dataclass(frozen=True, kw_only=True)
class Row:
    system: str
    what: str = ""
    """Which of several things of one system."""
    rounds: Sequence[float] = ()
    beside: Mapping[str, Beside] = field(default_factory=dict)
    note: str = ""
    none: str = ""
    """Why there is no figure, in place of one."""

    def as_dict(self) -> dict[str, Any]:
        name = {"system": self.system, "what": self.what}
        if self.none:
            return name | {"none": self.none}
        beside = {name: each.as_dict() for name, each in self.beside.items()}
        spread = _spread(self.rounds) | {"rounds": len(self.rounds)}
        return name | spread | {"beside": beside, "note": self.note}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """That a proportion is at least so much; `rounds` are the proportions measured."""

    text: str
    wanted: float
    rounds: Sequence[float]

    @property
    def reached(self) -> bool:
        return median(self.rounds) >= self.wanted

    def as_dict(self) -> dict[str, Any]:
        judged = {"text": self.text, "wanted": self.wanted, "reached": self.reached}
        return judged | _spread(self.rounds)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    topic: str
    title: str
    unit: str
    better: Better
    told: str
    """What was done, in one sentence."""
    rows: Sequence[Row]
    goals: Sequence[Goal] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "title": self.title,
            "unit": self.unit,
            "better": self.better,
            "told": self.told,
            "rows": [row.as_dict() for row in self.rows],
            "goals": [goal.as_dict() for goal in self.goals],
        }

    def text(self) -> str:
        """As a table of lines."""
        rows = [self._row(row) for row in self.rows]
        width = max(len(name) for name, _ in rows)
        lines = [f"  {name.ljust(width)}  {measured}" for name, measured in rows]
        return "\n".join([f"{self.title}. {self.told}", *lines, *map(_judged, self.goals)])

    def _row(self, row: Row) -> tuple[str, str]:
        name = ", ".join(filter(None, (row.system, row.what)))
        if row.none:
            return name, row.none
        beside = [f"{told} {_told(each, self.unit)}" for told, each in row.beside.items()]
        note = [row.note] if row.note else []
        return name, "; ".join([_told(Beside(row.rounds), self.unit), *beside, *note])


def _judged(goal: Goal) -> str:
    verdict = "ok" if goal.reached else "short"
    return f"  {verdict}: {goal.text}: {_told(Beside(goal.rounds), ' times')}"


def _told(beside: Beside, unit: str) -> str:
    each = beside.rounds
    text = f"{number(median(each))}{beside.unit or unit}"
    return text if len(each) == 1 else f"{text} ({number(min(each))} to {number(max(each))})"


def _spread(rounds: Sequence[float]) -> dict[str, Any]:
    return {"median": median(rounds), "min": min(rounds), "max": max(rounds)}
