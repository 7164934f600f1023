"""The audit trail: events in the order of their ids, which come from the clock.

There is no counter: every sign-in and every refusal would wait for it. An id is the milliseconds
of the wall clock with twelve random bits, and grows within a process; across processes it is as
right as their clocks. It decides nothing, and stays below 2**53, so that JavaScript can read it.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from admit.events import Event, Kind
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

RANDOM_BITS = 12
PAGE = 1_000
"""How many events are looked at in one answer, where not each of them is wanted."""
SLACK_SECONDS = 86_400.0


class Ids:
    """Gives each event its id."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last = 0

    def next(self) -> int:
        """One that is higher than all before it."""
        now = time.time_ns() // 1_000_000
        drawn = (now << RANDOM_BITS) + secrets.randbits(RANDOM_BITS)
        with self._guard:
            self._last = max(drawn, self._last + 1)
            return self._last


ids = Ids()


async def found(
    table: Table,
    *,
    user_id: str | None,
    kind: Kind | None,
    since: float,
    before: int | None,
    limit: int,
) -> list[Event]:
    """Events as `Store.events` wants them.

    They are looked through from the newest on, up to a day behind `since`: by so much a clock may
    have been wrong.
    """
    below = items.event_sort(before) if before is not None else "~"  # behind every digit
    at_once = limit if kind is None and since <= 0 else PAGE
    listed = (
        _of_user(table, user_id, below) if user_id is not None else _of_all(table, below, at_once)
    )
    events: list[Event] = []
    async for page in listed:
        read = [items.event(each) for each in page]
        events += [each for each in read if each.at >= since and kind in {None, each.kind}]
        over = read and max(each.at for each in read) < since - SLACK_SECONDS
        if over or len(events) >= limit:
            break
    return events[: max(0, limit)]


def _of_all(table: Table, below: str, at_once: int) -> AsyncIterator[list[Item]]:
    """Everybody's, the newest first."""
    return reads.pages(
        table,
        KeyConditionExpression=does.BELOW,
        ExpressionAttributeValues={":pk": items.text("events"), ":s": items.text(below)},
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=max(1, at_once),
    )


async def _of_user(table: Table, user_id: str, below: str) -> AsyncIterator[list[Item]]:
    """One user's, by the index, which is a moment behind."""
    pages = reads.pages(
        table,
        IndexName=does.INDEX,
        KeyConditionExpression=does.BY_INDEX,
        ExpressionAttributeValues={
            ":g": items.text(items.trail_of(user_id)),
            ":h": items.text(below),
        },
        ScanIndexForward=False,
        Limit=reads.MOST,
    )
    async for page in pages:
        keys = [{name: each[name] for name in ("pk", "sk")} for each in page]
        yield sorted(await reads.many(table, keys), key=lambda each: each["sk"]["S"], reverse=True)
