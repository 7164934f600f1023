"""What a process imports, and what that takes: by package, in itself, without what it imports."""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMED = (sys.executable, "-X", "importtime")
ROWS = 12
LOGS = 3
OTHERS = "the others"
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def by_package(logs: Sequence[str]) -> dict[str, float]:
    """Milliseconds of each package in what `-X importtime` wrote, the largest first.

    Of each module the least of all logs: whatever else the machine does only adds to it.
    """
    least: dict[str, int] = {}
    for microseconds, module in (found for log in logs for found in _LINE.findall(log)):
        least[module] = min(int(microseconds), least.get(module, int(microseconds)))
    spent: Counter[str] = Counter()
    for module, microseconds in least.items():
        spent[_package(module)] += microseconds
    return {package: each / 1000 for package, each in spent.most_common()}


def largest(spent: dict[str, float]) -> dict[str, float]:
    """The largest rows, and the sum of the others."""
    rows = dict([*spent.items()][:ROWS])
    return {**rows, OTHERS: sum(spent.values()) - sum(rows.values())}


def _package(module: str) -> str:
    """The package; what comes with Python counts as one, but for the largest of it."""
    top = module.partition(".")[0]
    if top in {"asyncio", "http", "ssl"} or top not in sys.stdlib_module_names:
        return top
    return "Python's own"
