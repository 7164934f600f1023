"""What became of the lines of an import: counted, and the refused ones named."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from admit.cli.output import complain, remark
from admit.cli.written import PRIVATE, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SHOWN = 10
"""How many refused lines are shown where no report was asked for."""


class Report:
    """The counts of an import, and its refused lines.

    Arguments:
        file: where each refused line is written as JSON; None shows the first ones.
    """

    def __init__(self, file: TextIO | None) -> None:
        self.added = self.there = self.refused = 0
        self.reached = 0
        """The line up to which everything is done."""
        self._file = file
        self._first: list[str] = []

    def refuse(self, number: int, wants: Mapping[str, str]) -> None:
        """Count a line as refused; what it holds is not repeated."""
        self.refused += 1
        if self._file is not None:
            self._file.write(json.dumps({"line": number, "refused": dict(wants)}) + "\n")
        elif len(self._first) < SHOWN:
            said = "; ".join(f"{field} wants {wanted}" for field, wanted in wants.items())
            self._first.append(f"Line {number:,}: {said}.")

    def show(self, path: Path | None) -> None:
        """Say on stderr which lines were refused, or where that stands."""
        for each in self._first:
            complain(each)
        if self.refused > len(self._first) > 0:
            remark(f"{self.refused - len(self._first):,} more: --report FILE has them all.")
        if path is not None and self.refused:
            remark(f"Why each was refused stands in {path}.")


@contextmanager
def reporting(path: Path | None) -> Iterator[Report]:
    """A report, written to this file as it grows: for its owner only, whatever was there before."""
    if path is None:
        yield Report(None)
        return
    opened = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE)
    with named(path), os.fdopen(opened, "w", encoding="utf-8") as file:
        if os.name == "posix":
            path.chmod(PRIVATE)
        yield Report(file)
