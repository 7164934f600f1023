"""Counters in the table of the store, for the instances of a function and for several machines.

The windows of one limit under one key are one item, so an attempt to sign in writes three: for the
account from that address, for the address, and for the account. They are written one after the
other, and where one is full, what was taken of those before is given back: in one transaction each
would cost twice as much. Whoever is held back by a limit of their own never reaches the account's.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from admit.counters import Count, Place, Taken
from admit.errors import Unavailable
from admit.stores import patience
from admit.stores.dynamodb import items, reads
from admit.stores.dynamodb.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

TRIES = 16
"""How often a place is tried for while others begin and end its windows; then it is refused."""
SHOWN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
ON = "({e} = :{e} AND {n} > :zero AND {n} < :{n})"
OFF = "(attribute_not_exists({e}) OR {e} <= :now OR {n} <= :zero)"
ONE_MORE = "{n} = {n} + :one"
FIRST = "{n} = :one, {e} = :{e}"
HELD = "({e} = :{e} AND {n} > :zero)"
ONE_LESS = "{n} = {n} - :one"
ONLY_MINE = "({e} = :{e} AND {n} = :one)"


class Window(NamedTuple):
    """A place in an item: its number lies under `n`, and its end under `e`."""

    place: Place
    n: str
    e: str

    def counted(self, item: Item, now: float) -> Count | None:
        """What is counted in this item; None where no window is on."""
        if self.n not in item or self.e not in item:
            return None
        number, end = int(item[self.n]["N"]), float(item[self.e]["N"])
        return Count(number, end) if number > 0 and end > now else None

    def written(self, form: str) -> str:
        """An expression about this window."""
        return form.format(n=self.n, e=self.e)


class Part(NamedTuple):
    """What an attempt takes in one item."""

    key: Item
    windows: tuple[Window, ...]

    def counts(self, item: Item, now: float) -> list[Count]:
        """What is counted in this item; a window that is not on would begin now."""
        fresh = (Count(0, now + each.place.seconds) for each in self.windows)
        found = [each.counted(item, now) for each in self.windows]
        return [count or new for count, new in zip(found, fresh, strict=True)]

    def is_full(self, counts: Sequence[Count]) -> bool:
        """Whether a limit is reached."""
        pairs = zip(self.windows, counts, strict=True)
        return any(count.number >= window.place.most for window, count in pairs)


class DynamoDBCounters:
    """A storage in a table of DynamoDB, which whoever opened the table closes.

    Arguments:
        table: the store's own.
    """

    kind = "dynamodb"
    paid = True

    def __init__(self, table: Table) -> None:
        self.name = f"the DynamoDB table {table.name}"
        self._table = table

    async def take(self, places: Sequence[Place], *, now: float) -> Taken:
        """Take every place, or none."""
        parts = _parts(places)
        counts: list[Count] = []
        for index, part in enumerate(parts):
            try:
                held, found = await self._take(part, now)
            except BaseException:  # or who is let in all the same would go on paying for them
                patience.begun(self._give_back(parts[:index], counts))
                raise
            counts += found
            if not held:
                before = counts[: -len(found)]
                back = [Count(each.number - 1, each.end) for each in before]
                with suppress(Unavailable):  # or a refusal would be no refusal any more
                    await patience.apart(self._give_back(parts[:index], before))
                others = await asyncio.gather(
                    *(self._look(each, now) for each in parts[index + 1 :])
                )
                seen = [count for other in others for count in other]
                return Taken(held=False, places=tuple(places), counts=(*back, *found, *seen))
        return Taken(held=True, places=tuple(places), counts=tuple(counts))

    async def give_back(self, taken: Taken) -> None:
        """Give back what is held, also where the request has no time left."""
        await patience.apart(self._give_back(_parts(taken.places), taken.counts))

    async def close(self) -> None:
        """Nothing is held that would have to be let go of."""

    async def _take(self, part: Part, now: float) -> tuple[bool, list[Count]]:
        """Whether every window of this item took one more, and what is counted there."""
        item: Item | None = {}  # most often nobody tried lately: that costs one write, and no read
        counts: list[Count] = []
        for tried in range(TRIES):
            counts = part.counts(item or {}, now)
            if part.is_full(counts):
                if tried:
                    break
                item = await reads.one(self._table, part.key)
                counts = part.counts(item or {}, now)
                if part.is_full(counts):
                    break
            try:
                written = await self._table.ask(
                    "update_item",
                    Key=part.key,
                    ReturnValues="ALL_NEW",
                    **_one_more(part, item or {}, now),
                )
            except ConditionFailed as failed:
                item = failed.item or await reads.one(self._table, part.key)
            else:
                return True, part.counts(written["Attributes"], now)
        return False, counts

    async def _look(self, part: Part, now: float) -> list[Count]:
        """What is counted in this item; nothing where that can't be seen: it decides nothing."""
        item = None
        with suppress(Unavailable):
            item = await reads.one(self._table, part.key)
        return part.counts(item or {}, now)

    async def _give_back(self, parts: Sequence[Part], counts: Sequence[Count]) -> None:
        """Give back at once what was counted in these items."""
        left = iter(counts)
        pairs = [(part, [next(left) for _ in part.windows]) for part in parts]
        await asyncio.gather(*(self._return(*each) for each in pairs))

    async def _return(self, part: Part, counts: list[Count]) -> None:
        """Take one off in every window that is still the same; an item that is left empty goes."""
        ends = {window: count.end for window, count in zip(part.windows, counts, strict=True)}
        alone = all(count.number == 1 for count in counts)
        for _ in range(TRIES):
            verb = "delete_item" if alone else "update_item"
            try:
                await self._table.ask(verb, Key=part.key, **_one_less(ends, deletes=alone))
            except ConditionFailed as failed:
                item = failed.item or await reads.one(self._table, part.key) or {}
            else:
                return
            alone = False
            ends = {each: end for each, end in ends.items() if _is_on(each, end, item)}
            if not ends:
                return


