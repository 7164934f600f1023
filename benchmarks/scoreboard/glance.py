"""One line for each system: what people ask first, and the best of each column in bold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.scoreboard import tallies
from benchmarks.scoreboard.results import ADMIT
from benchmarks.scoreboard.words import UNKNOWN, absent, plain, prose, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.scoreboard.results import Board, Comparison, Races

GLANCED = ("protected", "refreshing", "storm", "memory")
"""Topics of `make bench`."""
QUIET = (*GLANCED, "signing_in")
"""Of these only who is better than Admit is said in a sentence: the table has the others. Who
signs in faster has the cheaper hash, which is no merit to be told in one minute.
"""
COUNTED = {
    "false_sign_outs": ("honest", "honest people signed out"),
    "thieves_unnoticed": ("thief", "thieves unnoticed"),
    "thieves_in": ("thief", "thieves still in at the end"),
    "outlived": ("honest", "sessions that outlived their end"),
}


class Cell(NamedTuple):
    told: str
    cost: float | None = None
    """Less is better; None where there is nothing to compare."""


class Column(NamedTuple):
    title: str
    cells: dict[str, Cell]
    """By the name of the system."""


def glance(board: Board) -> tuple[list[str], list[list[str]]]:
    """The header, and a line for each system that was raced or measured so."""
    columns = [*_raced(board.races), *_measured(board.bench.comparisons)]
    names = dict.fromkeys([ADMIT, *(name for each in columns for name in each.cells)])
    rows = [[plain(name), *(_told(name, each) for each in columns)] for name in names]
    return ["system", *(each.title for each in columns)], rows


def _raced(races: Races) -> Iterator[Column]:
    for counted, (kind, title) in COUNTED.items():
        names = [each.name for each in races.scenarios if each.honest_or_thief == kind]
        cells = {
            each.system: Cell(absent(each.none))
            for each in races.results
            if each.none is not None and each.scenario in names
        }
        found = tallies.summed(races, counted, names)
        cells |= {system: Cell(each.told, each.percent) for system, each in found.items()}
        yield Column(title, cells)


def _measured(given: Sequence[Comparison]) -> Iterator[Column]:
    for each in given:
        if each.topic not in GLANCED:
            continue
        sign = -1 if each.better == "higher" else 1
        cells = {row.system: Cell(absent(row.none)) for row in each.rows if row.none is not None}
        cells |= {
            row.system: Cell(value(row.spread.median, each.unit), sign * row.spread.median)
            for row in each.measured
        }
        yield Column(prose(each.title), cells)


def _told(name: str, column: Column) -> str:
    cell = column.cells.get(name, Cell(UNKNOWN))
    best = min((each.cost for each in column.cells.values() if each.cost is not None), default=None)
    return f"**{cell.told}**" if cell.cost is not None and cell.cost == best else cell.told
