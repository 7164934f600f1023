"""What an administrator asks for: the parameters of a query, read as strictly as a body."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, get_args

from admit.errors import InvalidInput
from admit.events import Kind
from admit.http import parsing
from admit.users.base import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

Value = TypeVar("Value")

LIMIT = 50
"""How much a page has where nobody says."""
LARGEST_LIMIT = 200
LONGEST_SEARCH = 320
"""Characters; no address is longer."""
LONGEST_CURSOR = 2_048
SHORTEST_STEP = 60
"""Seconds."""
LONGEST_STEP = 31_536_000
LARGEST_ID = 2**63 - 1
"""What an id of the audit trail may be at most, in any store."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_WHOLE = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_LATEST = 253_370_764_800.0
"""The year 9999 begins: past it no instant can be written."""


class Asked:
    """The parameters of one query, each read when it is asked for; what is wrong is gathered.

    Arguments:
        request: has the query.
        known: the names that it may have.
    """

    def __init__(self, request: Request, *known: str) -> None:
        self._given: dict[str, str] = {}
        self._fields: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in known:
                if len(self._fields) < parsing.MOST_UNKNOWN:
                    self._fields[name[:64]] = "unknown: leave it out"
            elif name in self._given:
                self._fields[name] = "one value, not several"
            self._given[name] = value

    def check(self) -> None:
        """Return where nothing was wrong.

        Raises:
            InvalidInput: with what each parameter wants.
        """
        if self._fields:
            raise InvalidInput(fields=self._fields)

    def wrong(self, name: str, wants: str) -> None:
        """Note what the parameter wants; what was noted first stays."""
        self._fields.setdefault(name, wants)

    def limit(self) -> int:
        """How many, 1 to 200."""
        return self._whole("limit", 1, LARGEST_LIMIT, LIMIT)

    def step(self, default: int) -> int:
        """Whole seconds, a minute at least."""
        return self._whole("step", SHORTEST_STEP, LONGEST_STEP, default)

    def before(self) -> int | None:
        """The id of the event before which the page begins."""
        wants = "the `next` of an answer, as it came"
        return self._read("before", wants, lambda text: whole(text, 1, LARGEST_ID))

    def after(self) -> str:
        """The key behind which the page begins; nothing for the first."""
        wants = "the `next` of an answer, as it came"
        return self._read("after", wants, key_of) or ""

    def search(self) -> str:
        """What to look for in addresses and usernames."""
        wants = f"at most {LONGEST_SEARCH} characters that can be printed"
        return self._read("search", wants, searched) or ""

    def user_id(self) -> str | None:
        """Whose."""
        wants = "the id of a user"
        return self._read("user_id", wants, lambda text: text if ID.fullmatch(text) else None)

    def kind(self) -> Kind | None:
        """Which kind of event."""
        by_name: Mapping[str, Kind] = {each: each for each in KINDS}
        return self._read("kind", f"one of {', '.join(KINDS)}", by_name.get)

    def instant(self, name: str) -> float | None:
        """An instant in seconds since 1970."""
        return self._read(name, "an instant such as 2026-01-31T12:00:00Z", instant)

    def _whole(self, name: str, low: int, high: int, default: int) -> int:
        wants = f"a whole number, {low} to {high}"
        found = self._read(name, wants, lambda text: whole(text, low, high))
        return default if found is None else found

    def _read(self, name: str, wants: str, read: Callable[[str], Value | None]) -> Value | None:
        """The parameter as `read` makes it of its text; None where it is not given, or wrong."""
        if name not in self._given:
            return None
        value = read(self._given[name])
        if value is None:
            self.wrong(name, wants)
        return value


def whole(text: str, low: int, high: int) -> int | None:
    """The whole number, in one way to write it; None where it is none of these."""
    if not _WHOLE.fullmatch(text):
        return None
    return value if low <= (value := int(text)) <= high else None


def instant(text: str) -> float | None:
    """The instant of an RFC 3339 text between the years 1970 and 9998, or None."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        seconds = datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):  # the 31st of a shorter month; a leap second
        return None
    return seconds if 0 <= seconds < _LATEST else None


def searched(text: str) -> str | None:
    """What can stand in an address or a username, or None."""
    return text if len(text) <= LONGEST_SEARCH and (text.isprintable() or not text) else None


def cursor(key: str) -> str:
    """The key as a cursor: opaque, so that nobody builds on what is in it."""
    return urlsafe_b64encode(key.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def key_of(text: str) -> str | None:
    """The key in a cursor of ours, or None. One made up is only another place to begin at."""
    if not text or len(text) > LONGEST_CURSOR:
        return None
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None
    return key if cursor(key) == text and "\0" not in key else None
