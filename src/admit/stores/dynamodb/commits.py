"""One step that writes several items: a transaction, with its events and its revocations."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from admit.errors import Unavailable
from admit.stores import patience
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import feed, items
from admit.stores.dynamodb import table as tables
from admit.stores.dynamodb.trail import ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from admit.events import Event
    from admit.stores.base import Revocation
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

Action = tuple[Hashable, "Item"]
"""A name, by which a caller is told that its condition failed, and what a transaction holds."""

ACTIONS = 100
"""What a transaction of DynamoDB holds at most."""
TRIES = 20
"""How often a step is begun anew because others were quicker."""
CONTENDED = "Others change the same at this moment: try again."
HEAD = "the feed's head"
EVENT = "an event"


class Lost(Exception):
    """Nothing was written: the conditions of the actions with these names did not hold."""

    def __init__(self, names: set[Hashable]) -> None:
        super().__init__(names)
        self.names = names


class Commits:
    """Carries out transactions.

    Arguments:
        table: where.
        kept: for how many seconds events are kept.
    """

    def __init__(self, table: Table, *, kept: float) -> None:
        self._table = table
        self._kept = kept
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._turns = WeakKeyDictionary()

    async def write(
        self,
        actions: Sequence[Action],
        *,
        events: Sequence[Event] = (),
        revocations: Sequence[Revocation] = (),
    ) -> None:
        """All of it, or nothing.

        Raises:
            Lost: a condition did not hold; it says whose.
            Unavailable: DynamoDB can't, or others change the feed all the time.
        """
        for tried in range(TRIES):
            try:
                if not revocations:
                    return await self._once([*actions, *self._recorded(events)])
                async with self._turn():
                    stands = await feed.head(self._table)
                    await feed.put_aside(self._table, stands)
                    moved = (HEAD, feed.moved(stands, revocations))
                    return await self._once([*actions, *self._recorded(events), moved])
            except Lost as lost:
                if lost.names - {HEAD, EVENT}:
                    raise Lost(lost.names - {HEAD, EVENT}) from None
            await tables.rest(tried)
        raise Unavailable(CONTENDED)

    async def record(self, event: Event) -> None:
        """Add one event, which costs half of what a transaction would.

        Raises:
            Unavailable: DynamoDB can't.
        """
        for _ in range(TRIES):
            given = items.event_item(self._numbered(event), kept=self._kept)
            try:
                await self._table.ask(
                    "put_item", twice=True, Item=given, **_free_or_the_same(given)
                )
            except tables.ConditionFailed:  # another process drew the same id
                continue
            return
        raise Unavailable(CONTENDED)

    async def _once(self, actions: Sequence[Action]) -> None:
        given = [action for _, action in actions]
        try:
            await self._table.ask(tables.TRANSACTION, TransactItems=given)
        except tables.ConditionFailed as failed:
            names = [name for name, _ in actions]
            pairs = zip(names, failed.reasons, strict=True)
            raise Lost({name for name, why in pairs if why == tables.CONDITION}) from None

    def _recorded(self, events: Sequence[Event]) -> list[Action]:
        """The events, each with a new id."""
        made = (items.event_item(self._numbered(each), kept=self._kept) for each in events)
        return [(EVENT, put(each)) for each in made]

    @staticmethod
    def _numbered(event: Event) -> Event:
        return msgspec.structs.replace(event, id=ids.next())

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One at a time moves the head: a process is not to be in its own way."""
        lock = self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        with patience.Step() as left:
            try:
                async with asyncio.timeout(left):
                    await lock.acquire()
            except TimeoutError as error:
                raise Unavailable(patience.LATE) from error
        try:
            yield
        finally:
            lock.release()


def _free_or_the_same(item: Item) -> Item:
    """The condition under which a lost answer can be asked for again."""
    values = {":j": item["j"], ":b": item["b"], ":w": item["w"]}
    return {
        "ConditionExpression": does.IS_FREE_OR_THE_SAME,
        "ExpressionAttributeValues": values,
    }


def put(item: Item, *, free: bool = True) -> Item:
    """The action that puts an item, where there is none with its key unless `free` is off."""
    condition = {"ConditionExpression": does.IS_FREE} if free else {}
    return {"Put": {"Item": item, **condition}}


def change(key: Item, expression: str, condition: str, **values: Item) -> Item:
    """The action that changes an item under a condition, with values by their names."""
    return {"Update": {"Key": key, **changed(expression, condition, **values)}}


def changed(expression: str, condition: str, **values: Item) -> Item:
    """The same without its key, as `update_item` takes it too."""
    return {
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def drop(key: Item) -> Item:
    """The action that deletes an item, if it is there."""
    return {"Delete": {"Key": key}}
