"""The races and the growth in sentences, and where a peer does at least as well there."""

from __future__ import annotations

import dataclasses
from statistics import mean
from typing import TYPE_CHECKING

from benchmarks.figures import number
from benchmarks.scoreboard.results import ADMIT
from benchmarks.scoreboard.rivals import Ahead, Lead, folded
from benchmarks.scoreboard.words import count, plain, prose, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.scoreboard.results import At, Growth, Outcome, Races, Thousand

COLUMNS = {
    "false_sign_outs": "false sign-outs",
    "refused": "honest requests refused",
    "thieves_unnoticed": "thieves unnoticed",
    "thieves_in_window": "thieves in the window",
    "thieves_in": "thieves still in",
    "not_concerned_ended": "sessions ended that were not concerned",
    "outlived": "sessions that outlived their end",
    "forks": "forks",
    "errors": "errors",
    "rows_left": "rows left for each trial",
}
"""What is counted in a race; less is better in each."""
PROMISES = {
    "honest": ("false_sign_outs", "Honest people, signed out falsely"),
    "thief": ("thieves_unnoticed", "Thieves, unnoticed beyond the window"),
}
AT = {
    "p50_ms": ("p50", "ms", False),
    "p99_ms": ("p99", "ms", False),
    "per_second": ("rate", "/s", True),
    "processor_us": ("processor time", "µs", False),
}


@dataclasses.dataclass
class Total:
    """What a system did over all scenarios of a kind."""

    found: int = 0
    trials: int = 0
    in_window: int = 0
    """Thieves that the system's own grace let in, and that were caught after."""
    shares: list[float] = dataclasses.field(default_factory=list)
    where: list[str] = dataclasses.field(default_factory=list)
    """The scenarios in which it broke the promise."""

    @property
    def percent(self) -> float:
        """Of a scenario; each counts alike, however many trials it had."""
        return 100 * mean(self.shares)

    @property
    def told(self) -> str:
        """In how many % of the trials, and in how many of the scenarios that were played."""
        return f"{self.percent:.3g} % ({len(self.where)} of {len(self.shares)})"

    def add(self, outcome: Outcome, counted: int) -> None:
        self.found += counted
        self.trials += outcome.trials
        self.in_window += outcome.thieves_in_window or 0
        self.shares.append(counted / outcome.trials)
        if counted:
            self.where.append(outcome.scenario)


def totals(races: Races, kind: str) -> dict[str, Total]:
    """How often each system broke the promise that scenarios of a kind are about."""
    column, _ = PROMISES[kind]
    names = {each.name for each in races.scenarios if each.honest_or_thief == kind}
    return summed(races, column, names)


def summed(races: Races, column: str, names: Iterable[str]) -> dict[str, Total]:
    """What each system did in scenarios that Admit was played in, too: no sum has another."""
    ours = {each.scenario for each in _of(races.results, ours=True)} & {*names}
    found: dict[str, Total] = {}
    for each in races.results:
        counted = getattr(each, column)
        if each.scenario in ours and counted is not None and each.none is None:
            found.setdefault(each.system, Total()).add(each, counted)
    return found


def races(given: Races) -> list[str]:
    lines = []
    for kind, (_, title) in PROMISES.items():
        told = [_total(system, each) for system, each in totals(given, kind).items()]
        where = title.lower().replace(",", "").replace(" ", "-")
        lines.append(f"**{title}**: {'; '.join(told)}. [What happened there](#{where}).")
    return lines


def growth(given: Growth) -> list[str]:
    told = [_grown(name, each) for name, each in curves(given).items()]
    left = [_left(each) for each in given.thousand_refreshes if each.none is None]
    return [
        f"**Growth, p50 of a refresh**: {'; '.join(told)}.",
        f"**Left by 1,000 refreshes of one session**: {'; '.join(left)}.",
    ]


def better_in_races(given: Races) -> list[Ahead]:
    """Each count of each scenario in which a peer does better than Admit."""
    found = [each for peer, ours in _beside(given) for each in _better(peer, ours)]
    return folded(found, "Races, {place}: {what}")


def as_good_in_races(given: Races) -> dict[str, list[tuple[int, int]]]:
    """For each peer and column: in how many scenarios it does at least as well, of how many."""
    beside = _beside(given)
    return {
        system: [
            _as_good([pair for pair in beside if pair[0].system == system], column)
            for column in COLUMNS
        ]
        for system in dict.fromkeys(peer.system for peer, _ in beside)
    }


