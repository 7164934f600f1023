"""`admit user`: the accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admit.cli import ask
from admit.cli.opened import in_store
from admit.cli.output import (
    NOTHING,
    AsJson,
    instant,
    remark,
    rfc3339,
    say,
    show_details,
    show_json,
    show_table,
)
from admit.errors import AlreadyExists, Forbidden, NotFound
from admit.logins import email_key
from admit.users import shadow
from admit.users.base import ID

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.model import Account

users = typer.Typer(help="Accounts: add, list, show, disable, enable, roles, passwords.")

Who = Annotated[str, typer.Argument(metavar="USER", help="An e-mail address, a username or an id.")]


@users.command("add")
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address.")],
    *,
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name to sign in with as well.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="A role; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an account. The password is asked for, or read from standard input."""

    async def free(engine: Engine) -> None:
        first = await engine.store.list_users(search="", after="", limit=1)
        if any(shadow.is_shadow(each) for each in first):
            raise Forbidden(shadow.ELSEWHERE)
        for field, login in {"email": email, "username": username}.items():
            if login and ("@" in login) == (field == "email") and await engine.accounts.find(login):
                raise AlreadyExists(fields={field: "another one"})

    async def work(engine: Engine) -> tuple[Account, str]:
        user = await engine.accounts.register(
            email=email,
            password=chosen,
            username=username,
            roles=tuple(role or ()),
            now=engine.clock(),
        )
        return await account_of(engine, user.id), engine.store.name

    in_store(free, make=True)  # before anybody types a password twice for nothing
    chosen = ask.new_password()
    account, store = in_store(work, make=True)
    _answer(account, f"{account.user.email} is added to {store}.", as_json=as_json)


@users.command("list")
def list_(
    *,
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Only those with this in address or name.")
    ] = "",
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")
    ] = 50,
    after: Annotated[str, typer.Option(metavar="EMAIL", help="Go on after this address.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the accounts in the order of their addresses."""

    async def work(engine: Engine) -> list[Account]:
        return await engine.store.list_users(
            search=email_key(search), after=email_key(after), limit=limit + 1
        )

    found = in_store(work)
    shown, more = found[:limit], len(found) > limit
    last = shown[-1].email_key if more else None
    if as_json:
        show_json({"users": [user_json(each) for each in shown], "next": last})
        return
    if not shown:
        remark("There are no such accounts." if search or after else "There are no accounts yet.")
        return
    columns = ("EMAIL", "USERNAME", "ROLES", "STATE", "ID", "CREATED (UTC)")
    show_table(columns, [_row(each) for each in shown])
    if last:
        remark(f"There are more: --after {last}")


@users.command("show")
def show(user: Who, *, as_json: AsJson = False) -> None:
    """Show one account."""

    async def work(engine: Engine) -> tuple[Account, int]:
        account = await account_of(engine, user)
        living = await engine.sessions.list(account.user.id, now=engine.clock())
        return account, len(living)

    account, sessions = in_store(work)
    if as_json:
        show_json(user_json(account) | {"sessions": sessions})
        return
    shown = account.user
    off = account.disabled_at
    show_details(
        {
            "email": shown.email,
            "username": shown.username or NOTHING,
            "roles": " ".join(shown.roles) or NOTHING,
            "state": f"disabled since {instant(off)} UTC" if off is not None else "enabled",
            "sessions": str(sessions),
            "created": f"{instant(shown.created_at)} UTC",
            "id": shown.id,
        }
    )


@users.command("disable")
def disable(user: Who, *, as_json: AsJson = False) -> None:
    """Disable an account.

    Nobody can sign in to it, and every session of it ends.
    """
    account, changed = _set_enabled(user, enabled=False)
    did = "is disabled, and its sessions have ended" if changed else "was disabled already"
    _answer(account, f"{account.user.email} {did}.", as_json=as_json)


@users.command("enable")
def enable(user: Who, *, as_json: AsJson = False) -> None:
    """Enable an account that was disabled."""
    account, changed = _set_enabled(user, enabled=True)
    did = "is enabled" if changed else "was enabled already"
    _answer(account, f"{account.user.email} {did}.", as_json=as_json)


@users.command("role")
def role(
    user: Who,
    *,
    add: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="One to give; may be repeated.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="One to take away.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give roles and take them away. Access tokens that carry a role too many stop working."""
    if not add and not remove:
        raise typer.BadParameter("say which role to --add or --remove")

    async def work(engine: Engine) -> Account:
        account = await account_of(engine, user)
        await engine.accounts.set_roles(
            account.user.id, add=tuple(add or ()), remove=tuple(remove or ()), now=engine.clock()
        )
        return await account_of(engine, account.user.id)

    account = in_store(work)
    roles = " ".join(account.user.roles) or "no role"
    _answer(account, f"{account.user.email} has {roles}.", as_json=as_json)


@users.command("password")
def password(user: Who, *, as_json: AsJson = False) -> None:
    """Set a new password.

    It is asked for, or read from standard input. Every session of the account ends.
    """

    async def find(engine: Engine) -> Account:
        account = await account_of(engine, user)
        if shadow.is_shadow(account):
            raise Forbidden(shadow.ELSEWHERE)
        return account

    async def work(engine: Engine) -> Account:
        await engine.accounts.reset_password(account.user.id, new, now=engine.clock())
        return await account_of(engine, account.user.id)

    account = in_store(find)  # before anybody types a password twice for nothing
    new = ask.new_password()
    account = in_store(work)
    said = f"{account.user.email} has a new password, and its sessions have ended."
    _answer(account, said, as_json=as_json)


async def account_of(engine: Engine, who: str) -> Account:
    """The account with this id, e-mail address or username.

    The id comes first: anybody may choose a username that looks like somebody's id. Of users who
    live in the app it is known what Admit saw of them last.

    Raises:
        NotFound: there is none.
    """
    found = await engine.store.find_user("id", who) if ID.fullmatch(who) else None
    found = found or await engine.accounts.find(who) or await _of_the_app(engine, who)
    if found is None:
        raise NotFound(f"There is no account {who!r}.")
    return found


async def _of_the_app(engine: Engine, address: str) -> Account | None:
    """The one user of the app who was last seen with this address."""
    key = f"{email_key(address)}#"
    near = await engine.store.list_users(search=key, after="", limit=100)
    found = [each for each in near if each.email_key == f"{key}{each.user.id}"]
    return found[0] if len(found) == 1 else None


def user_json(account: Account) -> dict[str, Any]:
    """The account for programs, as the HTTP contract shows a user, and whether it is disabled."""
    user = account.user
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "roles": list(user.roles),
        "email_verified": user.email_verified,
        "created_at": rfc3339(user.created_at),
        "disabled_at": rfc3339(account.disabled_at),
    }


def _set_enabled(who: str, *, enabled: bool) -> tuple[Account, bool]:
    async def work(engine: Engine) -> tuple[Account, bool]:
        account = await account_of(engine, who)
        changed = await engine.accounts.set_enabled(
            account.user.id, enabled=enabled, now=engine.clock()
        )
        return await account_of(engine, account.user.id), changed

    return in_store(work)


def _answer(account: Account, said: str, *, as_json: bool) -> None:
    if as_json:
        show_json(user_json(account))
    else:
        say(said)


def _row(account: Account) -> tuple[str, ...]:
    user = account.user
    return (
        user.email,
        user.username or NOTHING,
        " ".join(user.roles) or NOTHING,
        "enabled" if account.disabled_at is None else "disabled",
        user.id,
        instant(user.created_at),
    )
