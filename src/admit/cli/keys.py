"""`admit keys`: the keys that sign access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from admit.cli.failure import Failed
from admit.cli.opened import in_store
from admit.cli.output import AsJson, instant, remark, rfc3339, say, show_json, show_table, span
from admit.cli.sessions import MAY_START_WITH_A_DASH
from admit.errors import NotFound

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.stores.base import SigningKey

keys = typer.Typer(help="Signing keys: list, rotate, withdraw.")

State = Literal["waiting", "signing", "verifying", "retired", "withdrawn"]


@keys.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the keys, the oldest first, with what each does now."""

    async def work(engine: Engine) -> tuple[list[SigningKey], float]:
        return await engine.store.keys(), engine.clock()

    found, now = in_store(work)
    does = states(found, now)
    if as_json:
        show_json({"keys": [_key_json(each, does[each.kid]) for each in found]})
    elif found:
        columns = ("KID", "ALGORITHM", "STATE", "SIGNS FROM (UTC)", "VERIFIES UNTIL (UTC)")
        show_table(columns, [_row(each, does[each.kid]) for each in found])
    else:
        remark("There are no keys yet: the first start of the server makes one.")


@keys.command("rotate")
def rotate(*, as_json: AsJson = False) -> None:
    """Publish a new key now; it signs once every cache of the public keys can know it."""

    async def work(engine: Engine) -> tuple[SigningKey, float]:
        now = engine.clock()
        known = {key.kid for key in await engine.store.keys()}
        # Loading them rotates by itself where there is no key yet, or one of another algorithm.
        await engine.keys.start(now)
        made = {key.kid for key in await engine.store.keys()} - known
        if not made:
            made = {await engine.keys.rotate(now) or ""}
        row = next((key for key in await engine.store.keys() if key.kid in made), None)
        if row is None:
            raise Failed("Another process rotated the keys just now: see `admit keys list`.")
        return row, now

    key, now = in_store(work)
    if as_json:
        show_json(_key_json(key, states([key], now)[key.kid]))
    elif key.signs_from > now:
        wait = span(key.signs_from - now)
        say(f"Key {key.kid} is published, and signs in {wait} ({instant(key.signs_from)} UTC).")
    else:
        say(f"Key {key.kid} is published, and signs from now on.")


@keys.command("withdraw", context_settings=MAY_START_WITH_A_DASH)
def withdraw(
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Stop a key at once: every access token that it signed is refused within a second.

    Sessions live on: clients get new access tokens at their next refresh.
    """

    async def work(engine: Engine) -> tuple[bool, str | None]:
        rows = {key.kid: key for key in await engine.store.keys()}
        if kid not in rows:
            raise NotFound(f"There is no key {kid!r}: `admit keys list` shows those there are.")
        if rows[kid].withdrawn_at is not None:
            return False, None
        return True, await engine.keys.withdraw(kid, engine.clock())

    done, instead = in_store(work)
    if as_json:
        show_json({"kid": kid, "withdrawn": True, "signs_instead": instead})
        return
    say(f"Key {kid} {'is withdrawn' if done else 'was withdrawn already'}.")
    if instead:
        say(f"Key {instead} signs in its place.")


def states(rows: list[SigningKey], now: float) -> dict[str, State]:
    """What each key does at `now`, by its kid; the rows come the oldest first."""
    does: dict[str, State] = {}
    signing = False
    for row in reversed(rows):
        if row.withdrawn_at is not None:
            does[row.kid] = "withdrawn"
        elif row.retires_at is not None and row.retires_at <= now:
            does[row.kid] = "retired"
        elif row.signs_from > now:
            does[row.kid] = "waiting"
        else:
            does[row.kid] = "verifying" if signing else "signing"
            signing = True
    return does


def _key_json(key: SigningKey, state: State) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": state,
        "created_at": rfc3339(key.created_at),
        "signs_from": rfc3339(key.signs_from),
        "retires_at": rfc3339(key.retires_at),
        "withdrawn_at": rfc3339(key.withdrawn_at),
    }


def _row(key: SigningKey, state: State) -> tuple[str, ...]:
    until = key.withdrawn_at if key.withdrawn_at is not None else key.retires_at
    return key.kid, key.algorithm, state, instant(key.signs_from), instant(until)
