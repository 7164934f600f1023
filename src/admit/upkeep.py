"""How a process is kept up to date: by a watch beside the requests, or by the requests themselves.

Where a watch goes on, it has an event loop, in which others may have something done, too. Where
none does, as on Lambda, each request looks at what it needs, and settles what it began.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from admit.catchup import KEYS_SECONDS, LOOK_SECONDS, CatchUp, Sight
from admit.errors import Unavailable
from admit.events import event
from admit.stores import patience
from admit.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from admit.events import Kind
    from admit.parts import Parts

logger = logging.getLogger("admit.engine")

PURGE_GRACE = 86_400.0
"""The server keeps what is over for a day: a clock that was wrong for a moment deletes nothing."""
SETTLE_SECONDS = 1.0
"""How long a request without a watch waits, once it is answered, for what it began."""
TELL_SECONDS = 10.0
"""How often, without a watch, it is tried to write down that limits are not counted together."""


class Upkeep:
    """Keeps what this process knows as new as it has to be.

    Arguments:
        parts: what is looked at.
        watched: whether a watch goes on beside the requests.
    """

    def __init__(self, parts: Parts, *, watched: bool) -> None:
        self._parts = parts
        self._told = Sight(parts.clock)
        self.verified = 0
        """Tokens found good since that was handed on; counting each there would double the cost."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """Where the watch goes on."""
        self.catching_up: CatchUp | None = None
        """What requests look with; None where a watch does."""
        if not watched:
            self.catching_up = CatchUp(
                parts.settings, revoked=parts.revoked, keys=parts.keys, clock=parts.clock
            )
        self._keeping_up = Watch(
            revoked=parts.revoked,
            keys=parts.keys,
            push=parts.push,
            purge=lambda rows: self.purge(rows=rows, grace=PURGE_GRACE),
            report=self.report,
            clock=parts.clock,
        )
        self._watch: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None

    @property
    def watched(self) -> bool:
        """Whether it looks by itself; else each request looks at what it needs."""
        return self.catching_up is None

    @property
    def elsewhere(self) -> bool:
        """Whether it looks in another event loop than this one, which runs."""
        loop = self.loop
        return loop is not None and loop.is_running() and loop is not asyncio.get_running_loop()

    def begin(self, *, ended: Callable[[], None]) -> None:
        """Look beside the requests, in the event loop that runs here.

        Arguments:
            ended: called where the watch ends by itself, which it never should.
        """
        self.loop = asyncio.get_running_loop()
        self._watch = asyncio.create_task(self._keeping_up.run())
        self._watch.add_done_callback(lambda task: self._over(task, ended))
        self._counting = asyncio.create_task(self._parts.counters.watch(self._counted_alone))

    def _over(self, task: asyncio.Task[None], ended: Callable[[], None]) -> None:
        if not task.cancelled():
            ended()
            if self._counting is not None:  # it is begun anew, too
                self._counting.cancel()
            logger.critical("the watch ended by itself", exc_info=task.exception())

    async def stop(self) -> None:
        """Look no more; what another event loop does is only forgotten."""
        for task in (self._watch, self._counting):
            if task is not None and self.loop is asyncio.get_running_loop():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self.loop = self._watch = self._counting = None

    def forked(self) -> None:
        """Know, in a process that was just forked, that nothing goes on here."""
        self._left = (self.loop, self._watch, self._counting)  # kept: they complain when they go
        self.loop = self._watch = self._counting = None

    async def to_verify(self) -> None:
        """Know what is revoked; see `Engine.catch_up`."""
        if self.catching_up is not None:
            await self.catching_up.to_verify()

    async def to_sign(self, *, published: bool) -> None:
        """Know the keys; see `Engine.catch_up_keys`."""
        if self.catching_up is not None:
            await self.catching_up.to_sign(within=LOOK_SECONDS if published else KEYS_SECONDS)

    def have_done(self, work: Coroutine[Any, Any, None]) -> bool:
        """Have it done where this process looks, and wait for nothing; from any thread.

        Where no watch goes on, that is the event loop of this request, which settles it. Return
        False where it is done nowhere.

        Raises:
            RuntimeError: the event loop was closed just now, or there is none here.
        """
        loop = self.loop  # once: the thread that it belongs to may close it meanwhile
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(work, loop)
            return True
        if self.watched:
            return False
        patience.begun(work)
        return True

    async def settle(self) -> None:
        """After a request: see what it began through to its end; with a watch nothing needs it.

        What is under way when the process is frozen would end, or fail, in the next request.
        """
        if self.watched:
            return
        counters = self._parts.counters
        if counters.untold and not self._told.within(TELL_SECONDS):
            self._told.seen(self._told.instants())
            patience.begun(counters.tell(self._counted_alone))
        await patience.settle(SETTLE_SECONDS)
        await self._parts.revoked.told()
        try:
            self.report()
        except Exception:
            logger.exception("the metrics could not be written")

    def report(self) -> None:
        """Hand on what is counted where every nanosecond counts, and what has to be asked for."""
        verified, self.verified = self.verified, 0
        metrics, push = self._parts.metrics, self._parts.push
        metrics.tokens_verified(verified)
        if push is not None:
            metrics.pushed(push.kind, connected=push.connected)

    async def check(self) -> None:
        """Return where this process can answer for everything; see `Engine.check`."""
        revoked, clock = self._parts.revoked, self._parts.clock
        await self.to_verify()
        revoked.check(clock())
        try:
            await self._parts.store.check()
            if revoked.behind:  # the store is back: what was missed is learned first
                await revoked.look(clock())
        except Unavailable as error:
            seen = f"What is revoked was seen {max(0.0, revoked.age(clock())):.0f} s ago."
            raise Unavailable(f"{error} {seen}") from error

    async def purge(self, *, rows: int, grace: float) -> int:
        """Delete some of what no judgement has needed for `grace` seconds; return how many rows."""
        now = self._parts.clock() - grace
        before = now - self._parts.settings.event_ttl
        return await self._parts.store.purge(now=now, events_before=before, limit=rows)

    async def _counted_alone(self, where: str, alone: bool) -> None:  # noqa: FBT001
        """Record that what is shared is out, and this process limits attempts by itself; or back.

        Raises:
            Unavailable: the store is out too.
        """
        kind: Kind = "limits_degraded" if alone else "limits_restored"
        await self._parts.store.record(event(kind, now=self._parts.clock(), reason=where))
