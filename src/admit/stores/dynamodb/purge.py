"""Cleaning up, a little at a time. DynamoDB does it by itself, for nothing, and mostly before.

Nothing here looks through the table: sessions are found by the index in the order of their ends,
events and revocations at the old ends of their partitions. An event or a revocation that is kept
for longer than those after it may hide what lies behind; DynamoDB's own cleaning finds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import feed, items, reads
from admit.stores.dynamodb.commits import changed
from admit.stores.dynamodb.table import ConditionFailed

if TYPE_CHECKING:
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

LOOKED_AT = 4
"""How many times as many rows are looked at as may go."""


async def sessions(table: Table, *, now: float, limit: int) -> int:
    """Delete sessions past their absolute end, and what points to them."""
    answer = await table.ask(
        "query",
        IndexName=does.INDEX,
        KeyConditionExpression=does.BY_INDEX,
        # Behind the instant itself, whoever's session it is: "$" comes after "#".
        ExpressionAttributeValues={
            ":g": items.text(items.DUE),
            ":h": items.text(f"{items.due(now)}$"),
        },
        Limit=limit,
    )
    gone = 0
    for each in answer["Items"]:
        user_id = each["h"]["S"].partition("#")[2]
        session_id = each["pk"]["S"].removeprefix("session#")
        await _gone(table, items.pointer_key(user_id, session_id))
        gone += await _gone(table, items.session_key(session_id))
    return gone


async def events(table: Table, *, before: float, limit: int) -> int:
    """Delete events from before the instant."""
    found = await _oldest(table, does.IN, {":pk": items.text("events")}, limit)
    old = [each for each in found if float(each["b"]["N"]) < before]
    return sum([await _gone(table, _key(each)) for each in old[:limit]])


async def revocations(table: Table, *, now: float, limit: int) -> int:
    """Delete what no longer matters of the feed; the head keeps its number for ever."""
    stands = await feed.head(table)
    over = stands.entries and all(each.until <= now for each in stands.entries)
    gone = int(bool(over) and await _head_emptied(table, stands))
    if gone:  # they may lie beside it too, put there for a step that did not come about
        await _gone(table, feed.aside(stands))
    values = {":pk": items.text("feed"), ":s": items.text("b#")}
    found = await _oldest(table, does.BEGINS, values, limit)
    old = [each for each in found if float(each["t"]["N"]) <= now]
    return gone + sum([await _gone(table, _key(each)) for each in old[: limit - gone]])


async def _head_emptied(table: Table, stands: feed.Head) -> bool:
    return await _done(
        table, feed.HEAD, changed(does.EMPTIED, does.HEAD_HOLDS, n=items.number(stands.seq))
    )


async def keys(table: Table, *, now: float, limit: int) -> int:
    """Delete retired keys, where no other process changes the keys meanwhile."""
    item = await reads.one(table, items.KEYS)
    listed = items.signing_keys(item)
    over = [each for each in listed if each.retires_at is not None and each.retires_at <= now]
    if item is None or not over:
        return 0
    gone = over[:limit]
    version = int(item["v"]["N"])
    change = changed(
        does.KEYS,
        does.KEYS_ARE,
        v=items.number(version),
        next=items.number(version + 1),
        j=items.json([each for each in listed if each not in gone]),
    )
    return len(gone) if await _done(table, items.KEYS, change) else 0


async def _oldest(table: Table, expression: str, values: Item, limit: int) -> list[Item]:
    answer = await table.ask(
        "query",
        KeyConditionExpression=expression,
        ExpressionAttributeValues=values,
        ConsistentRead=True,
        Limit=limit * LOOKED_AT,
    )
    found: list[Item] = answer["Items"]
    return found


def _key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}


async def _gone(table: Table, key: Item) -> bool:
    """Delete it, and say whether it was there: two who purge at once count nothing twice."""
    answer = await table.ask("delete_item", Key=key, ReturnValues="ALL_OLD")
    return "Attributes" in answer


async def _done(table: Table, key: Item, change: Item) -> bool:
    """Change it, and say whether its condition held."""
    try:
        await table.ask("update_item", Key=key, **change)
    except ConditionFailed:
        return False
    return True
