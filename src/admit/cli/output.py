"""How a command answers: a table for people, JSON for programs, remarks on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from unicodedata import combining, east_asian_width

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

NOTHING = "-"
GAP = "  "
NARROWEST = 12
"""The last column is never cut shorter than this."""
COLOURS = {
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
    "disabled": "red",
    "signing": "green",
    "waiting": "yellow",
    "withdrawn": "red",
    "reuse_detected": "red",
}
"""Words that stand out where a cell holds nothing else."""


def show_json(value: object) -> None:
    """Print the value as JSON; ASCII only, so it survives whatever reads it."""
    typer.echo(json.dumps(value, indent=2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns' names; on a terminal the last column is cut to fit."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(columns, *cells, strict=True)]
    room = _room(sum(widths[:-1]) + len(GAP) * (len(widths) - 1))
    typer.echo(painted(_line(columns, widths, columns), bold=True))
    for row in cells:
        shown = [*row[:-1], _cut(row[-1], room)]
        typer.echo(_line(shown, widths, [painted(cell, COLOURS.get(cell)) for cell in shown]))


def show_details(pairs: Mapping[str, str]) -> None:
    """Print names and values, one pair a line."""
    widest = max(map(len, pairs))
    for name, value in pairs.items():
        shown = printable(value)
        typer.echo(f"{painted(name.ljust(widest), bold=True)}{GAP}{_coloured(shown)}")


def say(text: str) -> None:
    """Print what was done."""
    typer.echo(printable(text))


def remark(text: str) -> None:
    """Print to stderr what is no part of the answer."""
    typer.echo(painted(printable(text), "bright_black"), err=True)


def complain(text: str) -> None:
    """Print to stderr what went wrong."""
    typer.echo(painted(printable(text), "red"), err=True)


def painted(text: str, colour: str | None = None, *, bold: bool = False) -> str:
    """The text in a colour, unless nobody wants any (no-color.org); `echo` drops it in a pipe."""
    if not (colour or bold) or "NO_COLOR" in os.environ:
        return text
    return typer.style(text, fg=colour, bold=bold or None)


def printable(text: str) -> str:
    """The text without what would move a terminal's cursor, or turn its writing around."""
    return "".join(each if each.isprintable() else "?" for each in text)


def instant(seconds: float | None) -> str:
    """An instant in UTC, to the second, for a table."""
    if seconds is None:
        return NOTHING
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def rfc3339(seconds: float | None) -> str | None:
    """An instant in UTC for JSON (RFC 3339)."""
    if seconds is None:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A span in its largest unit, rounded down: `12 s`, `5 min`, `3 h`, `89 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text
    )


def _line(cells: Sequence[str], widths: Sequence[int], shown: Sequence[str]) -> str:
    """The cells as they are `shown`, padded as wide as they are without colour."""
    padded = [
        text + " " * (wide - width(cell))
        for cell, wide, text in zip(cells, widths, shown, strict=True)
    ]
    return GAP.join(padded).rstrip()


def _coloured(value: str) -> str:
    """The value, its first word in that word's colour."""
    word, space, rest = value.partition(" ")
    return painted(word, COLOURS.get(word)) + space + rest


def _room(taken: int) -> int | None:
    """What is left of the terminal's width; None where nobody watches."""
    if not sys.stdout.isatty():
        return None
    return max(NARROWEST, shutil.get_terminal_size().columns - taken)


def _cut(text: str, room: int | None) -> str:
    if room is None or width(text) <= room:
        return text
    while text and width(text) >= room:
        text = text[:-1]
    return text + "…"
