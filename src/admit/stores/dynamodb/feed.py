"""The feed of revocations: numbered by its head, which the transaction that revokes moves.

The head holds the newest revocations themselves: those of one transaction, which DynamoDB shows
whole or not at all. Before the next transaction replaces them, they are put beside it, and that is
waited for. So a reader who first reads the head, and then what is older, misses nothing; each of
the two reads is of single items, and rests on nothing that DynamoDB does not promise of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from admit.stores.base import Feed, Revocation
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

HEAD = items.key("feed", "head")


class Head(NamedTuple):
    """The newest number given, the one before the head's own entries, and these."""

    seq: int
    before: int
    entries: list[Revocation]


async def head(table: Table, *, ahead: bool = False) -> Head:
    """The head as it stands; all zero before the first revocation."""
    item = await reads.one(table, HEAD, ahead=ahead)
    if item is None:
        return Head(0, 0, [])
    return Head(int(item["n"]["N"]), int(item["f"]["N"]), items.revocations(item))


async def put_aside(table: Table, stands: Head) -> None:
    """Put the head's entries where they stay. Whoever else does so puts the very same."""
    if not stands.entries:
        return
    until = max(each.until for each in stands.entries)
    item = {
        **aside(stands),
        "j": items.json(stands.entries),
        "t": items.number(until),
        "ttl": items.ttl(until),
    }
    await table.ask("put_item", twice=True, Item=item)


def aside(stands: Head) -> Item:
    """Under which key the head's entries are put aside."""
    return items.key("feed", _sort(stands.seq))


def moved(stands: Head, revocations: Sequence[Revocation]) -> Item:
    """The action that adds these revocations where the head still stands so."""
    seq = stands.seq
    numbered = [msgspec.structs.replace(each, seq=seq + i) for i, each in enumerate(revocations, 1)]
    values = {
        ":n": items.number(seq),
        ":next": items.number(seq + len(numbered)),
        ":j": items.json(numbered),
    }
    condition = does.HEAD_IS if seq else does.NO_HEAD
    return {
        "Update": {
            "Key": HEAD,
            "UpdateExpression": does.HEAD,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
    }


async def read(table: Table, *, after: int, now: float) -> Feed:
    """The feed as `Store.revocations` wants it."""
    stands = await head(table, ahead=True)
    after = after if after <= stands.seq else 0
    entries = stands.entries
    if after < stands.before:
        entries = [*await _older(table, after, stands.before), *entries]
    mattering = [each for each in entries if each.seq > after and each.until > now]
    return Feed(entries=mattering, head=stands.seq)


async def _older(table: Table, after: int, up_to: int) -> list[Revocation]:
    pages = reads.pages(
        table,
        ahead=True,
        KeyConditionExpression=does.BETWEEN,
        ExpressionAttributeValues={
            ":pk": items.text("feed"),
            ":s": items.text(_sort(after + 1)),
            ":t": items.text(_sort(up_to)),
        },
        ConsistentRead=True,
    )
    return [entry async for page in pages for item in page for entry in items.revocations(item)]


def _sort(seq: int) -> str:
    return f"b#{max(0, seq):020}"
