"""How items are read: always as last committed, whole, however many answers that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.errors import Unavailable
from admit.stores.dynamodb import table as tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

MOST = 100
"""What DynamoDB looks up at once."""


async def one(table: Table, key: Item, *, ahead: bool = False) -> Item | None:
    """The item with this key."""
    answer = await table.ask("get_item", Key=key, ConsistentRead=True, ahead=ahead)
    return answer.get("Item")


async def pages(table: Table, **parameters: Any) -> AsyncIterator[list[Item]]:  # noqa: ANN401
    """What a query finds, an answer at a time."""
    while True:
        answer = await table.ask("query", **parameters)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


async def many(table: Table, keys: Sequence[Item]) -> list[Item]:
    """The items with these keys that there are, in any order."""
    found: list[Item] = []
    for begin in range(0, len(keys), MOST):
        found += await _lot(table, keys[begin : begin + MOST])
    return found


async def _lot(table: Table, keys: Sequence[Item]) -> list[Item]:
    """As `many`, at most a hundred. What DynamoDB leaves out for now is asked for again.

    Raises:
        Unavailable: it goes on leaving some out.
    """
    wanted: Item = {table.name: {"Keys": list(keys), "ConsistentRead": True}}
    found: list[Item] = []
    for tried in range(tables.TRIES):
        answer = await table.ask("batch_get_item", RequestItems=wanted)
        found += answer["Responses"].get(table.name, [])
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            return found
        await tables.rest(tried)
    raise Unavailable(tables.OUT)
