"""One trial of a scenario: a person with two devices, and what is counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmarks.races.system import PAUSES, in_trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from random import Random

    from benchmarks.peers.peer import Answer, Call, Peer, Person
    from benchmarks.races.browser import Browser
    from benchmarks.races.counts import Counts
    from benchmarks.races.lines import Send
    from benchmarks.races.system import System

Step = float | Literal["copy", "fail over", "read from a copy"]
"""What has to happen to all trials together before they go on: so many seconds pass, the database
is copied, the server starts again on the copy, or starts again and reads from it."""


STAYS = frozenset({"false_sign_outs", "refused", "forks", "not_concerned_ended"})
"""What is looked for where an honest client has to go on."""
THIEF = frozenset({"false_sign_outs", "thieves_unnoticed", "thieves_in", "not_concerned_ended"})


class Void(Exception):
    """The machine was too slow for what the trial wanted to show: it counts for nothing."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    name: str
    told: str
    """What is done, in one sentence, and what is counted."""
    kind: Literal["honest", "thief"]
    play: Callable[[Trial], AsyncGenerator[Step, None]]
    counted: frozenset[str]
    """Which of the counts it looks for; the others would be zeros that nobody looked at."""
    none: Callable[[Peer], str] = lambda _: ""
    """Why it can't be run with a system; empty where it can."""
    note: Callable[[Peer], str] = lambda _: ""
    """What has to be known to read the figures."""
    concerns_all: bool = False
    """Whether it is about every session of a person."""
    restarts: bool = False


@dataclass(kw_only=True)
class Trial:
    system: System
    person: Person
    owner: Browser
    """Has just signed in."""
    other: Browser
    """The same person's, on another device, which takes no part."""
    random: Random
    counts: Counts
    new_password: str = ""
    """Where it was changed."""
    void: bool = False
    """It counts for nothing."""

    def person_after(self) -> Person:
        return self.person._replace(password=self.new_password or self.person.password)

    def delays(self, tabs: int) -> list[float]:
        """Half the time all at once, else within 3 ms."""
        if self.random.random() < 0.5:
            return [0.0] * tabs
        return [self.random.uniform(0, 0.003) for _ in range(tabs)]

    def still_within_grace(self, since: float) -> None:
        """Where there is a grace.

        Arguments:
            since: `System.now()` when the exchange was sent.

        Raises:
            Void: it is over, because this machine took so long.
        """
        if self.system.grace and self.system.now() - since > 0.9 * self.system.grace:
            raise Void

    async def at_once(self, sends: Sequence[Send]) -> list[Answer]:
        """Send all; an answer of a system in trouble counts as an error."""
        answers = await self.system.lines.at_once(sends)
        self.counts.errors += sum(map(in_trouble, answers))
        return answers

    async def insist(self, call: Call, answer: Answer) -> Answer:
        """Ask again, as a good client does while the system is in trouble; the last answer."""
        for pause in PAUSES:
            if not in_trouble(answer):
                break
            await asyncio.sleep(pause)
            answer = await self.system.lines.ask(call)
            self.counts.errors += in_trouble(answer)
        return answer

    async def owner_stays(self) -> None:
        """Judge an honest client, once the grace is over: can it go on, with one token only?"""
        others = [each for each in self.owner.given if each != self.owner.held.refresh]
        if await self.owner_goes_on():
            self.counts.forks += await self.any_taken(others)

    async def owner_goes_on(self) -> bool:
        """Judge an honest client, once the grace is over, by what it holds."""
        stays = await self.owner.goes_on()
        self.counts.false_sign_outs += not stays
        self.counts.refused += stays and self.owner.refusals > 0
        return stays

    async def any_taken(self, refresh_tokens: Iterable[str]) -> bool:
        """Whether one of them can be exchanged; the others after it are not tried."""
        for each in refresh_tokens:
            if await self.is_taken(each):
                return True
        return False

    async def is_taken(self, refresh: str) -> bool:
        copy = self.owner.stolen()
        copy.held = copy.held._replace(refresh=refresh)
        return await copy.goes_on()


def has_no_refresh(peer: Peer) -> str:
    return peer.lacks.get("refresh", "")
