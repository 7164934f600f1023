"""A chart of lines over the number of sessions, both axes logarithmic."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from benchmarks.scoreboard.charts import LEFT, SMALL_LETTERS, TITLE_LETTERS, WIDTH, logarithmic
from benchmarks.scoreboard.results import ADMIT
from benchmarks.scoreboard.words import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.scoreboard.charts import Scale
    from benchmarks.scoreboard.results import At

LABELS = 44
"""Room for the numbers at the left."""
HEIGHT = 190
"""Of the field in which the lines are."""
TITLE = "A refresh with more and more sessions"
ABOUT = "p50 of a refresh in ms, over the number of sessions that are stored. Lower is better."
NOTE = "Logarithmic scales: each line of the grid stands for ten times the one before."
MARKS = ("square", "triangle", "diamond", "cross", "ring")
OUR_MARKS = ("circle", "ring")
"""One for each line: nobody has to tell colours apart."""


def drawn(given: Mapping[str, Sequence[At]]) -> dict[str, object]:
    """What the template of lines needs.

    Arguments:
        given: what was measured, by the name of the line.
    """
    measured = [each for rows in given.values() for each in rows]
    title, about, notes = (
        wrap(TITLE, TITLE_LETTERS),
        wrap(ABOUT, SMALL_LETTERS),
        wrap(NOTE, SMALL_LETTERS),
    )
    top = 32 + 20 * len(title) + 15 * len(about) + 20 * len(given)
    across, up = _scales(measured, top)
    return {
        "width": WIDTH,
        "height": top + HEIGHT + 32 + 15 * len(notes) + 6,
        "title": title,
        "about": about,
        "notes": notes,
        "described": _described(measured),
        "left": LEFT,
        "from": LEFT + LABELS,
        "to": WIDTH - LEFT - 8,
        "top": top,
        "bottom": top + HEIGHT,
        "across": [(round(place, 1), text) for place, text in across.ticks],
        "up": [(round(place, 1), text) for place, text in up.ticks],
        "curves": _curves(given, across, up),
    }


def _scales(given: Sequence[At], top: int) -> tuple[Scale, Scale]:
    sessions = [each.sessions for each in given]
    times = [each.p50_ms for each in given if each.p50_ms]
    return (
        logarithmic(min(sessions), max(sessions), LEFT + LABELS, WIDTH - LEFT - 8),
        logarithmic(min(times), max(times), top + HEIGHT, top),
    )


def _curves(given: Mapping[str, Sequence[At]], across: Scale, up: Scale) -> list[dict[str, object]]:
    curves: list[dict[str, object]] = []
    for name, rows in given.items():
        points = [
            (round(across.place(each.sessions), 1), round(up.place(each.p50_ms), 1))
            for each in rows
            if each.p50_ms
        ]
        ours = rows[0].system == ADMIT
        number = sum(curve["ours"] is ours for curve in curves)
        marks = OUR_MARKS if ours else MARKS
        mark = marks[number % len(marks)]
        curves.append(
            {"name": name, "points": points, "ours": ours, "mark": mark, "number": number}
        )
    return curves


def _described(given: Sequence[At]) -> str:
    return "; ".join(
        f"{each.name} with {each.sessions:,} sessions: {value(each.p50_ms or 0, 'ms')}"
        for each in given
    )
