"""The races and the growth in sentences, and where a peer does at least as well there."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.figures import number
from benchmarks.scoreboard.results import ADMIT
from benchmarks.scoreboard.words import UNKNOWN, count, plain, prose, value

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


class Total(NamedTuple):
    system: str
    found: int
    trials: int

    @property
    def percent(self) -> float:
        return 100 * self.found / self.trials


def totals(races: Races, kind: str) -> list[Total]:
    """How often each system broke the promise that scenarios of a kind are about."""
    column, _ = PROMISES[kind]
    names = {each.name for each in races.scenarios if each.honest_or_thief == kind}
    found: dict[str, Total] = {}
    for each in races.results:
        counted = getattr(each, column)
        if each.scenario in names and counted is not None:
            before = found.get(each.system, Total(each.system, 0, 0))
            after = Total(each.system, before.found + counted, before.trials + each.trials)
            found[each.system] = after
    return list(found.values())


def races(given: Races) -> list[str]:
    lines = []
    for kind, (_, title) in PROMISES.items():
        told = [_total(each) for each in totals(given, kind)]
        lines.append(f"**{title}**: {'; '.join(told)}.")
    return lines


def growth(given: Growth) -> list[str]:
    told = [_grown(list(each)) for _, each in groupby(given.refresh_at, key=_kept)]
    left = [_left(each) for each in given.thousand_refreshes]
    return [
        f"**Growth, p50 of a refresh**: {'; '.join(told)}.",
        f"**Left by 1,000 refreshes of one session**: {'; '.join(left)}.",
    ]


def better_in_races(given: Races) -> list[str]:
    """For each peer: in which column of which scenario it does better than Admit, or as well."""
    ours = {each.scenario: each for each in _of(given.results, ours=True)}
    theirs = sorted(_of(given.results, ours=False), key=lambda each: each.system)
    lines = []
    for system, outcomes in groupby(theirs, key=lambda each: each.system):
        beside = [(each, ours[each.scenario]) for each in outcomes if each.scenario in ours]
        better = [text for each in beside for text in _better(*each)]
        as_good = list(_as_good(beside))
        parts = [f"**better in {'; '.join(better)}**"] if better else []
        parts += [f"as good in {'; '.join(as_good)}"] if as_good else []
        if parts:
            lines.append(f"**Races, {plain(system)}**: {'; '.join(parts)}.")
    return lines


def better_at_growth(given: Growth) -> list[str]:
    ours = [each for each in given.refresh_at if each.system == ADMIT and each.none is None]
    lines = []
    for each in given.refresh_at:
        if each.system != ADMIT and each.none is None:
            told = _better_at(each, [row for row in ours if row.sessions == each.sessions])
            if told:
                name = plain(_name(each))
                lines.append(f"**Growth, {each.sessions:,} sessions**: {name}: {'; '.join(told)}.")
    return [*lines, *_smaller(given.thousand_refreshes)]


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


def _better(peer: Outcome, ours: Outcome) -> Iterator[str]:
    for column, name in COLUMNS.items():
        both = _counted(peer, ours, column)
        if both and both[0] < both[1]:
            yield (
                f"{prose(peer.scenario)}: {name} {told(peer, column)}, Admit {told(ours, column)}"
            )


def _as_good(beside: Sequence[tuple[Outcome, Outcome]]) -> Iterator[str]:
    for column, name in COLUMNS.items():
        compared = [(peer, _counted(peer, ours, column)) for peer, ours in beside]
        known = [(peer, both) for peer, both in compared if both]
        equal = [peer.scenario for peer, both in known if both[0] == both[1]]
        if equal and len(equal) == len(known):
            yield f"{name} (all {len(equal)} scenarios)"
        elif equal:
            yield f"{name} ({', '.join(map(prose, equal))})"


def _better_at(peer: At, ours: Sequence[At]) -> list[str]:
    """Beside ours on the same store, or else whichever does us least credit."""
    alike = [each for each in ours if each.store == peer.store] or ours
    told = []
    for field, (name, unit, higher) in AT.items():
        theirs = getattr(peer, field)
        given = [found for each in alike if (found := getattr(each, field)) is not None]
        if theirs is None or not given:
            continue
        admits = min(given) if higher else max(given)
        if theirs > admits if higher else theirs < admits:
            told.append(f"{name} **{value(theirs, unit)}**, Admit {value(admits, unit)}")
    return told


def _smaller(given: Sequence[Thousand]) -> Iterator[str]:
    ours = next((each for each in given if each.system == ADMIT), None)
    for each in given:
        for field in ("rows", "bytes"):
            theirs, admits = getattr(each, field), getattr(ours, field, None)
            if theirs is not None and admits is not None and theirs < admits:
                yield (
                    f"**Left by 1,000 refreshes**: {plain(each.system)} **{theirs:,} {field}**,"
                    f" Admit {admits:,}."
                )


def _total(each: Total) -> str:
    told = f"{plain(each.system)} {each.found:,} of {each.trials:,}"
    return f"{told} ({value(each.percent, '%')})" if each.found else told


def _kept(each: At) -> tuple[str, str]:
    return each.system, each.store


def _name(each: At) -> str:
    return f"{each.system}, {each.store}" if each.store else each.system


def _grown(given: Sequence[At]) -> str:
    first, last = given[0], given[-1]
    if first.p50_ms is None or last.p50_ms is None:
        return f"{plain(_name(first))}: {prose(first.none or last.none or '')}"
    small, large = value(first.p50_ms, "ms"), value(last.p50_ms, "ms")
    times = value(last.p50_ms / first.p50_ms, "times") if first.p50_ms else UNKNOWN
    sessions = f"from {first.sessions:,} to {last.sessions:,} sessions"
    return f"{plain(_name(first))} {small} to {large}, {times}, {sessions}"


def _left(each: Thousand) -> str:
    if each.rows is None:
        return f"{plain(each.system)}: {prose(each.none or '')}"
    name = "row" if each.rows == 1 else "rows"
    told = f"{plain(each.system)} {each.rows:,} {name}"
    return told if each.bytes is None else f"{told}, {each.bytes:,} bytes"
