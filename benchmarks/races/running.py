"""Every scenario with one system: trials side by side, each on a session of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

import uvloop

from benchmarks.peers.peer import Person
from benchmarks.processes import LoadError
from benchmarks.races.browser import Browser
from benchmarks.races.counts import Counts, total
from benchmarks.races.result import Result
from benchmarks.races.scenarios import SCENARIOS
from benchmarks.races.system import System
from benchmarks.races.trial import Trial, Void

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, Iterator, Sequence

    from benchmarks.peers.peer import Peer
    from benchmarks.races.trial import Scenario, Step

T = TypeVar("T")
AT_ONCE = 16
"""So many trials ask at once: enough to meet, and few enough for a server with four threads."""
GROUP = 200
"""So many trials go on together where a grace must not pass by itself between two steps."""


@dataclass(frozen=True, kw_only=True)
class Size:
    trials: int
    fewest: int
    seconds: float
    """About so many for a scenario with a system, not counting those that it waits for; where one
    trial took so long that all of them would take longer, there are fewer.
    """
    beyond: float
    """By how many seconds a grace is exceeded where it has to be over."""


FULL = Size(trials=1000, fewest=100, seconds=12.0, beyond=0.3)
QUICK = Size(trials=24, fewest=8, seconds=0.5, beyond=0.1)


class Races:
    """The people of one system, and what is done with them."""

    def __init__(self, system: System, *, seed: int, size: Size) -> None:
        self._system = system
        self._seed = seed
        self._size = size
        self._people: list[tuple[Person, Browser]] = []
        self._of_a_trial = 0.0
        """Seconds that one took, as last seen, with others beside it."""

    async def gather(self) -> None:
        """Register as many people as there is time for, and sign each in on the second device."""
        started = time.monotonic()
        await self._join(0)
        await self._rehearse(self._people[0][1])
        for some in groups(range(1, self._size.trials), min(AT_ONCE, self._size.fewest)):
            await asyncio.gather(*map(self._join, some))
            took = time.monotonic() - started
            self._of_a_trial = 1.5 * took / len(self._people)  # as a first guess
            if took > 2 * self._size.seconds and len(self._people) >= self._size.fewest:
                return

    async def _rehearse(self, browser: Browser) -> None:
        """See that the adapter speaks, before the system is blamed for what it gets wrong.

        Raises:
            LoadError: a session that nobody touched is refused, or does not rotate as is said.
        """
        system, before = self._system, browser.held
        await system.surely(system.speech.protected(before))
        if not system.refreshes:
            return
        browser.keep(await system.surely(system.speech.refresh(before)))
        await system.surely(system.speech.protected(browser.held))
        if system.peer.grace is not None and browser.held.refresh == before.refresh:
            raise LoadError(
                "a refresh left the client with the refresh token that it had: kept() takes no new"
                " one from the answer, or there is no rotation, and `grace` is None"
            )

    async def all(self) -> list[Result]:
        """Every scenario. Those that are about all sessions of a person come while they are few."""
        order = sorted(SCENARIOS, key=lambda each: not each.concerns_all)
        results = {each.name: await self.run(each) for each in order}
        return [results[each.name] for each in SCENARIOS]

    async def run(self, scenario: Scenario) -> Result:
        """Play a scenario once for each of the people.

        Raises:
            LoadError: what comes before the race was refused.
        """
        system, waited = self._system, self._system.waited
        if none := self._why_not(scenario):
            return Result(system=system.peer.name, scenario=scenario.name, none=none)
        started = time.monotonic()
        trials = [self._trial(scenario, number) for number in range(self._how_many())]
        await some_at_once(map(_signed_in, trials))
        before = system.rows()
        for some in groups(trials, len(trials) if scenario.restarts else self._group):
            await self._together(scenario, some)
        after = system.rows()
        await self._look_at_others(scenario, trials)
        waited = system.waited - waited
        self._of_a_trial = (time.monotonic() - started - waited) / len(trials)
        counted = [each for each in trials if not each.void]
        return Result(
            system=system.peer.name,
            scenario=scenario.name,
            trials=len(counted),
            void=len(trials) - len(counted),
            seconds_waited=waited,
            clock_moved=system.peer.ahead is not None,
            counts=total(each.counts for each in counted),
            looked_for=self._looked_for(scenario),
            rows_left=None if scenario.restarts else _for_each(before, after, len(trials)),
            note=_note(scenario, system.peer),
        )

    def _why_not(self, scenario: Scenario) -> str:
        if none := scenario.none(self._system.peer):
            return none
        if scenario.restarts and not self._system.restarts:
            return "runs elsewhere, and can't be started again from here"
        return ""

    def _looked_for(self, scenario: Scenario) -> frozenset[str]:
        """Where there are no refresh tokens, there are no two of them."""
        none = frozenset() if self._system.refreshes else frozenset({"forks"})
        return (scenario.counted | {"errors"}) - none

    def _how_many(self) -> int:
        in_time = int(self._size.seconds / self._of_a_trial)
        return min(len(self._people), max(self._size.fewest, in_time))

    @property
    def _group(self) -> int:
        """A system without a grace may be late, so its time is waited for once."""
        return GROUP if self._system.grace else self._size.trials

    def _trial(self, scenario: Scenario, number: int) -> Trial:
        counts = Counts()
        person, other = self._people[number]
        other.counts = counts
        return Trial(
            system=self._system,
            person=person,
            owner=Browser(self._system, counts),
            other=other,
            random=Random(f"{self._seed} {scenario.name} {number}"),
            counts=counts,
        )

    async def _join(self, number: int) -> None:
        """Register one more person, who signs in on a device that takes no part."""
        given = Person(f"racer-{number}@example.com", f"correct horse battery {number}")
        await self._system.surely(self._system.speech.register(given))
        other = Browser(self._system, Counts())
        await other.sign_in(given)
        self._people.append((given, other))

    async def _together(self, scenario: Scenario, trials: Sequence[Trial]) -> None:
        """Play them step by step: what happens between two steps happens to all of them."""
        living = [(trial, scenario.play(trial)) for trial in trials]
        while living:
            steps = await some_at_once(_next_step(*each) for each in living)
            living = [each for each, step in zip(living, steps, strict=True) if step is not None]
            await self._happen({step for step in steps if step is not None})

    async def _happen(self, steps: set[Step]) -> None:
        if "copy" in steps:
            self._system.copy()
        if "read from a copy" in steps:
            self._system.read_from_copy()
        if "fail over" in steps:
            await self._system.fail_over()
        await self._system.let_pass(
            max((each for each in steps if not isinstance(each, str)), default=0)
        )

    async def _look_at_others(self, scenario: Scenario, trials: Sequence[Trial]) -> None:
        if scenario.concerns_all:
            for number, trial in enumerate(trials):
                self._people[number] = trial.person_after(), trial.other
                trial.other.inside = False  # perhaps: it signs in again
        else:
            await some_at_once(map(_look_at_other, trials))


def races(peer: Peer, *, size: Size, seed: int) -> list[Result]:
    """Every scenario with one system, which is started for it."""

    async def run(home: Path) -> list[Result]:
        with System(peer, home, beyond=size.beyond) as system:
            played = Races(system, seed=seed, size=size)
            await played.gather()
            return await played.all()

    with TemporaryDirectory(prefix="races-") as home:
        return uvloop.run(run(Path(home)))


async def some_at_once(jobs: Iterable[Awaitable[T]]) -> list[T]:
    """All of them, a few at a time, in the order in which they come."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(job: Awaitable[T]) -> T:
        async with room:
            return await job

    return await asyncio.gather(*map(one, jobs))


def groups(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (things[start : start + size] for start in range(0, len(things), size))


async def _next_step(trial: Trial, play: AsyncGenerator[Step, None]) -> Step | None:
    """Play a trial on to where something has to happen; None at its end."""
    try:
        return await anext(play, None)
    except Void:
        trial.void = True
        return None


async def _signed_in(trial: Trial) -> None:
    await trial.owner.sign_in(trial.person)
    if not trial.other.inside:
        await trial.other.sign_in(trial.person)


async def _look_at_other(trial: Trial) -> None:
    trial.counts.not_concerned_ended += not await trial.other.goes_on()


def _for_each(before: int | None, after: int | None, trials: int) -> float | None:
    return None if before is None or after is None else (after - before) / trials


def _note(scenario: Scenario, peer: Peer) -> str:
    told = (scenario.note(peer), peer.notes.get(scenario.name, ""))
    return "; ".join(filter(None, told))