def _parts(places: Sequence[Place]) -> list[Part]:
    """The places by the items that they lie in."""
    windows = [(_item_of(each), each) for each in places]
    return [
        Part(items.key(f"count#{items.bounded(key)}"), tuple(_window(each) for _, each in group))
        for key, group in groupby(windows, lambda pair: pair[0])
    ]


def _item_of(place: Place) -> str:
    """The key without the span of its window, by which those of one limit differ."""
    return place.key.removesuffix(f" {place.seconds:.0f}")


def _window(place: Place) -> Window:
    span = "" if _item_of(place) == place.key else f"{place.seconds:.0f}"
    return Window(place, f"n{span}", f"e{span}")


def _one_more(part: Part, item: Item, now: float) -> Item:
    """One more in every window, provided that those on are the same as here, and not full."""
    values = {":zero": items.number(0), ":one": items.number(1)}
    sets, conditions, ends = [], [], []
    for window in part.windows:
        on = window.counted(item, now)
        end = on.end if on else now + window.place.seconds
        ends.append(end)
        values[f":{window.e}"] = items.number(end)
        if on:
            values[f":{window.n}"] = items.number(window.place.most)
        else:
            values[":now"] = items.number(now)
        sets.append(window.written(ONE_MORE if on else FIRST))
        conditions.append(window.written(ON if on else OFF))
    sets.append("#ttl = :ttl")
    values[":ttl"] = items.ttl(max(ends))
    return {
        "UpdateExpression": f"SET {', '.join(sets)}",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        **_provided(conditions, values),
    }


def _one_less(ends: dict[Window, float], *, deletes: bool) -> Item:
    """One less in every window that still has this end; or no item, where there is only one."""
    values = {f":{window.e}": items.number(end) for window, end in ends.items()}
    values[":one"] = items.number(1)
    if deletes:
        return _provided([each.written(ONLY_MINE) for each in ends], values)
    values[":zero"] = items.number(0)
    sets = ", ".join(each.written(ONE_LESS) for each in ends)
    conditions = [each.written(HELD) for each in ends]
    return {"UpdateExpression": f"SET {sets}", **_provided(conditions, values)}


def _provided(conditions: Sequence[str], values: Item) -> Item:
    """The parameters of a write under these conditions, with the values that they name."""
    return {
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeValues": values,
        **SHOWN,
    }


def _is_on(window: Window, end: float, item: Item) -> bool:
    """Whether this window still ends then, and has something in it."""
    if window.n not in item or window.e not in item:
        return False
    return float(item[window.e]["N"]) == end and int(item[window.n]["N"]) > 0
