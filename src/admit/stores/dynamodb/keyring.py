"""The signing keys: one item, so that all of them are read and changed as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items
from admit.stores.dynamodb.commits import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.stores.base import SigningKey
    from admit.stores.dynamodb.items import Item


def saving(item: Item | None, keys: Sequence[SigningKey]) -> Item:
    """The action that makes these the keys, where nobody changed them since `item` was read."""
    version = int(item["v"]["N"]) if item else 0
    values = {"next": items.number(version + 1), "j": items.json(keys)}
    if item is None:
        return change(items.KEYS, does.KEYS, does.NO_KEYS, **values)
    return change(items.KEYS, does.KEYS, does.KEYS_ARE, v=items.number(version), **values)
