"""Accounts: each an item, with an item for each of its keys, which makes that key its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from admit.stores.dynamodb import expressions as does
from admit.stores.dynamodb import items, reads
from admit.stores.dynamodb.commits import ACTIONS, Lost, change, drop, put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.events import Event
    from admit.model import Account
    from admit.stores.base import Taken
    from admit.stores.dynamodb.commits import Action, Commits
    from admit.stores.dynamodb.items import Item
    from admit.stores.dynamodb.table import Table

AT_ONCE = ACTIONS // 4
"""How many accounts a transaction adds: each with its two keys and its event."""
USER = "the account"
KEYS = ("id", "email", "username")

Given = tuple[int, "Account"]


async def add(commits: Commits, accounts: Sequence[Account], event: Event) -> list[Taken | None]:
    """Add the accounts, each with its event, or say for each which of its keys is taken."""
    answers: list[Taken | None] = [None] * len(accounts)
    waiting = list(enumerate(accounts))
    while waiting:
        chosen, waiting = _apart(waiting)
        refused = await _added(commits, chosen, event)
        for index, taken in refused.items():
            answers[index] = taken
        if refused:  # nothing was written: the others once more, before those that wait for them
            waiting = [each for each in chosen if each[0] not in refused] + waiting
    return answers


def _apart(waiting: list[Given]) -> tuple[list[Given], list[Given]]:
    """The first few that share no key with one before them, and the rest in its order."""
    chosen: list[Given] = []
    rest: list[Given] = []
    held: set[object] = set()
    for index, each in waiting:
        keys = {("id", each.user.id), ("email", each.email_key)}
        keys |= {("username", each.username_key)} if each.username_key is not None else set()
        free = len(chosen) < AT_ONCE and not keys & held
        (chosen if free else rest).append((index, each))
        held |= keys
    return chosen, rest


async def _added(commits: Commits, chosen: list[Given], event: Event) -> dict[int, Taken]:
    """Add all of these, or none, and say which of them can't be."""
    actions = [action for given in chosen for action in _adding(*given)]
    events = [msgspec.structs.replace(event, user_id=each.user.id) for _, each in chosen]
    try:
        await commits.write(actions, events=events)
    except Lost as lost:
        names = {index: {k for k in KEYS if (index, k) in lost.names} for index, _ in chosen}
        return {index: "email" if "email" in k else "username" for index, k in names.items() if k}
    return {}


def _adding(index: int, account: Account) -> list[Action]:
    item = {**items.user_key(account.user.id), "c": items.number(0)}
    item |= items.present(items.account_values(account))
    actions: list[Action] = [((index, "id"), put(item)), ((index, "email"), put(_email(account)))]
    if account.username_key is not None:
        actions.append(((index, "username"), put(_username(account))))
    return actions


def _email(account: Account) -> Item:
    """Whose the address is, and under which username a search finds it."""
    username = account.username_key
    named = {} if username is None else {"uk": items.text(username)}
    listed = {"ek": items.text(account.email_key), "u": items.text(account.user.id)}
    return {**items.email_key(account.email_key), **listed, **named}


def _username(account: Account) -> Item:
    return {**items.username_key(account.username_key or ""), "u": items.text(account.user.id)}


async def find(table: Table, by: Literal["id", "email", "username"], key: str) -> Account | None:
    """The account with this id or key."""
    if by == "id":
        item = await reads.one(table, items.user_key(key))
        account = items.account(item) if item else None
        return account if account and account.user.id == key else None
    where = items.email_key(key) if by == "email" else items.username_key(key)
    named = await reads.one(table, where)
    account = await find(table, "id", named["u"]["S"]) if named else None
    if account is None:
        return None
    has = account.email_key if by == "email" else account.username_key
    return account if has == key else None  # it may have another by now


class Held(NamedTuple):
    """An account as it stands, how many sessions were ever opened for it, and which was last."""

    account: Account
    sessions: int
    latest: str | None


async def held(table: Table, user_id: str) -> Held | None:
    """The account with this id, and what tells whether somebody signed in meanwhile."""
    item = await reads.one(table, items.user_key(user_id))
    if item is None:
        return None
    latest = item["l"]["S"] if "l" in item else None
    return Held(items.account(item), int(item["c"]["N"]), latest)


async def listed(table: Table, *, search: str, after: str, limit: int) -> list[Account]:
    """Accounts with `search` in a key, in the order of their e-mail keys."""
    values = {":pk": items.text("emails")}
    if after:
        values[":s"] = items.text(items.bounded(after))
    ids: dict[str, None] = {}  # one whose address changes meanwhile may come by twice
    pages = reads.pages(
        table,
        KeyConditionExpression=does.AFTER if after else does.IN,
        ExpressionAttributeValues=values,
        ConsistentRead=True,
        **({} if search else {"Limit": max(1, limit)}),
    )
    async for page in pages:
        ids |= {each["u"]["S"]: None for each in page if _is_found(each, search)}
        if len(ids) >= limit:
            break
    wanted = list(ids)[: max(0, limit)]
    found = await reads.many(table, [items.user_key(each) for each in wanted])
    accounts = {each["id"]["S"]: items.account(each) for each in found}
    return [accounts[each] for each in wanted if each in accounts]


def _is_found(item: Item, search: str) -> bool:
    return any(search in item[name]["S"] for name in ("ek", "uk") if name in item)


def saving(account: Account, held: Account, *, sessions: int | None) -> list[Action]:
    """The actions that replace an account as it is held, and move its version by one.

    `sessions` is how many were ever opened, where no other may be meanwhile.
    """
    after = msgspec.structs.replace(account, version=account.version + 1)
    values = items.account_values(after)
    kept = {f"v_{name}": value for name, value in values.items() if value is not None}
    expression = "SET " + ", ".join(f"{name[2:]} = :{name}" for name in kept)
    if gone := [name for name, value in values.items() if value is None]:
        expression += " REMOVE " + ", ".join(gone)
    kept["v"] = items.number(account.version)
    condition = does.SAVES
    if sessions is not None:
        condition, kept["c"] = does.SAVES_AND_ENDS, items.number(sessions)
    key = items.user_key(account.user.id)
    return [(USER, change(key, expression, condition, **kept)), *_renamed(account, held)]


def is_still(account: Account) -> Action:
    """The action that does nothing, where the account still has its version."""
    condition = {"ConditionExpression": does.SAVES}
    values = {"ExpressionAttributeValues": {":v": items.number(account.version)}}
    key = items.user_key(account.user.id)
    return (USER, {"ConditionCheck": {"Key": key, **condition, **values}})


def _renamed(account: Account, held: Account) -> list[Action]:
    """What another address or username takes, and gives back."""
    actions: list[Action] = []
    if account.username_key != held.username_key:
        if held.username_key is not None:
            actions.append(("old username", drop(items.username_key(held.username_key))))
        if account.username_key is not None:
            actions.append(("username", put(_username(account))))
    if account.email_key != held.email_key:
        actions.append(("old email", drop(items.email_key(held.email_key))))
        actions.append(("email", put(_email(account))))
    elif actions:
        actions.append(("email", put(_email(account), free=False)))
    return actions
