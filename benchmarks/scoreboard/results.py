"""The raw results as the three commands wrote them, checked: a page is made of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

ADMIT = "Admit"
REFRESH = "a refresh"
"""What growth asks of every system that has it."""
Results = TypeVar("Results", bound="Head")


class ResultsError(Exception):
    """What was read makes no page; says which file, which field and what to do."""


class Spread(msgspec.Struct, frozen=True):
    median: float
    min: float
    max: float
    unit: str | None = None
    """None where it is that of the comparison."""

    def overlaps(self, other: Spread) -> bool:
        """Whether a round of the one came out like a round of the other."""
        return self.min <= other.max and other.min <= self.max


class System(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    served: str
    hashing: str
    durability: str
    grace: float | None = None
    lacks: dict[str, str] = {}
    versions: dict[str, str] = {}


class Head(msgspec.Struct, frozen=True, kw_only=True):
    date: str
    commit: str
    machine: str
    libraries: str
    run: str
    systems: list[System]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    system: str
    what: str = ""
    median: float | None = None
    min: float | None = None
    max: float | None = None
    rounds: int | None = None
    beside: dict[str, Spread] = {}
    note: str = ""
    none: str | None = None

    def __post_init__(self) -> None:
        _either(self.none, "median, min and max", self.median, self.min, self.max)

    @property
    def spread(self) -> Spread:
        """Only of a row that was measured."""
        assert self.median is not None
        assert self.min is not None
        assert self.max is not None
        return Spread(self.median, self.min, self.max)


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    wanted: float
    median: float
    min: float
    max: float
    reached: bool


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    topic: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    told: str
    rows: list[Row]
    goals: list[Goal] = []

    @property
    def measured(self) -> list[Row]:
        return [row for row in self.rows if row.none is None]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of Admit's own, as `benchmarks.figures.Figure` writes it."""

    name: str
    unit: str
    goal: str | None
    median: float
    min: float
    max: float
    rounds: int
    reached: bool | None


class Bench(Head, frozen=True, kw_only=True):
    figures: list[Measured]
    comparisons: list[Comparison]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    told: str
    honest_or_thief: Literal["honest", "thief"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a system made of a scenario; a count is None where the scenario has no such thing."""

    system: str
    scenario: str
    trials: int = 0
    void: int = 0
    """Trials that the machine was too slow for, and that count for nothing."""
    seconds_waited: float = 0.0
    clock_moved: bool = False
    false_sign_outs: int | None = None
    refused: int | None = None
    thieves_unnoticed: int | None = None
    thieves_in_window: int | None = None
    thieves_in: int | None = None
    not_concerned_ended: int | None = None
    outlived: int | None = None
    forks: int | None = None
    errors: int | None = None
    rows_left: float | None = None
    """For each trial; None where nobody can look."""
    none: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        _either(self.none, "trials", self.trials or None)


class Races(Head, frozen=True, kw_only=True):
    seed: int
    scenarios: list[Scenario]
    results: list[Outcome]

    def __post_init__(self) -> None:
        told = {each.name for each in self.scenarios}
        if strange := {each.scenario for each in self.results} - told:
            raise ValueError(f"has results of what is no scenario: {', '.join(sorted(strange))}")
        if all(each.system != ADMIT for each in self.results):
            raise ValueError(f"has no results of {ADMIT}, beside which all others stand")


class At(msgspec.Struct, frozen=True, kw_only=True):
    """Refreshing where so many sessions are stored."""

    system: str
    sessions: int = 0
    store: str = ""
    what: str = ""
    """What is asked, where a system has no refresh."""
    p50_ms: float | None = None
    p99_ms: float | None = None
    per_second: float | None = None
    processor_us: float | None = None
    spread: dict[str, tuple[float, float]] = {}
    """The smallest and the largest round of each of these figures."""
    rows: int | None = None
    bytes: int | None = None
    none: str | None = None

    def __post_init__(self) -> None:
        _either(self.none, "sessions and p50_ms", self.sessions or None, self.p50_ms)

    def figure(self, field: str) -> Spread | None:
        """One of these figures by its name, over the rounds; None where there is none."""
        found: float | None = getattr(self, field)
        return None if found is None else Spread(found, *self.spread.get(field, (found, found)))

    @property
    def name(self) -> str:
        """The system, the store, and what is asked where it is no refresh."""
        what = self.what.partition(",")[0]
        parts = (self.system, self.store, "" if what == REFRESH else what)
        return ", ".join(filter(None, parts))


class Thousand(msgspec.Struct, frozen=True, kw_only=True):
    """What a thousand refreshes of one session leave behind."""

    system: str
    rows: int | None = None
    bytes: int | None = None
    durability: str = ""
    none: str | None = None

    def __post_init__(self) -> None:
        _either(self.none, "rows", self.rows)


class Growth(Head, frozen=True, kw_only=True):
    refresh_at: list[At]
    thousand_refreshes: list[Thousand]


class Board(msgspec.Struct, frozen=True):
    bench: Bench
    races: Races
    growth: Growth
    why: dict[str, str]
    """Why a goal was missed and what would close it, by the text of the goal."""


def read(home: Path) -> Board:
    """All that a page is made of.

    Arguments:
        home: the directory of `bench.json`, `races.json`, `growth.json` and `why.toml`.

    Raises:
        ResultsError: a file is missing, a field is missing or wrong.
    """
    return Board(
        _read(home / "bench.json", Bench, "make bench"),
        _read(home / "races.json", Races, "make races"),
        _read(home / "growth.json", Growth, "make growth"),
        _reasons(home / "why.toml"),
    )


def _read(path: Path, kind: type[Results], command: str) -> Results:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        raise ResultsError(f"{path} is not there; `{command} JSON={path}` writes it.") from None
    except msgspec.DecodeError as error:
        raise ResultsError(f"{path}: {error}.") from None


def _reasons(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ResultsError(f"{path}: {error}.") from None


def _either(none: str | None, names: str, *values: float | None) -> None:
    if none == "" or (none is None) == (None in values):
        raise ValueError(f"needs either `none`, a sentence, or {names}")
