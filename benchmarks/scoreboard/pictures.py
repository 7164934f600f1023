"""Which charts the page shows, and what is in each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.scoreboard import curves, tallies
from benchmarks.scoreboard.charts import Bar, Chart, drawn
from benchmarks.scoreboard.words import absent, label, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.scoreboard.results import Board, Comparison, Growth, Races, Row, Thousand

BETTER = {"higher": "Longer is better.", "lower": "Shorter is better."}


def names(comparisons: Sequence[Comparison]) -> list[str]:
    """A file's name for each: its topic, with a number where a topic has several."""
    topics = Counter(each.topic for each in comparisons)
    seen: Counter[str] = Counter()
    told = []
    for each in comparisons:
        seen[each.topic] += 1
        slug = "-".join(each.topic.lower().split())
        told.append(f"{slug}-{seen[each.topic]}" if topics[each.topic] > 1 else slug)
    return told


def pictures(board: Board) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Each chart's name, its template and what that needs."""
    given = board.bench.comparisons
    for name, each in zip(names(given), given, strict=True):
        yield name, "bars.svg", drawn(_comparison(each))
    for kind in tallies.PROMISES:
        yield f"races-{kind}", "bars.svg", drawn(_races(board.races, kind))
    if any(each.none is None for each in board.growth.refresh_at):
        yield "growth", "lines.svg", curves.drawn(board.growth.refresh_at)
    yield "growth-rows", "bars.svg", drawn(_rows(board.growth))
    if any(each.bytes for each in board.growth.thousand_refreshes):
        yield "growth-bytes", "bars.svg", drawn(_bytes(board.growth))


def ceiling(row: Row, unit: str) -> tuple[str, float] | None:
    """What the bare server does, by its name: the first figure beside a row in the same unit."""
    for name, beside in row.beside.items():
        if beside.unit is None or beside.unit.strip() == unit.strip():
            return name, beside.median
    return None


def _comparison(each: Comparison) -> Chart:
    bars = [_bar(row, each.unit) for row in each.rows]
    found = [name for row in each.rows if (found := ceiling(row, each.unit)) for name in found[:1]]
    return Chart(
        title=each.title,
        about=BETTER[each.better],
        bars=bars,
        ceiling=found[0] if found else "",
    )


def _bar(row: Row, unit: str) -> Bar:
    if row.none is not None:
        return Bar(system=row.system, label=label(row), told=absent(row.none))
    above = ceiling(row, unit)
    return Bar(
        system=row.system,
        label=label(row),
        told=value(row.spread.median, unit),
        median=row.spread.median,
        low=row.spread.min,
        high=row.spread.max,
        ceiling=above[1] if above else None,
    )


def _races(races: Races, kind: str) -> Chart:
    _, title = tallies.PROMISES[kind]
    found = {each.system: each for each in tallies.totals(races, kind)}
    nothing = {each.system: each.none for each in races.results if each.none is not None}
    bars = []
    for system in dict.fromkeys(each.system for each in races.results):
        if total := found.get(system):
            told = f"{total.found:,} of {total.trials:,}"
            bars.append(_plain(system, told, total.percent))
        else:
            bars.append(_plain(system, absent(nothing.get(system, "")), None))
    about = f"In % of the trials of all scenarios together. {BETTER['lower']}"
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
