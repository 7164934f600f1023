"""What came of a scenario with one system, for the table and for the file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.races.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = {
    "false_sign_outs": "false sign-outs",
    "refused": "refused",
    "thieves_unnoticed": "thieves unnoticed",
    "thieves_in": "thieves in",
    "thieves_in_window": "in the window",
    "outlived": "outlived",
    "not_concerned_ended": "not concerned",
    "forks": "forks",
    "errors": "errors",
}

NOBODY = "-"
"""In place of a number that nobody looked for."""


@dataclass(frozen=True, kw_only=True)
class Result:
    system: str
    scenario: str
    trials: int = 0
    """That counted; 0 where `none` says why."""
    void: int = 0
    """That the machine was too slow for."""
    seconds_waited: float = 0.0
    clock_moved: bool = False
    counts: Counts = field(default_factory=Counts)
    looked_for: frozenset[str] = frozenset()
    """Which of them; the others say nothing."""
    rows_left: float | None = None
    """For each trial, beyond those of the sign-in; None where nobody knows."""
    none: str | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Counts that nobody looked for are None."""
        told = asdict(self)
        del told["counts"], told["looked_for"]
        return told | {name: self.count(name) for name in COLUMNS}

    def count(self, name: str) -> int | None:
        return getattr(self.counts, name) if name in self.looked_for else None


def table(results: Sequence[Result]) -> str:
    """The results of one system."""
    rows = [("scenario", "trials", *COLUMNS.values(), "rows left")]
    rows += [_row(each) for each in results if each.none is None]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    nones = [f"{each.scenario}: {each.none}" for each in results if each.none is not None]
    notes = [f"{each.scenario}: {each.note}" for each in results if each.note]
    return "\n".join([*lines, *nones, *notes])


def _row(result: Result) -> tuple[str, ...]:
    counts = [NOBODY if (n := result.count(name)) is None else f"{n:,}" for name in COLUMNS]
    left = NOBODY if result.rows_left is None else f"{result.rows_left:.1f}"
    return (result.scenario, f"{result.trials:,}", *counts, left)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first = row[0].ljust(widths[0])
    others = (text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([first, *others])
