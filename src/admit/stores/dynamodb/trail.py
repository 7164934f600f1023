"""The audit trail: events in the order of their ids, which come from the clock.

There is no counter: every sign-in and every refusal would wait for it. An id is the milliseconds
of the wall clock with twelve random bits, and grows within a process; across processes it is as
right as their clocks. It decides nothing, and stays below 2**53, so that JavaScript can read it.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from admit.stores.base import Count, Counts
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from admit.events import Event, Kind
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

RANDOM_BITS = 12
PAGE = 1_000
"""How many events are looked at in one answer, where not each of them is wanted."""
SLACK_SECONDS = 86_400.0
LATE_SECONDS = 60.0
"""How long after its `at` an event is recorded at the latest: no request takes as long."""
COUNTED = 10_000
"""How many events are looked at for one count: ten answers, about 3 MB, within a request's time."""


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


async def counted(
    table: Table, *, kinds: Sequence[Kind], since: float, until: float, step: float
) -> Counts:
    """Events counted as `Store.count_events` wants them, looked through from the newest on.

    An event has its id a moment after its `at`, by the same clock: nothing is looked at that was
    recorded long after `until`, so a day of last month costs what it has.
    """
    below = items.event_sort(int((until + LATE_SECONDS) * 1_000) << RANDOM_BITS)
    numbers: Counter[tuple[int, Kind, str | None]] = Counter()
    looked, seen_from = 0, since
    async for page in _of_all(table, below, PAGE):
        read = [items.event(each) for each in page]
        wanted = [each for each in read if since <= each.at < until and each.kind in kinds]
        numbers.update((int((each.at - since) / step), each.kind, each.reason) for each in wanted)
        looked += len(read)
        if read and max(each.at for each in read) < since - LATE_SECONDS:
            break
        if looked >= COUNTED:
            seen_from = min(max(since, read[-1].at), until)
            break
    counts = [
        Count(step=at, kind=kind, reason=reason, events=number)
        for (at, kind, reason), number in numbers.items()
    ]
    return Counts(counts=counts, since=seen_from)


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
