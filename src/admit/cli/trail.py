"""`admit events` and `admit purge`: the audit trail, and what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admit import readers
from admit.cli.opened import in_store
from admit.cli.output import (
    NOTHING,
    AsJson,
    instant,
    remark,
    rfc3339,
    say,
    show_json,
    show_table,
)
from admit.cli.users import account_of
from admit.events import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admit.engine import Engine
    from admit.events import Event

KindOption = Annotated[Kind | None, typer.Option(help="Only of this kind.")]


def _span(text: str) -> float:
    try:
        return readers.positive_span(text)
    except ValueError as error:
        raise typer.BadParameter(f"wants {error}") from None


def events(
    *,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Only what concerns this user.")
    ] = None,
    kind: KindOption = None,
    since: Annotated[
        float | None,
        typer.Option(parser=_span, metavar="SPAN", help="Only the last 90s, 15m, 12h or 7d."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="How many at most.")
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what happened, the newest first.

    Sign-ins and failures, endings and reuse, what administrators did, changes of keys.
    """

    async def work(engine: Engine) -> tuple[list[Event], dict[str, str]]:
        user_id = (await account_of(engine, user)).user.id if user is not None else None
        found = await engine.store.events(
            user_id=user_id,
            kind=kind,
            since=engine.clock() - since if since is not None else 0.0,
            limit=limit,
        )
        return found, {} if as_json else await _names(engine, found)

    found, names = in_store(work)
    if as_json:
        show_json({"events": [_event_json(each) for each in found]})
    elif found:
        columns = ("AT (UTC)", "KIND", "REASON", "USER", "SESSION", "ADDRESS", "DETAIL")
        show_table(columns, [_row(each, names) for each in found])
    else:
        remark("There are no such events.")


def purge(*, as_json: AsJson = False) -> None:
    """Delete what is of no more use.

    Sessions past their end, revocations that no longer matter, retired keys, old events. A
    server does the same by itself, a little at a time.
    """

    async def work(engine: Engine) -> int:
        gone = 0
        while deleted := await engine.purge():  # a little at a time: a server wants to write too
            gone += deleted
        return gone

    gone = in_store(work)
    if as_json:
        show_json({"deleted": gone})
    else:
        say(f"{gone} row{'' if gone == 1 else 's'} deleted.")


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "user_id": event.user_id,
        "session_id": event.session_id,
        "reason": event.reason,
        "ip": event.ip,
        "user_agent": event.user_agent,
        "detail": dict(event.detail),
    }


async def _names(engine: Engine, found: list[Event]) -> dict[str, str]:
    """The addresses of the users in these events, by id."""
    ids = {each.user_id for each in found if each.user_id}
    accounts = [await engine.store.find_user("id", each) for each in ids]
    return {each.user.id: each.user.email for each in accounts if each}


def _row(event: Event, names: Mapping[str, str]) -> tuple[str, ...]:
    user = event.user_id or NOTHING
    detail = [f"{name}={value}" for name, value in event.detail.items()]
    return (
        instant(event.at),
        event.kind,
        event.reason or NOTHING,
        names.get(user, user),
        event.session_id or NOTHING,
        event.ip or NOTHING,
        " ".join([*detail, event.user_agent or ""]).strip() or NOTHING,
    )
