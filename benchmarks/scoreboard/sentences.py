"""What the figures say, in computed sentences: as loudly where others are better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import number
from benchmarks.scoreboard import tallies
from benchmarks.scoreboard.glance import QUIET
from benchmarks.scoreboard.results import ADMIT, ResultsError
from benchmarks.scoreboard.rivals import Ahead, pairs
from benchmarks.scoreboard.words import label, plain, prose, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.scoreboard.results import Board, Comparison, Goal, Row
    from benchmarks.scoreboard.rivals import Pair


MOST_NAMED, MOST_AHEAD = 2, 3
"""Peers in one sentence; a section has all that are better than Admit."""


@dataclass(frozen=True)
class Missed:
    what: str
    measured: str
    why: str


def in_one_minute(board: Board) -> list[str]:
    """The races, each comparison, growth and the goals; of what the table has, who is better."""
    speed = [line for each in board.bench.comparisons for line in _of_comparison(each)]
    return [*tallies.races(board.races), *speed, *tallies.growth(board.growth), _goals(board)]


def others_better(board: Board) -> list[Ahead]:
    """Every comparison, figure of growth and count of a race in which a peer is ahead of Admit."""
    found = [_ahead(pair, each) for each in board.bench.comparisons for pair in pairs(each)]
    in_speed = [each for each in found if each]
    return [
        *in_speed,
        *tallies.better_at_growth(board.growth),
        *tallies.better_in_races(board.races),
    ]


def missed(board: Board, *, unexplained: bool = False) -> list[Missed]:
    """Each goal that was not reached, and why.

    Arguments:
        unexplained: whether a goal may be missed without a reason in `why.toml`.

    Raises:
        ResultsError: no reason is given for one that was missed.
    """
    return [
        Missed(text, measured, _why(board, text, unexplained=unexplained))
        for text, measured in _short(board)
    ]


def goal_measured(goal: Goal) -> str:
    spread = "" if goal.min == goal.max else f" ({number(goal.min)} to {number(goal.max)})"
    return f"{number(goal.median)}{spread}"


def _short(board: Board) -> Iterator[tuple[str, str]]:
    for each in board.bench.comparisons:
        for goal in each.goals:
            if not goal.reached:
                yield goal.text, f"{number(goal.wanted)} wanted, {goal_measured(goal)} measured"
    for figure in board.bench.figures:
        if figure.reached is False:
            yield figure.name, f"{figure.goal} wanted, {value(figure.median, figure.unit)} measured"


def _why(board: Board, goal: str, *, unexplained: bool) -> str:
    if reason := board.why.get(goal, "").strip():
        return reason
    if unexplained:
        return "No reason has been written down."
    raise ResultsError(
        f"The goal {goal!r} was missed, and docs/scoreboard/why.toml does not say why: give the"
        " reason, and what would close it, under that key. A page of your own can do without:"
        " add --unexplained."
    )


def _goals(board: Board) -> str:
    given = [goal.reached for each in board.bench.comparisons for goal in each.goals]
    given += [each.reached for each in board.bench.figures if each.reached is not None]
    short = [text for text, _ in _short(board)]
    against = [goal.text for each in board.bench.comparisons for goal in each.goals]
    named = [prose(text) for text in short if text in against]
    if others := len(short) - len(named):
        named.append(f"{others} of Admit's other figures")
    line = f"**Goals**: {len(given) - len(short)} of {len(given)} were reached."
    if not short:
        return line
    return f"{line} **Missed**: {'; '.join(named)} ([why](#goals-that-were-missed))."


def _of_comparison(each: Comparison) -> list[str]:
    found = pairs(each)
    if each.topic in QUIET:
        ahead = [pair for pair in found if pair.peer_is_ahead]
        return [f"**{prose(each.title)}**:{_better(ahead, each.unit)}"] if ahead else []
    ours = [row for row in each.measured if row.system == ADMIT]
    return [_of_row(row, [pair for pair in found if pair.ours is row], each) for row in ours]


def _of_row(row: Row, found: list[Pair], each: Comparison) -> str:
    what = f" ({prose(row.what)})" if row.what else ""
    line = f"**{prose(each.title)}**{what}: Admit {value(row.spread.median, each.unit)}"
    ahead = [pair for pair in found if pair.peer_is_ahead]
    behind = [pair for pair in found if not pair.peer_is_ahead]
    if behind:
        line += ", which is " if each.better == "higher" else "; "
        line += ", ".join(_behind(pair, each.unit) for pair in _ends(behind))
        if len(behind) > MOST_NAMED:
            line += f", and {len(behind) - 2} in between"
    return f"{line}.{_better(ahead, each.unit)}"


def _better(ahead: list[Pair], unit: str) -> str:
    return f" **Better than Admit**: {_firsts(ahead, unit)}." if ahead else ""


def _ends(found: list[Pair]) -> list[Pair]:
    """All of them, or of many the nearest and the farthest: the table has the others."""
    if len(found) <= MOST_NAMED:
        return found
    ordered = sorted(found, key=lambda pair: pair.factor or 0.0)
    return [ordered[0], ordered[-1]]


def _behind(pair: Pair, unit: str) -> str:
    name, theirs = plain(label(pair.peer)), value(pair.peer.spread.median, unit)
    if pair.level:
        return f"the same as {name}"
    if pair.factor is None:
        return f"{name} {theirs}{_overlap(pair)}"
    times = f"{number(pair.factor)} times"
    if pair.higher:
        return f"{times} {name} ({theirs}{_overlap(pair)})"
    return f"{name} {times} as much ({theirs}{_overlap(pair)})"


def _ahead(pair: Pair, each: Comparison) -> Ahead | None:
    if not pair.peer_is_ahead:
        return None
    ours = value(pair.ours.spread.median, each.unit)
    return Ahead(
        prose(each.title),
        plain(label(pair.peer)),
        value(pair.peer.spread.median, each.unit),
        f"{ours} ({prose(pair.ours.what)})" if pair.ours.what else ours,
        f"{number(pair.factor)} times{_overlap(pair)}" if pair.factor else "",
    )


def _first(pair: Pair, unit: str) -> str:
    """The peer's figure first: it is the peer's place."""
    told = f"{plain(label(pair.peer))} {value(pair.peer.spread.median, unit)}"
    by = f", {number(pair.factor)} times better" if pair.factor else ""
    return f"**{told}**{by}{_overlap(pair)}"


def _firsts(found: list[Pair], unit: str) -> str:
    """The farthest ahead by name, and how many more there are."""
    ordered = sorted(found, key=lambda pair: -(pair.factor or 0.0))
    told = "; ".join(_first(pair, unit) for pair in ordered[:MOST_AHEAD])
    more = len(found) - MOST_AHEAD
    return f"{told}; and [{more} more](#where-others-are-better)" if more > 0 else told


def _overlap(pair: Pair) -> str:
    return "; the rounds overlap" if pair.overlap else ""