def better_at_growth(given: Growth) -> list[Ahead]:
    """Each figure of growth in which a peer does better than Admit."""
    ours = [each for each in given.refresh_at if each.system == ADMIT and each.none is None]
    found: list[Lead] = []
    for each in given.refresh_at:
        if each.system != ADMIT and each.none is None:
            found += _better_at(each, [row for row in ours if row.sessions == each.sessions])
    growing = folded(found, "Growth, {place} sessions: {what}")
    return [*growing, *_smaller(given.thousand_refreshes)]


def _beside(given: Races) -> list[tuple[Outcome, Outcome]]:
    """What each peer made of a scenario, beside what Admit made of it."""
    ours = {each.scenario: each for each in _of(given.results, ours=True)}
    theirs = _of(given.results, ours=False)
    return [(each, ours[each.scenario]) for each in theirs if each.scenario in ours]


def _of(results: Iterable[Outcome], *, ours: bool) -> list[Outcome]:
    return [each for each in results if (each.system == ADMIT) is ours and each.none is None]


def _counted(one: Outcome, other: Outcome, column: str) -> tuple[float, float] | None:
    """Both counts, made comparable by the other's trials; None where one has no such count."""
    first, second = getattr(one, column), getattr(other, column)
    if first is None or second is None:
        return None
    if column == "rows_left":
        return first, second
    return first * other.trials, second * one.trials


def told(outcome: Outcome, column: str, usual: int = 0) -> str:
    """A count as it is written; rows are told for each trial."""
    found = getattr(outcome, column)
    if column == "rows_left" and found is not None:
        return number(found)
    return count(found, outcome.trials, usual)


def _better(peer: Outcome, ours: Outcome) -> Iterator[Lead]:
    for column, name in COLUMNS.items():
        both = _counted(peer, ours, column)
        if both and both[0] < both[1]:
            both_told = told(peer, column), told(ours, column)
            yield Lead(name, prose(peer.scenario), plain(peer.system), *both_told)


def _as_good(beside: Sequence[tuple[Outcome, Outcome]], column: str) -> tuple[int, int]:
    counted = [both for peer, ours in beside if (both := _counted(peer, ours, column))]
    return sum(theirs <= admits for theirs, admits in counted), len(counted)


def _better_at(peer: At, ours: Sequence[At]) -> Iterator[Lead]:
    """Beside ours on the same store, or else whichever does us least credit."""
    alike = [each for each in ours if each.store == peer.store] or ours
    for field, (name, unit, higher) in AT.items():
        theirs = peer.figure(field)
        given = [found for each in alike if (found := each.figure(field))]
        if theirs is None or not given:
            continue
        admits = (min if higher else max)(given, key=lambda each: each.median)
        first, second = (theirs, admits) if higher else (admits, theirs)
        if first.median > second.median:
            both_told = value(theirs.median, unit), value(admits.median, unit)
            overlap = theirs.overlaps(admits)
            yield Lead(name, f"{peer.sessions:,}", plain(peer.name), *both_told, overlap)


def _smaller(given: Sequence[Thousand]) -> Iterator[Ahead]:
    ours = next((each for each in given if each.system == ADMIT), None)
    for each in given:
        for field in ("rows", "bytes"):
            theirs, admits = getattr(each, field), getattr(ours, field, None)
            if theirs is not None and admits is not None and theirs < admits:
                where = f"Left by 1,000 refreshes: {field}"
                yield Ahead(where, plain(each.system), f"{theirs:,}", f"{admits:,}", "")


def _total(system: str, each: Total) -> str:
    told = f"{plain(system)} {each.found:,} of {each.trials:,}"
    if each.in_window:
        told += f", and {each.in_window:,} in the window"
    if not each.found:
        return told
    return f"{told} ({', '.join(f'*{prose(name)}*' for name in each.where)})"


def curves(given: Growth) -> dict[str, list[At]]:
    """What was measured with more and more sessions, by what it was measured of."""
    found: dict[str, list[At]] = {}
    for each in given.refresh_at:
        if each.none is None:
            found.setdefault(each.name, []).append(each)
    return found


def _grown(name: str, given: Sequence[At]) -> str:
    first, last = given[0], given[-1]
    small, large = first.p50_ms or 0.0, last.p50_ms or 0.0
    times = f", {number(large / small)} times" if small else ""
    sessions = f"from {first.sessions:,} to {last.sessions:,} sessions"
    return f"{plain(name)} {value(small, 'ms')} to {value(large, 'ms')}{times}, {sessions}"


def _left(each: Thousand) -> str:
    assert each.rows is not None
    name = "row" if each.rows == 1 else "rows"
    told = f"{plain(each.system)} {each.rows:,} {name}"
    return told if each.bytes is None else f"{told}, {each.bytes:,} bytes"
