"""This process's own counters, and under them those that it shares with others.

An attempt needs its places in all of them. So whatever becomes of what is shared, this process
limits what passes through it, from the first moment and with what it counted so far; and what its
own memory refuses costs nobody a round trip.
"""

from __future__ import annotations

import asyncio
import logging
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec

from admit.counters.memory import Memory
from admit.counters.places import Place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from admit.counters.places import Storage, Taken

logger = logging.getLogger("admit.counters")

LOOK_SECONDS = 1.0
"""How often it is looked whether what is shared is there."""


async def probe(storage: Storage) -> None:
    """Count what was never counted, as an attempt does, and give it back.

    A key that is there already needs no room: with a full disk it would count, and no other.
    """
    place = Place(f"probe:{token_hex(8)}", seconds=1.0, most=1)
    await storage.give_back(await storage.take((place,), now=0.0))


class Circuit:
    """One storage that may be out: asked while it answers, and left alone while it does not.

    The request that finds it out waits for that; the others go on without. Where nobody watches
    it, one a second tries again.
    """

    def __init__(self, storage: Storage, *, watched: bool = True) -> None:
        self.storage = storage
        self.out = False
        self._watched = watched
        self._tried_at = 0.0

    async def take(self, places: Sequence[Place], *, now: float) -> Taken | None:
        """Take every place or none; None where the storage is out."""
        if self.out and not self._may_try(now):
            return None
        tries, self._tried_at = self.out, now
        try:
            taken = await self.storage.take(places, now=now)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, people sign in
            self._lost(error)
            return None
        if tries:
            self._found()
        return taken

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held; where the storage is out, it stays counted."""
        if self.out:
            return
        try:
            await self.storage.give_back(taken)
        except Exception as error:  # noqa: BLE001  as above
            self._lost(error)

    async def look(self) -> None:
        """Look whether it is there, by counting something: one that answers may refuse to write.

        Where that costs money, only one that is out is looked for: attempts find out the rest.
        """
        if self.storage.paid and not self.out:
            return
        try:
            await probe(self.storage)
        except Exception as error:  # noqa: BLE001  as above
            self._lost(error)
        else:
            self._found()

    def _may_try(self, now: float) -> bool:
        """Whether this attempt sees if it is back; a clock may have been set meanwhile."""
        return not self._watched and not 0 <= now - self._tried_at < LOOK_SECONDS

    def _lost(self, error: Exception) -> None:
        if not self.out:
            self.out = True
            text = "%s is out (%s): each process limits attempts by itself until it is back."
            logger.warning(text, self.storage.name, error)

    def _found(self) -> None:
        if self.out:
            self.out = False
            logger.warning("%s is back: attempts are limited together again.", self.storage.name)


class Counters:
    """The counters of one process.

    Arguments:
        shared: what it shares with other processes, the nearest first.
        watched: whether `watch` looks for what is out; else attempts do.
    """

    def __init__(self, *shared: Storage, watched: bool = True) -> None:
        self._own = Memory()
        self._shared = [Circuit(each, watched=watched) for each in shared]
        self._told: set[str] = set()

    @property
    def names(self) -> list[str]:
        """What is shared, for people."""
        return [each.storage.name for each in self._shared]

    @property
    def out(self) -> list[str]:
        """What is shared and can't be reached now."""
        return [each.storage.kind for each in self._shared if each.out]

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place in every storage that is there; where one refuses, in none."""
        taken = self._own.take_now(places, now=now)
        parts: list[Taken | None] = [taken]
        try:
            for circuit in self._shared if taken.held else ():
                part = await circuit.take(places, now=now)
                if part and not part.held:
                    await self._give_back(parts)
                    return part
                parts.append(part)
                taken = part or taken
        except asyncio.CancelledError:  # nothing was tried; what is on its way stays counted
            await asyncio.shield(self._give_back(parts))
            raise
        return msgspec.structs.replace(taken, parts=tuple(parts))

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held, wherever it is held."""
        await self._give_back(taken.parts)

    async def watch(self, changed: Callable[[str, bool], Awaitable[None]]) -> None:
        """Look each second whether what is shared is there, until cancelled.

        Arguments:
            changed: told what is out (True) or back (False); where it raises, it is told again.
        """
        while self._shared:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.gather(*(each.look() for each in self._shared))
            await self.tell(changed)

    @property
    def untold(self) -> bool:
        """Whether something went out or came back that was not told yet."""
        return set(self.out) != self._told

    async def tell(self, changed: Callable[[str, bool], Awaitable[None]]) -> None:
        """Tell what went out, and what is back, since that was told; as `watch` does."""
        out = set(self.out)
        try:
            for kind in sorted(out ^ self._told):
                await changed(kind, kind in out)
                self._told ^= {kind}
        except Exception as error:  # noqa: BLE001  or what is out would never be looked for
            logger.warning("%s The audit trail will hear of it later.", error)

    async def check(self) -> None:
        """Return where what is shared counts now; raise `Unavailable` where it does not."""
        for each in self._shared:
            await probe(each.storage)

    async def close(self) -> None:
        """Let go of what is shared."""
        for each in self._shared:
            await each.storage.close()

    async def _give_back(self, parts: Sequence[Taken | None]) -> None:
        own, *shared = parts
        if own:
            self._own.give_back_now(own)
        for circuit, part in zip(self._shared, shared, strict=False):
            if part:
                await circuit.give_back(part)
