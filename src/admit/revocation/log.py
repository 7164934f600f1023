"""The revocations that still matter, in the order of `seq`, and places in that order."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from itertools import islice
from typing import Self

import msgspec

from admit.stores.base import Revocation

PAGE = 1_000
"""How many entries one answer of the feed has at most."""
UNMARKED = "0" * 8
_CURSOR = re.compile(r"([0-9]{1,19})\.([0-9a-f]{8})", re.ASCII)


class Cursor(msgspec.Struct, frozen=True):
    """A place in the feed: behind the entry `seq`, which had this `mark`.

    The mark tells entries apart that got one number, because the store was put back to an older
    copy in between; any process on one store writes the same for the same entry.
    """

    seq: int = 0
    mark: str = UNMARKED

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The cursor that was written so, or None where none was."""
        match = _CURSOR.fullmatch(text)
        return cls(int(match[1]), match[2]) if match else None

    def __str__(self) -> str:
        """As it travels: opaque to whoever holds it."""
        return f"{self.seq}.{self.mark}"


class Page(msgspec.Struct, frozen=True):
    """Entries behind a cursor, the cursor behind them, and whether there are more."""

    entries: list[Revocation]
    cursor: Cursor
    more: bool


class Log:
    """What the store's feed holds, up to its `head`, as far as it still matters."""

    def __init__(self) -> None:
        self._entries: list[Revocation] = []
        self.head = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: list[Revocation], head: int) -> bool:
        """Take in what the store gave, in any order and however often; return whether it is new."""
        before = len(self._entries)
        for entry in entries:
            if not self._entries or self._entries[-1].seq < entry.seq:
                self._entries.append(entry)
                continue
            place = self._behind(entry.seq - 1)
            if self._entries[place].seq != entry.seq:
                self._entries.insert(place, entry)
        self.head = max(self.head, head)
        return len(self._entries) > before

    def at(self, seq: int) -> Revocation | None:
        """The entry with this number, where it still matters."""
        place = self._behind(seq - 1)
        found = self._entries[place : place + 1]
        return found[0] if found and found[0].seq == seq else None

    def forget(self, now: float) -> None:
        """Drop what matters no longer."""
        self._entries = [entry for entry in self._entries if entry.until > now]

    def is_ahead(self, cursor: Cursor) -> bool:
        """Whether the cursor lies behind all that is known here."""
        return cursor.seq > self.head

    def page(self, cursor: Cursor, now: float) -> Page:
        """What comes behind the cursor and matters at `now`; everything, where it fits nothing.

        A cursor fits nothing where it lies beyond the head, or another entry stands in its place:
        then the store has lost what the cursor had seen. One without a mark was written when that
        entry was dead or gone, so one that lives there now is another one, too.
        """
        here = self.at(cursor.seq)
        lost = here is not None and here.until > now and cursor.mark != _mark(here)
        begin = 0 if lost or self.is_ahead(cursor) else self._behind(cursor.seq)
        entries = self._entries
        behind = (entries[place] for place in range(begin, len(entries)))
        found = list(islice((entry for entry in behind if entry.until > now), PAGE + 1))
        if len(found) > PAGE:
            last = found[PAGE - 1]
            return Page(found[:PAGE], Cursor(last.seq, _mark(last)), more=True)
        newest = self.at(self.head)
        return Page(found, Cursor(self.head, _mark(newest) if newest else UNMARKED), more=False)

    def _behind(self, seq: int) -> int:
        return bisect_left(self._entries, seq + 1, key=lambda entry: entry.seq)


def _mark(entry: Revocation) -> str:
    told = f"{entry.kind} {entry.subject} {entry.at!r} {entry.version}"
    return hashlib.sha256(told.encode()).hexdigest()[: len(UNMARKED)]
