"""The page's tables: rows of cells, each a text that is safe in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from benchmarks.figures import number
from benchmarks.scoreboard import tallies
from benchmarks.scoreboard.results import Spread
from benchmarks.scoreboard.sentences import goal_measured
from benchmarks.scoreboard.words import UNKNOWN, absent, plain, prose, size, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.scoreboard.results import (
        Bench,
        Board,
        Comparison,
        Growth,
        Head,
        Outcome,
        Races,
        Row,
        System,
    )
    from benchmarks.scoreboard.rivals import Ahead

VERDICTS = {True: "ok", False: "**short**", None: ""}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def heads(board: Board) -> str:
    """When, of what and on what each of the three commands ran."""
    given: dict[str, Head] = {
        "make bench": board.bench,
        "make races": board.races,
        "make growth": board.growth,
    }
    rows = [
        [f"`{command}`", each.date, f"`{each.commit}`", prose(each.machine), prose(each.run)]
        for command, each in given.items()
    ]
    return table(["measured by", "date", "commit", "machine", "run"], rows)


def systems(board: Board) -> str:
    """Every system that any of the three ran, once."""
    found: dict[str, System] = {}
    for head in (board.bench, board.races, board.growth):
        for each in head.systems:
            found.setdefault(each.name, each)
    header = ["system", "served by", "passwords", "a refresh", "grace", "lacks", "versions"]
    return table(header, map(_system, found.values()))


def ahead(found: Sequence[Ahead]) -> str:
    """Where others are better, a line for each figure."""
    rows = [[each.where, f"**{each.who}**", f"**{each.theirs}**", *each[3:]] for each in found]
    return table(["figure", "better", "with", "Admit", "by"], rows)


def as_good(given: Races) -> str:
    """In how many scenarios each peer does at least as well as Admit, by what is counted."""
    rows = [
        [plain(system), *(f"{good} of {compared}" for good, compared in counts)]
        for system, counts in tallies.as_good_in_races(given).items()
    ]
    return table(["system", *tallies.COLUMNS.values()], rows)


def told(given: Races, kind: str) -> list[str]:
    """What is done in each scenario of a kind, and what is to be known of a system in it."""
    return [
        " ".join([f"*{prose(each.name)}*: {prose(each.told)}", *_notes(given, each.name)])
        for each in given.scenarios
        if each.honest_or_thief == kind
    ]


def remarks(given: Races) -> list[str]:
    """What is to be known of those who were signed out, where it is said of a system."""
    return [
        f"**{plain(each.system)}**, *{prose(each.scenario)}*: {prose(each.note)}."
        for each in given.results
        if each.false_sign_outs and each.note
    ]


def _notes(given: Races, scenario: str) -> list[str]:
    """Each note once, after those to whom it applies."""
    found: dict[str, list[str]] = {}
    for each in given.results:
        if each.scenario == scenario and each.note:
            found.setdefault(each.note, []).append(plain(each.system))
    return [f"**{' and '.join(names)}**: {prose(note)}." for note, names in found.items()]


def comparison(given: Comparison) -> dict[str, str]:
    """The table of a comparison and that of its goals."""
    beside = list(dict.fromkeys(name for row in given.rows for name in row.beside))
    what = ["what"] if any(row.what for row in given.rows) else []
    notes = ["note"] if any(row.note for row in given.rows) else []
    header = ["system", *what, "median (min to max)", *map(prose, beside), *notes]
    rows = [_row(row, given.unit, beside, what=bool(what), notes=bool(notes)) for row in given.rows]
    goals = [
        [prose(goal.text), number(goal.wanted), goal_measured(goal), VERDICTS[goal.reached]]
        for goal in given.goals
    ]
    return {
        "table": table(header, rows),
        "goals": table(["goal", "wanted", "measured", ""], goals) if goals else "",
    }


def races(given: Races, kind: str) -> str:
    """Each scenario of a kind in a line, each system in a column."""
    column, _ = tallies.PROMISES[kind]
    names = list(dict.fromkeys(each.system for each in given.results))
    found = {(each.scenario, each.system): each for each in given.results}
    usual = max((each.trials for each in given.results), default=0)
    rows = [
        [prose(each.name), *(_cell(found.get((each.name, name)), column, usual) for name in names)]
        for each in given.scenarios
        if each.honest_or_thief == kind
    ]
    return table(["", *map(plain, names)], rows)


def outcomes(given: Races) -> str:
    """Everything that was counted."""
    header = ["scenario", "system", "trials", "time", *tallies.COLUMNS.values(), "note"]
    return table(header, map(_outcome, given.results))


def refresh_at(given: Growth) -> str:
    header = ["system", "sessions", *(name for name, _, _ in tallies.AT.values())]
    rows = []
    for each in given.refresh_at:
        name = plain(each.name)
        if each.none is not None:
            rows.append([name, "", prose(each.none), "", "", "", "", ""])
            continue
        told = [_at(each.figure(field), unit) for field, (_, unit, _) in tallies.AT.items()]
        rows.append([name, f"{each.sessions:,}", *told, size(each.rows), size(each.bytes)])
    return table([*header, "rows", "bytes"], rows)


def thousand(given: Growth) -> str:
    rows = [
        [plain(each.system), prose(each.none), "", ""]
        if each.none is not None
        else [plain(each.system), size(each.rows), size(each.bytes), prose(each.durability)]
        for each in given.thousand_refreshes
    ]
    return table(["system", "rows", "bytes", "durability"], rows)


def figures(given: Bench) -> str:
    """What Admit costs by itself."""
    rows = [
        [
            prose(each.name),
            prose(each.goal or ""),
            spread(Spread(each.median, each.min, each.max), each.unit),
            VERDICTS[each.reached],
        ]
        for each in given.figures
    ]
    return table(["figure", "goal", "median (min to max)", ""], rows)


def _system(each: System) -> list[str]:
    return [
        plain(each.name),
        prose(each.served),
        prose(each.hashing),
        prose(each.durability),
        "none" if each.grace is None else f"{each.grace:g} s",
        prose("; ".join(each.lacks.values())),
        plain(", ".join(f"{name} {number}" for name, number in each.versions.items())),
    ]


def _row(row: Row, unit: str, beside: Sequence[str], *, what: bool, notes: bool) -> list[str]:
    told = prose(row.none) if row.none is not None else spread(row.spread, unit)
    cells = [plain(row.system), *([prose(row.what)] if what else []), told]
    cells += [_beside(row.beside.get(name), unit) for name in beside]
    return [*cells, *([prose(row.note)] if notes else [])]


def _beside(given: Spread | None, unit: str) -> str:
    return spread(given, unit) if given else ""


def _cell(given: Outcome | None, column: str, usual: int) -> str:
    if given is None:
        return "not run"
    if given.none is not None:
        return absent(given.none)
    if getattr(given, column) is None and given.outlived is not None:
        told = f"outlived {tallies.told(given, 'outlived', usual)}"
        given = replace(given, outlived=None)
    else:
        told = tallies.told(given, column, usual)
    also = _also(given, column)
    return f"{told} ({', '.join(also)})" if also else told


def _also(given: Outcome, column: str) -> list[str]:
    """What else happened, and has to be known beside what a promise is about."""
    told = {
        "refused": given.refused,
        "outlived": given.outlived,
        "forks": given.forks,
    }
    if column != "false_sign_outs":
        told = {
            "in the window": given.thieves_in_window,
            "still in": given.thieves_in,
            "the owner signed out instead": given.false_sign_outs,
        }
    return [f"{name} {count:,}" for name, count in told.items() if count]


def _outcome(each: Outcome) -> list[str]:
    names = [prose(each.scenario), plain(each.system)]
    if each.none is not None:
        return [*names, prose(each.none), "", *([""] * len(tallies.COLUMNS)), prose(each.note)]
    counts = [tallies.told(each, column, each.trials) for column in tallies.COLUMNS]
    void = f", {each.void:,} void" if each.void else ""
    return [*names, f"{each.trials:,}{void}", _time(each), *counts, prose(each.note)]


def _time(each: Outcome) -> str:
    if each.seconds_waited:
        return f"{each.seconds_waited:g} s waited"
    return "its clock moved" if each.clock_moved else ""


def _at(found: Spread | None, unit: str) -> str:
    return UNKNOWN if found is None else spread(found, unit)
