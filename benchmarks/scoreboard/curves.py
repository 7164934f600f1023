"""A chart of lines over the number of sessions, both axes logarithmic."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from benchmarks.scoreboard.charts import LEFT, SMALL_LETTERS, TITLE_LETTERS, WIDTH, logarithmic
from benchmarks.scoreboard.results import ADMIT
from benchmarks.scoreboard.words import value

if TYPE_CHECKING:
    from collections.abc import Sequence

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
"""One for each peer: nobody has to tell colours apart."""


def drawn(given: Sequence[At]) -> dict[str, object]:
    """What the template of lines needs."""
    measured = [each for each in given if each.none is None]
    names = list(dict.fromkeys(map(_name, measured)))
    title, about, notes = (
        wrap(TITLE, TITLE_LETTERS),
        wrap(ABOUT, SMALL_LETTERS),
        wrap(NOTE, SMALL_LETTERS),
    )
    top = 32 + 20 * len(title) + 15 * len(about) + 20 * len(names)
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
        "curves": _curves(measured, across, up),
    }


def _scales(given: Sequence[At], top: int) -> tuple[Scale, Scale]:
    sessions = [each.sessions for each in given]
    times = [each.p50_ms for each in given if each.p50_ms]
    return (
        logarithmic(min(sessions), max(sessions), LEFT + LABELS, WIDTH - LEFT - 8),
        logarithmic(min(times), max(times), top + HEIGHT, top),
    )


def _curves(given: Sequence[At], across: Scale, up: Scale) -> list[dict[str, object]]:
    curves: list[dict[str, object]] = []
    peers = 0
    for name, rows in groupby(given, key=_name):
        points = [
            (round(across.place(each.sessions), 1), round(up.place(each.p50_ms), 1))
            for each in rows
            if each.p50_ms
        ]
        ours = name.startswith(ADMIT)
        mark = "circle" if ours else MARKS[peers % len(MARKS)]
        curves.append({"name": name, "points": points, "ours": ours, "mark": mark, "peer": peers})
        peers += not ours
    return curves


def _described(given: Sequence[At]) -> str:
    return "; ".join(
        f"{_name(each)} with {each.sessions:,} sessions: {value(each.p50_ms or 0, 'ms')}"
        for each in given
    )


def _name(each: At) -> str:
    return f"{each.system}, {each.store}" if each.store else each.system
