"""Where accounts arrive: in the store, or, for a dry run, in one that is thrown away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, Protocol

from admit.events import event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.cli.moving.fields import Arrival
    from admit.stores.base import Store

AT_ONCE = 50
"""How many questions to the store are under way at once."""

Outcome = Literal["added", "there", "email", "username", "id"]
"""Added, there already from an earlier run, or which of its keys another account has."""


class Landing(Protocol):
    """A place for accounts."""

    name: str

    async def add(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Add these in one step; what became of each."""


class InStore:
    """The store itself.

    Arguments:
        store: started.
        now: the instant of the import, in seconds since 1970.
    """

    def __init__(self, store: Store, *, now: float) -> None:
        self.name = store.name
        self._store = store
        self._event = event("user_registered", now=now, reason="import")

    async def add(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """See `Landing.add`."""
        accounts = [each.account for each in arrivals]
        taken = await self._store.add_users(accounts, event=self._event)
        added: list[Outcome] = ["added"] * len(arrivals)
        late = [at for at, key in enumerate(taken) if key is not None]
        found = await clashes(self._store, [arrivals[at] for at in late])
        for at, outcome in zip(late, found, strict=True):
            added[at] = outcome or "id"  # neither address nor name, so the id it must be
        return added


class Rehearsal:
    """A store that is thrown away, beside the one in which nothing is written.

    Arguments:
        scratch: started and empty.
        store: started; None where there is no database yet.
        now: the instant of the rehearsal, in seconds since 1970.
    """

    def __init__(self, scratch: Store, store: Store | None, *, now: float) -> None:
        self.name = store.name if store is not None else "a new database"
        self._scratch = InStore(scratch, now=now)
        self._store = store
        self._empty: bool | None = None

    async def add(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """See `Landing.add`."""
        met = await self._clashes(arrivals)
        free = [each for each, clash in zip(arrivals, met, strict=True) if clash is None]
        rest = iter(await self._scratch.add(free))
        return [next(rest) if each is None else each for each in met]

    async def _clashes(self, arrivals: Sequence[Arrival]) -> list[Outcome | None]:
        store = self._store
        if self._empty is None:
            self._empty = store is None or not await store.list_users(search="", after="", limit=1)
        if store is None or self._empty:
            return [None] * len(arrivals)
        return await clashes(store, arrivals)


async def clashes(store: Store, arrivals: Sequence[Arrival]) -> list[Outcome | None]:
    """`clash` for each, a few at a time: a store refuses those that wait for too long."""
    found: list[Outcome | None] = []
    for begin in range(0, len(arrivals), AT_ONCE):
        asked = arrivals[begin : begin + AT_ONCE]
        found += await asyncio.gather(*(clash(store, each) for each in asked))
    return found


async def clash(store: Store, arrival: Arrival) -> Outcome | None:
    """Which account of the store stands in this one's way, if any."""
    account = arrival.account
    there = await store.find_user("email", account.email_key)
    if there is not None:
        return "there" if arrival.is_same(there) else "email"
    if account.username_key and await store.find_user("username", account.username_key):
        return "username"
    return "id" if arrival.identified and await store.find_user("id", account.user.id) else None
