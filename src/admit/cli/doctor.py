"""`admit doctor`: what is wrong here, or missing for production, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import msgspec
import typer

from admit.cli import checks, database, files
from admit.cli.failure import REFUSED
from admit.cli.findings import fail, ok
from admit.cli.output import AsJson, painted, printable, say, show_json
from admit.errors import SettingsError
from admit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.cli.findings import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
NARROWEST = 40


def doctor(*, as_json: AsJson = False) -> None:
    """Check this installation.

    Each check is ok, warn or fail, with what to do. The exit code is 1 where one fails.
    """
    found = list(_examine())
    well = all(each.state != "fail" for each in found)
    if as_json:
        show_json({"ok": well, "checks": msgspec.to_builtins(found)})
    else:
        _print(found)
    if not well:
        raise typer.Exit(REFUSED)


def _examine() -> Iterator[Finding]:
    try:
        settings = Settings.load()
    except SettingsError as error:
        yield fail("settings", str(error), "Correct it, then run this again.")
        return
    yield ok("settings", "They load.")
    yield files.secret(settings)
    yield files.clock(settings.data_dir, time.time())
    yield from checks.of_settings(settings)
    yield from database.of_store(settings)


def _print(found: list[Finding]) -> None:
    indent = len("warn  ") + max(len(each.check) for each in found) + 2
    for each in found:
        head = each.state.ljust(6) + each.check.ljust(indent - 6)
        says = _wrapped(printable(each.says), indent)
        typer.echo(painted(head[:6], COLOURS[each.state], bold=True) + head[6:] + says.lstrip())
        if each.do:
            typer.echo(_wrapped(f"→ {printable(each.do)}", indent))
    failed, warned = (sum(each.state == state for each in found) for state in ("fail", "warn"))
    typer.echo()
    say(f"{failed} failed, {warned} to mind, {len(found) - failed - warned} in order.")


def _wrapped(text: str, indent: int) -> str:
    """The text in the columns right of `indent`; one line of any length where nobody watches."""
    if not sys.stdout.isatty():
        return " " * indent + text
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
