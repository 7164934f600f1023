"""`admit export`: every account, for another system or as a copy that can be read."""

from __future__ import annotations

import csv
import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from admit.cli.moving.bring import ENDINGS, STDIN, FormatOption
from admit.cli.moving.lines import FIELDS, Format
from admit.cli.opened import in_store
from admit.cli.output import remark
from admit.cli.written import written
from admit.settings import Settings
from admit.users.shadow import is_shadow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from admit.engine import Engine
    from admit.model import Account
    from admit.stores.base import Store

PAGE = 1_000


def export(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to; standard output without it.")
    ] = Path(STDIN),
    *,
    format_: FormatOption = None,
    without_hashes: Annotated[
        bool, typer.Option("--without-hashes", help="Leave the hashes of the passwords out.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it is there.")] = False,
) -> None:
    """Write every account, in the order of their addresses; `admit import` takes it back.

    A file is made with mode 0600. Sessions, keys and the audit trail are not in it.
    """
    form: Format = format_ or ENDINGS.get(file.suffix.lower()) or "json"

    async def work(engine: Engine) -> int:
        count = 0
        write = WRITERS[form](out, FIELDS)
        async for account in _accounts(engine.store):
            write(_fields(account, with_hash=not without_hashes))
            count += 1
        return count

    settings = Settings.load()
    with _opened(file, settings, force=force) as out:
        count = in_store(work, settings=settings)
    remark(f"{count:,} account{'' if count == 1 else 's'} exported.")


async def _accounts(store: Store) -> AsyncIterator[Account]:
    """Every account of Admit's own, a page at a time; who registers meanwhile may be in it."""
    after = ""
    while page := await store.list_users(search="", after=after, limit=PAGE):
        for account in page:
            if not is_shadow(account):
                yield account
        after = page[-1].email_key


def _fields(account: Account, *, with_hash: bool) -> dict[str, Any]:
    """The account as `admit import` reads it."""
    from admit.passwords.hashing import NO_PASSWORD  # noqa: PLC0415  see `in_store`

    user = account.user
    usable = with_hash and not account.password_hash.startswith(NO_PASSWORD)
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "hash": account.password_hash if usable else None,
        "roles": list(user.roles),
        "created": _instant(user.created_at),
        "email_verified": user.email_verified,
        "disabled": _instant(account.disabled_at) if account.disabled_at is not None else False,
    }


def _instant(seconds: float) -> str:
    """To the microsecond: what is imported from this is exported as this."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def _json(out: TextIO, _: tuple[str, ...]) -> Callable[[dict[str, Any]], None]:
    def write(fields: dict[str, Any]) -> None:
        out.write(json.dumps(fields) + "\n")

    return write


def _csv(out: TextIO, names: tuple[str, ...]) -> Callable[[dict[str, Any]], None]:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(names)

    def write(fields: dict[str, Any]) -> None:
        rows.writerow([_cell(fields[name]) for name in names])

    return write


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


WRITERS: dict[Format, Callable[[TextIO, tuple[str, ...]], Callable[[dict[str, Any]], None]]] = {
    "json": _json,
    "csv": _csv,
}


@contextmanager
def _opened(file: Path, settings: Settings, *, force: bool) -> Iterator[TextIO]:
    if str(file) != STDIN:
        with (
            written(file, settings, force=force) as draft,
            draft.open("w", encoding="utf-8", newline="") as out,
        ):
            yield out
        return
    out = TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")  # whatever a terminal's encoding
    try:
        yield out
        out.flush()
    finally:
        out.detach()  # or it would close standard output
