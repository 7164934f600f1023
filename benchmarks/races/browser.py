"""A client: tabs that share one holder of tokens, as they share a cookie jar."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.peers.peer import Tokens
from benchmarks.processes import LoadError
from benchmarks.races.lines import Send
from benchmarks.races.system import PAUSES, in_trouble, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.peer import Answer, Person
    from benchmarks.races.counts import Counts
    from benchmarks.races.system import System


class Browser:
    """One sign-in on one device.

    A tab sends what is held when it sends, and what arrives last is kept.
    """

    def __init__(self, system: System, counts: Counts) -> None:
        self.counts = counts
        self.held = Tokens("")
        self.given: dict[str, None] = {}
        """The refresh tokens that it was ever given, in the order in which they came."""
        self.refusals = 0
        self.inside = False
        """Whether the last answer that came let it in."""
        self._system = system

    async def sign_in(self, person: Person) -> None:
        answer = await self._system.surely(self._system.speech.sign_in(person))
        self.held = Tokens("")
        self.keep(answer)
        self.inside = True
        self.refusals = 0
        self.given.clear()

    def stolen(self) -> Browser:
        """A thief's, with a copy of what is held."""
        thief = Browser(self._system, self.counts)
        thief.held = self.held
        return thief

    async def renew(self, retry_key: str = "") -> bool:
        """Ask for the next tokens, a few times where the system is in trouble.

        Returns: whether they were given.
        """
        answer = await self.hear(retry_key)
        for pause in PAUSES:
            if not in_trouble(answer):
                break
            await asyncio.sleep(pause)
            answer = await self.hear(retry_key)
        return self.arrives(answer)

    async def enters(self) -> bool:
        """Whether what is held opens the protected route, too: some let a token be exchanged for
        one that opens nothing.
        """
        answer = await self._system.lines.ask(self._system.speech.protected(self.held))
        self.counts.errors += in_trouble(answer)
        return answer.status // 100 == 2

    async def goes_on(self) -> bool:
        """Renew, and enter with what came of it."""
        return await self.renew() and (not self._system.refreshes or await self.enters())

    async def hear(self, retry_key: str = "") -> Answer:
        """Ask for the next tokens; the answer is under way, and nothing is kept yet."""
        answer = await self._system.lines.ask(self._system.renewal(self.held, retry_key))
        self.counts.errors += in_trouble(answer)
        return answer

    def arrives(self, answer: Answer) -> bool:
        """Keep what an answer to a renewal leaves in the holder.

        Returns: whether it let the client in.
        """
        if in_trouble(answer):
            return False
        self.inside = answer.status // 100 == 2
        self.refusals += not self.inside
        if self._system.refreshes:
            self.keep(answer)
            if self.inside:
                self.given[self.held.refresh] = None
        return self.inside

    def keep(self, answer: Answer) -> None:
        """Hold what the adapter says that a client holds after an answer.

        Raises:
            LoadError: it says nothing.
        """
        held: object = self._system.speech.kept(answer, self.held)
        if not isinstance(held, Tokens):
            raise LoadError(
                f"kept() returned {held!r}, and no Tokens, for the answer {told(answer)}; where an"
                " answer changes nothing it returns `before`"
            )
        self.held = held

    async def in_tabs(self, delays: Sequence[float]) -> None:
        """Renew in as many tabs at once, each so many seconds after the first one could.

        All of them send what was held at the beginning.
        """
        call = self._system.renewal(self.held)
        sends = [Send(call, delay, self.arrives) for delay in delays]
        answers = await self._system.lines.at_once(sends)
        for _ in filter(in_trouble, answers):
            self.counts.errors += 1
            await self.renew()
