"""Charts as SVG of our own: where each bar, line and word stands. The templates only draw."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from textwrap import wrap
from typing import TYPE_CHECKING

from benchmarks.scoreboard.results import ADMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WIDTH = 420
LEFT = 12
"""Room at either side."""
LETTER = 7.4
"""How wide a letter of a value or a label is at most, on average, in 13 px."""
TITLE_LETTERS, LABEL_LETTERS, SMALL_LETTERS = 45, 52, 72
"""How many letters go on a line of each size."""
MANY_TIMES = 50
"""Values that differ by more are drawn on a logarithmic scale."""
LOGARITHMIC = "Logarithmic scale: each line stands for ten times the one before."


@dataclass(frozen=True, kw_only=True)
class Bar:
    system: str
    label: str
    told: str
    """The value as text, or that there is none."""
    median: float | None = None
    low: float = 0.0
    high: float = 0.0
    ceiling: float | None = None

    @property
    def marks(self) -> list[float]:
        """Everything that is drawn of it."""
        if self.median is None:
            return []
        return [self.median, self.low, self.high, *([self.ceiling] if self.ceiling else [])]


@dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    about: str
    """What a longer or a shorter bar means."""
    bars: Sequence[Bar]
    ceiling: str = ""
    """What the light bars are."""


@dataclass(frozen=True)
class Scale:
    """From a value to its place, and the lines that help to read it."""

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]
    logarithmic: bool


def drawn(chart: Chart) -> dict[str, object]:
    """What the template of bars needs."""
    scale = _scale(chart.bars)
    title = wrap(chart.title, TITLE_LETTERS)
    about = wrap(chart.about, SMALL_LETTERS)
    top = 32 + 20 * len(title) + 15 * len(about)
    rows, bottom = _rows(chart.bars, scale, top)
    notes = _notes(chart, scale)
    return {
        "width": WIDTH,
        "height": bottom + 26 + 15 * len(notes) + 6,
        "title": title,
        "about": about,
        "described": _described(chart),
        "ticks": [(round(place, 1), text) for place, text in scale.ticks],
        "top": top - 14,
        "bottom": bottom,
        "rows": rows,
        "notes": notes,
        "left": LEFT,
    }


def compact(amount: float) -> str:
    """A tick's number: `0.5`, `200`, `10k`, `5M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:g}{letter}"
    return f"{amount:g}"


def powers(low: float, high: float) -> list[float]:
    """The powers of ten around both."""
    first, last = floor(log10(low)), ceil(log10(high))
    return [10.0**each for each in range(first, max(last, first + 1) + 1)]


def thinned(ticks: Sequence[float], most: int) -> list[float]:
    """Every second or third of them, where all would touch each other."""
    return list(ticks[:: ceil(len(ticks) / most)])


def _rows(bars: Iterable[Bar], scale: Scale, top: int) -> tuple[list[dict[str, object]], int]:
    rows = []
    for bar in bars:
        label = wrap(bar.label, LABEL_LETTERS)
        below = top + 16 * len(label)
        rows.append({"ours": bar.system == ADMIT, "label": label, "y": top, "bar_y": below - 6})
        rows[-1] |= {"told": bar.told, **_marks(bar, scale)}
        top = below + 26
    return rows, top - 8


def _marks(bar: Bar, scale: Scale) -> dict[str, object]:
    if bar.median is None:
        return {"none": True, "told_x": LEFT}
    places = [round(scale.place(each), 1) for each in (bar.median, bar.low, bar.high)]
    ends = [scale.place(each) for each in bar.marks]
    length = max(0.0, places[0] - LEFT)
    return {
        "none": False,
        "length": round(max(length, 1.5), 1),
        "low": places[1],
        "high": places[2],
        "spreads": bar.low < bar.high,
        "ceiling": round(scale.place(bar.ceiling) - LEFT, 1) if bar.ceiling else None,
        "told_x": round(max(*ends, LEFT + 1.5) + 6, 1),
    }


def _scale(bars: Sequence[Bar]) -> Scale:
    marks = [mark for bar in bars for mark in bar.marks]
    room = max(len(bar.told) for bar in bars if bar.median is not None) if marks else 0
    end = WIDTH - LEFT - 6 - room * LETTER
    medians = [bar.median for bar in bars if bar.median is not None]
    if marks and min(marks) > 0 and max(medians) / min(medians) > MANY_TIMES:
        return logarithmic(min(marks), max(marks), LEFT, end)
    return _linear(max(marks, default=0.0), end)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    ticks = powers(low, high)
    first, last = log10(ticks[0]), log10(ticks[-1])

    def place(amount: float) -> float:
        return start + (end - start) * (log10(amount) - first) / (last - first)

    shown = thinned(ticks, max(2, int(abs(end - start) / 36)))
    return Scale(place, [(place(each), compact(each)) for each in shown], logarithmic=True)


def _linear(high: float, end: float) -> Scale:
    high = high or 1.0

    def place(amount: float) -> float:
        return LEFT + (end - LEFT) * max(amount, 0.0) / high

    ticks = [each for each in _steps(high) if each <= high]
    return Scale(place, [(place(each), compact(each)) for each in ticks], logarithmic=False)


def _steps(high: float) -> list[float]:
    """Round numbers from nothing up to it, four at most."""
    base = 10.0 ** floor(log10(high))
    step = next(each * base for each in (0.2, 0.5, 1, 2, 5, 10) if high / (each * base) <= 4)
    return [round(step * each, 10) for each in range(5)]


def _notes(chart: Chart, scale: Scale) -> list[str]:
    notes = [LOGARITHMIC] if scale.logarithmic else []
    if any(bar.marks and bar.low < bar.high for bar in chart.bars):
        notes.append("The thin line goes from the smallest round to the largest.")
    if chart.ceiling and any(bar.ceiling for bar in chart.bars):
        notes.append(f"The outlined bar is the same server's ceiling: {chart.ceiling}.")
    return [line for note in notes for line in wrap(note, SMALL_LETTERS)]


def _described(chart: Chart) -> str:
    """The same in words, for who does not see it."""
    return "; ".join(f"{bar.label}: {bar.told}" for bar in chart.bars) + "."
