"""`admit session`: who is signed in where, and how that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

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
from admit.cli.users import Who, account_of
from admit.errors import NotFound

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.model import Session

sessions = typer.Typer(help="Sessions: who is signed in where.")

MAY_START_WITH_A_DASH = {"ignore_unknown_options": True}
"""Ids are base64url, whose alphabet has a dash: one in 64 looks like an option."""


@sessions.command("list")
def list_(user: Who, *, as_json: AsJson = False) -> None:
    """List the living sessions of an account, the newest first."""

    async def work(engine: Engine) -> list[Session]:
        account = await account_of(engine, user)
        return await engine.sessions.list(account.user.id, now=engine.clock())

    living = in_store(work)
    if as_json:
        show_json({"sessions": [session_json(each) for each in living]})
    elif living:
        columns = ("ID", "OPENED (UTC)", "LAST SEEN (UTC)", "IDLE UNTIL (UTC)", "ADDRESS", "DEVICE")
        show_table(columns, [_row(each) for each in living])
    else:
        remark("There are no living sessions.")


@sessions.command("end", context_settings=MAY_START_WITH_A_DASH)
def end(
    session: Annotated[str | None, typer.Argument(metavar="ID", help="The session.")] = None,
    *,
    user: Annotated[str | None, typer.Option(metavar="USER", help="End all of a user's.")] = None,
    as_json: AsJson = False,
) -> None:
    """End one session, or all of a user's. Its access tokens stop working within a second."""
    if (session is None) == (user is None):
        raise typer.BadParameter("give a session's ID, or a --user")

    async def work(engine: Engine) -> list[str]:
        if session is not None and await engine.store.find_session(session) is None:
            raise NotFound(f"There is no session {session!r}.")
        user_id = (await account_of(engine, user)).user.id if user is not None else None
        return await engine.sessions.revoke(now=engine.clock(), session_id=session, user_id=user_id)

    ended = in_store(work)
    if as_json:
        show_json({"ended": ended})
    elif session is not None:
        say(f"Session {session} {'is ended' if ended else 'was over already'}.")
    else:
        say(f"{len(ended)} session{'' if len(ended) == 1 else 's'} ended.")


def session_json(session: Session) -> dict[str, Any]:
    """The session for programs: what the HTTP contract shows, and its deadlines and end."""
    return {
        "id": session.id,
        "user_id": session.user_id,
        "opened_at": rfc3339(session.opened_at),
        "last_seen_at": rfc3339(session.rotated_at),
        "expires_at": rfc3339(session.expires_at),
        "ends_at": rfc3339(session.ends_at),
        "ended_at": rfc3339(session.ended_at),
        "ended_because": session.ended_because,
        "ip": session.ip,
        "user_agent": session.user_agent,
    }


def _row(session: Session) -> tuple[str, ...]:
    return (
        session.id,
        instant(session.opened_at),
        instant(session.rotated_at),
        instant(session.expires_at),
        session.ip or NOTHING,
        session.user_agent or NOTHING,
    )
