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
AN_OBJECT = "one JSON object in UTF-8, whole on this line"
APART = "an array has to be taken apart: `jq -c '.[]'`"
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


class Twice(Exception):
    """A name stands twice in one JSON object."""


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
        if line.text:
            yield _object(line.number, line.text)
        else:
            yield Line(line.number, None, f"{TOO_LONG}; {APART}")


def csv_lines(file: BinaryIO) -> Iterator[Line]:
    """Comma-separated values (RFC 4180) under a line of names; an empty value is none.

    Each line is a row of its own: no value has a line break in it. The names are read at once, so
    that nothing is made for a file that is none.

    Raises:
        Failed: the names are not those of fields.
    """
    lines = _lines(file)
    first = next(lines, None)
    names = _row(first) if first else []
    if isinstance(names, str):
        names = []
    _check_names(names)
    return _rows(lines, names)


def _rows(lines: Iterator[Text], names: list[str]) -> Iterator[Line]:
    for line in lines:
        row = _row(line)
        if isinstance(row, str):
            yield Line(line.number, None, row)
        elif len(row) == len(names):
            yield Line(line.number, _fields(names, row))
        else:
            yield Line(line.number, None, f"{len(names)} values, and has {len(row)}")


def _fields(names: list[str], row: list[str]) -> dict[str, Any]:
    """What the row says; only here are roles one text, which commas or spaces part."""
    given: dict[str, Any] = {name: value for name, value in zip(names, row, strict=True) if value}
    if "roles" in given:
        given["roles"] = given["roles"].replace(",", " ").split()
    return given


def firebase_accounts(file: BinaryIO) -> Iterator[Line]:
    """The accounts of a file that `firebase auth:export` wrote as JSON.

    Raises:
        Failed: it is no such file, at once; or, later, it is damaged.
    """
    text = TextIOWrapper(file, "utf-8-sig", "replace")
    kept = text.read(CHUNK)
    begin = _FIRST_ACCOUNT.search(kept)
    if begin is None:
        raise Failed('This is no export of Firebase: no "users" list stands at its beginning.')
    return _accounts(text, kept, begin.end())


def _accounts(text: TextIOWrapper, kept: str, at: int) -> Iterator[Line]:
    decoder, number = json.JSONDecoder(), 0
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
        fields = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except Twice:
        return Line(number, None, "each name once")
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict):
        return Line(number, fields)
    return Line(number, None, f"{AN_OBJECT}; {APART}" if text.startswith(b"[") else AN_OBJECT)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two roles that stand under one name the wrong one might be taken."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Twice
    return made


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _check_names(names: list[str]) -> None:
    known = ", ".join(FIELDS)
    if "email" not in names:
        raise Failed(
            "The first line has to name the columns, separated by commas, in UTF-8, `email` among"
            f" them: {known}."
        )
    wrong = [name for name in names if name not in FIELDS]
    if wrong or len(set(names)) < len(names):
        what = f"{wrong[0]!r} is no column" if wrong else "A column stands there twice"
        raise Failed(f"{what}: there may be {known}.")
