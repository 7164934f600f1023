"""The lines of a file of accounts: one at a time, however long the file, and whatever is in it."""

from __future__ import annotations

import csv
import json
import re
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import msgspec

from admit.cli.failure import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Format = Literal["json", "csv"]

LONGEST = 65_536
"""Of one line, in bytes; what is longer is refused without being kept."""
TOO_LONG = f"at most {LONGEST:,} bytes"
CHUNK = 65_536
FIELDS = ("id", "email", "username", "hash", "roles", "created", "email_verified", "disabled")
LARGEST_ACCOUNT = 1_048_576
"""Of Firebase, in characters: each may carry what its project likes."""
_FIRST_ACCOUNT = re.compile(r'"users"\s*:\s*\[')


class Line(msgspec.Struct, frozen=True):
    """One account as it stands in the file, or what is wrong with its line.

    `number` counts from 1: lines of JSON, lines of CSV, accounts of Firebase.
    """

    number: int
    fields: dict[str, Any] | None
    wrong: str = ""


class Text(NamedTuple):
    """One line that is not empty; without its text where that is too long."""

    number: int
    text: bytes


def _lines(file: BinaryIO) -> Iterator[Text]:
    """The lines; a value never goes over several, so one mistake costs one line."""
    number = 0
    while text := file.readline(LONGEST + 1):
        number += 1
        if len(text) > LONGEST:
            while len(text) > LONGEST and not text.endswith(b"\n"):
                text = file.readline(LONGEST + 1)
            yield Text(number, b"")
        elif text := text.removeprefix(b"\xef\xbb\xbf").strip():
            yield Text(number, text)


def json_lines(file: BinaryIO) -> Iterator[Line]:
    """A JSON object a line; empty lines are passed over."""
    for line in _lines(file):
        yield _object(line.number, line.text) if line.text else Line(line.number, None, TOO_LONG)


def csv_lines(file: BinaryIO) -> Iterator[Line]:
    """Comma-separated values (RFC 4180) under a line of names; an empty value is none.

    Each line is a row of its own: no value has a line break in it.

    Raises:
        Failed: the names are not those of fields.
    """
    names: list[str] | None = None
    for line in _lines(file):
        row = _row(line)
        if names is None:
            names = row if isinstance(row, list) else []
            _check_names(names)
        elif isinstance(row, str):
            yield Line(line.number, None, row)
        elif len(row) == len(names):
            given = {name: value for name, value in zip(names, row, strict=True) if value}
            yield Line(line.number, given)
        else:
            yield Line(line.number, None, f"{len(names)} values, and has {len(row)}")
    if names is None:
        _check_names([])


def firebase_accounts(file: BinaryIO) -> Iterator[Line]:
    """The accounts of a file that `firebase auth:export` wrote as JSON.

    Raises:
        Failed: it is no such file, or is damaged.
    """
    text = TextIOWrapper(file, "utf-8-sig", "replace")
    decoder, number, kept = json.JSONDecoder(), 0, text.read(CHUNK)
    begin = _FIRST_ACCOUNT.search(kept)
    if begin is None:
        raise Failed('This is no export of Firebase: no "users" list stands at its beginning.')
    at = begin.end()
    while True:
        while kept[at : at + 1].isspace() or kept.startswith(",", at):
            at += 1
        if kept.startswith("]", at):
            break
        try:
            fields, at = decoder.raw_decode(kept, at)
        except (ValueError, RecursionError):  # it is damaged, or goes on in the next chunk
            more = text.read(CHUNK)
            if not more or len(kept) - at > LARGEST_ACCOUNT:
                raise Failed(f"The file is damaged after account {number:,}.") from None
            kept, at = kept[at:] + more, 0
            continue
        number += 1
        yield Line(number, fields) if isinstance(fields, dict) else Line(number, None, "an object")
    text.detach()  # the file is its opener's to close


READERS: dict[Format, Callable[[BinaryIO], Iterator[Line]]] = {
    "json": json_lines,
    "csv": csv_lines,
}


def _row(line: Text) -> list[str] | str:
    """The values of a line of CSV, or what it wants."""
    if not line.text:
        return TOO_LONG
    try:
        (row,) = csv.reader([line.text.decode("utf-8", "surrogateescape")], strict=True)
    except csv.Error as error:
        return f"comma-separated values ({error})"
    return row


def _object(number: int, text: bytes) -> Line:
    try:
        fields = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Line(number, None, "one JSON object in UTF-8")
    if not isinstance(fields, dict):
        return Line(number, None, "one JSON object in UTF-8")
    return Line(number, fields)


def _check_names(names: list[str]) -> None:
    known = ", ".join(FIELDS)
    if "email" not in names:
        raise Failed(f"The first line has to name the columns, `email` among them: {known}.")
    wrong = [name for name in names if name not in FIELDS]
    if wrong or len(set(names)) < len(names):
        what = f"{wrong[0]!r} is no column" if wrong else "A column stands there twice"
        raise Failed(f"{what}: there may be {known}.")
