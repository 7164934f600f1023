"""Sessions: each an item of its own, with one beside its user's account that points to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from admit.stores.base import Revocation, Rotation
from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads
from admit.stores.dynamodb.commits import change, changed, drop, put
from admit.stores.dynamodb.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.events import Event
    from admit.model import Session
    from admit.stores.base import Ending
    from admit.stores.dynamodb.commits import Action
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

MOST_LISTED = 1_000
HOLDER = "the account"
POINTER = "a pointer"


class Given(NamedTuple):
    """What `Store.rotate` is handed."""

    session_id: str
    generation: int
    retry_key: bytes | None
    deadline: float
    now: float
    after: float
    before: float


async def rotated(table: Table, given: Given) -> Rotation | None:
    """One conditional write, whose answer shows the item, won or lost; then the account."""
    key = items.session_key(given.session_id)
    won = True
    try:
        answer = await table.ask(
            "update_item",
            Key=key,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **_rotation(given),
        )
        item: Item | None = answer["Attributes"]
    except ConditionFailed as failed:
        won = False
        item = failed.item or await reads.one(table, key)  # emulators don't show it
    if item is None:
        return None
    holder = await reads.one(table, items.user_key(item["u"]["S"]))
    if holder is None:
        return None
    return Rotation(won=won, session=items.session(item), account=items.account(holder))


def _rotation(given: Given) -> Item:
    values = {
        "n": items.number(given.generation),
        "next": items.number(given.generation + 1),
        "now": items.number(given.now),
        "deadline": items.number(given.deadline),
        "after": items.number(given.after),
        "before": items.number(given.before),
    }
    if given.retry_key is None:
        return changed(does.ROTATED_WITHOUT_KEY, does.ROTATE, **values)
    return changed(does.ROTATED, does.ROTATE, **values, key={"B": given.retry_key})


async def find(table: Table, session_id: str) -> Session | None:
    """The session as last committed."""
    item = await reads.one(table, items.session_key(session_id))
    return items.session(item) if item else None


async def living(
    table: Table,
    user_id: str,
    *,
    now: float,
    most: int | None = None,
    latest: str | None = None,
) -> list[Session]:
    """The user's living sessions, the newest first; all of them unless `most` says otherwise.

    `latest` is looked for also where nothing points to it yet.
    """
    ids = await _pointed_to(table, user_id, now)
    if latest is not None and latest not in ids:
        ids.append(latest)
    found: list[Session] = []
    for begin in range(0, len(ids), reads.MOST):
        keys = [items.session_key(each) for each in ids[begin : begin + reads.MOST]]
        lot = [items.session(each) for each in await reads.many(table, keys)]
        found += [each for each in lot if lives(each, now)]
        if most is not None and len(found) >= most:
            break
    found.sort(key=lambda each: (-each.opened_at, each.id))
    return found[:most]


async def _pointed_to(table: Table, user_id: str, now: float) -> list[str]:
    """The ids of sessions that may live, the newest first."""
    pages = reads.pages(
        table,
        KeyConditionExpression=does.BEGINS,
        ExpressionAttributeValues={
            ":pk": items.user_key(user_id)["pk"],
            ":s": items.text(items.SESSIONS),
        },
        ConsistentRead=True,
    )
    found = [each async for page in pages for each in page if float(each["e"]["N"]) > now]
    found.sort(key=lambda each: (-float(each["o"]["N"]), each["sk"]["S"]))
    return [each["sk"]["S"].removeprefix(items.SESSIONS) for each in found]


def lives(session: Session, now: float) -> bool:
    """Whether it is neither ended nor over."""
    return session.ended_at is None and session.expires_at > now


async def meant(
    table: Table, ending: Ending, now: float, *, latest: str | None = None
) -> list[Session]:
    """The living sessions that an ending means, the newest first; `latest` as in `living`."""
    if ending.session_id is not None:
        one = await find(table, ending.session_id)
        theirs = one is not None and ending.user_id in {None, one.user_id}
        return [one] if one is not None and theirs and lives(one, now) else []
    if ending.user_id is None:
        return []
    found = await living(table, ending.user_id, now=now, latest=latest)
    return [each for each in found if each.id != ending.keep]


class Ends(NamedTuple):
    """What goes with ending these sessions: the actions, the events and the revocations."""

    actions: list[Action]
    events: list[Event]
    revocations: list[Revocation]


NOTHING = Ends([], [], [])


def opening(session: Session, password_version: int) -> list[Action]:
    """The actions that open a session, where its user may sign in with that password."""
    may = change(
        items.user_key(session.user_id),
        does.SIGNED_IN,
        does.MAY_SIGN_IN,
        one=items.number(1),
        l=items.text(session.id),
        pv=items.number(password_version),
    )
    pointer = (POINTER, put(items.pointer_item(session)))
    return [(HOLDER, may), (session.id, put(items.session_item(session))), pointer]


def ends(sessions: Sequence[Session], ending: Ending, now: float) -> Ends:
    """End these, each where it still lives."""
    actions: list[Action] = []
    for each in sessions:
        because = items.text(ending.because)
        ended = change(
            items.session_key(each.id),
            does.END,
            does.LIVES,
            now=items.number(now),
            because=because,
        )
        actions.append((each.id, ended))
        actions.append((POINTER, drop(items.pointer_key(each.user_id, each.id))))
    events = [
        msgspec.structs.replace(ending.event, session_id=each.id, user_id=each.user_id)
        for each in sessions
    ]
    return Ends(actions, events, [_revocation(each.id, ending, now) for each in sessions])


def is_over(session_id: str, now: float) -> Action:
    """The action that does nothing, where this session does not live.

    DynamoDB shows what a transaction wrote one item after the other, so an account may say of a
    sign-in what its session does not show yet. This one then waits for the other.
    """
    key = items.session_key(session_id)
    values = {"ExpressionAttributeValues": {":now": items.number(now)}}
    return (
        session_id,
        {"ConditionCheck": {"Key": key, **values, "ConditionExpression": does.OVER}},
    )


def _revocation(session_id: str, ending: Ending, now: float) -> Revocation:
    return Revocation(
        kind="session", subject=session_id, reason=ending.because, at=now, until=ending.until
    )
