"""Which charts the page shows, and what is in each."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from benchmarks.scoreboard import curves, tallies
from benchmarks.scoreboard.charts import Bar, Chart, drawn
from benchmarks.scoreboard.words import absent, label, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.scoreboard.results import Board, Comparison, Growth, Races, Row, Thousand

CEILING = "hello"
"""The figure beside a row that the bare server sets."""
MOST_BARS = 14
BETTER = {"higher": "Longer is better.", "lower": "Shorter is better."}


def names(comparisons: Sequence[Comparison]) -> list[str]:
    """A file's name for each: its topic, with a number where a topic has several."""
    topics = Counter(each.topic for each in comparisons)
    seen: Counter[str] = Counter()
    told = []
    for each in comparisons:
        seen[each.topic] += 1
        slug = "-".join(re.findall(r"\w+", each.topic.lower()))
        told.append(f"{slug}-{seen[each.topic]}" if topics[each.topic] > 1 else slug)
    return told


def pictures(board: Board) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Each chart's name, its template and what that needs."""
    given = board.bench.comparisons
    for name, each in zip(names(given), given, strict=True):
        for chart, part in parts(name, each).items():
            yield chart, "bars.svg", drawn(_comparison(part))
    for kind in tallies.PROMISES:
        yield f"races-{kind}", "bars.svg", drawn(_races(board.races, kind))
    if lines := tallies.curves(board.growth):
        yield "growth", "lines.svg", curves.drawn(lines)
    yield "growth-rows", "bars.svg", drawn(_rows(board.growth))
    if any(each.bytes for each in board.growth.thousand_refreshes):
        yield "growth-bytes", "bars.svg", drawn(_bytes(board.growth))


def parts(name: str, given: Comparison) -> dict[str, Comparison]:
    """A chart for each last word of what was done, where one would be too long to read.

    Arguments:
        name: of the chart, where there is one.
    """
    if len(given.rows) <= MOST_BARS:
        return {name: given}
    found: dict[str, list[Row]] = {}
    for row in given.rows:
        found.setdefault(row.what.rpartition(", ")[2], []).append(row)
    return {
        f"{name}-{number}": replace(given, title=f"{given.title}: {what}", rows=rows)
        for number, (what, rows) in enumerate(found.items(), 1)
    }


def _ceiling(row: Row) -> float | None:
    """What the bare server does."""
    return row.beside[CEILING].median if CEILING in row.beside else None


def _comparison(each: Comparison) -> Chart:
    bars = [_bar(row, each.unit) for row in each.rows]
    return Chart(title=each.title, about=BETTER[each.better], bars=bars, ceiling=CEILING)


def _bar(row: Row, unit: str) -> Bar:
    if row.none is not None:
        return Bar(system=row.system, label=label(row), told=absent(row.none))
    return Bar(
        system=row.system,
        label=label(row),
        told=value(row.spread.median, unit),
        median=row.spread.median,
        low=row.spread.min,
        high=row.spread.max,
        ceiling=_ceiling(row),
    )


def _races(races: Races, kind: str) -> Chart:
    _, title = tallies.PROMISES[kind]
    found = tallies.totals(races, kind)
    nothing = {each.system: each.none for each in races.results if each.none is not None}
    bars = []
    for system in dict.fromkeys(each.system for each in races.results):
        if total := found.get(system):
            bars.append(_plain(system, total.told, total.percent))
        else:
            bars.append(_plain(system, absent(nothing.get(system, "")), None))
    about = f"In % of the trials; in brackets: in how many scenarios. {BETTER['lower']}"
    return Chart(title=title, about=about, bars=bars)


def _rows(growth: Growth) -> Chart:
    told = [_left(each, each.rows, "") for each in growth.thousand_refreshes]
    title = "Rows left by 1,000 refreshes of one session"
    return Chart(title=title, about=BETTER["lower"], bars=told)


def _bytes(growth: Growth) -> Chart:
    told = [_left(each, each.bytes, " bytes") for each in growth.thousand_refreshes]
    title = "Bytes left by 1,000 refreshes of one session"
    return Chart(title=title, about=BETTER["lower"], bars=told)


def _left(each: Thousand, amount: int | None, unit: str) -> Bar:
    if amount is None:
        return _plain(each.system, absent(each.none) if each.none else "not told", None)
    return _plain(each.system, f"{amount:,}{unit}", amount)


def _plain(system: str, told: str, amount: float | None) -> Bar:
    """A bar of a count, which has no spread."""
    return Bar(
        system=system,
        label=system,
        told=told,
        median=amount,
        low=amount or 0.0,
        high=amount or 0.0,
    )
