"""Figures and names as they are written on the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks.figures import number

if TYPE_CHECKING:
    from benchmarks.scoreboard.results import Row, Spread


UNKNOWN = "–"  # noqa: RUF001 - a dash in a cell is no minus
"""Where nobody can tell, and where a count makes no sense."""


def absent(none: str) -> str:
    """What stands in a narrow cell in place of a figure."""
    return "has none" if none.startswith("has no") else "not run"


def value(amount: float, unit: str) -> str:
    """`27,937/s`, `0.68 µs`, `58.4 MB`: a unit of letters stands apart."""
    unit = unit.strip()
    apart = " " if unit and unit[0] not in "/%" else ""
    return f"{number(amount)}{apart}{unit}"


def spread(told: Spread, unit: str) -> str:
    """The median, and the smallest and largest where they differ."""
    unit = unit if told.unit is None else told.unit
    text = value(told.median, unit)
    if told.min == told.max:
        return text
    return f"{text} ({number(told.min)} to {number(told.max)})"


def label(row: Row) -> str:
    return f"{row.system}, {row.what}" if row.what else row.system


def count(found: int | None, trials: int, usual: int) -> str:
    """`3`, or `3 of 40` where there were not as many trials as usual; a dash for what can't be."""
    if found is None:
        return UNKNOWN
    return f"{found:,}" if trials == usual else f"{found:,} of {trials:,}"


def size(amount: int | None) -> str:
    """Bytes, thousands apart; a dash where nobody can tell."""
    return UNKNOWN if amount is None else f"{amount:,}"


def plain(text: str) -> str:
    """A name in Markdown, whatever is in it."""
    return _safe(re.sub(r"([\\`*_\[\]|~#])", r"\\\1", _flat(text)))


def prose(text: str) -> str:
    """A sentence in Markdown; what it marks as code stays code."""
    parts = re.split(r"(`[^`]*`)", _flat(text).replace("|", "\\|"))
    return "".join(part if part.startswith("`") else _safe(part) for part in parts)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
