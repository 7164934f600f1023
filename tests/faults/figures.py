"""What a run has seen, counted while it goes on."""

import math
import sys
from collections import Counter, defaultdict


def percentile(seconds, percent):
    """In milliseconds, by nearest rank; 0 where there is nothing."""
    ordered = sorted(seconds)
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] * 1000


class Figures:
    """Counts, and spans in seconds, each by what it is; and what must never be seen."""

    def __init__(self):
        self.counts = Counter[str]()
        self.spans = defaultdict[str, list[float]](list)
        self.wrong = []
        """What contradicts the promises, in words; a run is good where this is empty."""

    def count(self, what, by=1):
        self.counts[what] += by

    def took(self, what, seconds):
        self.spans[what].append(seconds)

    def lines(self):
        yield from (f"  {what:44}{number:>10,}" for what, number in sorted(self.counts.items()))
        for what, seconds in sorted(self.spans.items()):
            yield (
                f"  {what}: {len(seconds):,}; p50 {percentile(seconds, 50):.1f} ms,"
                f" p99 {percentile(seconds, 99):.1f} ms, longest {max(seconds) * 1000:.0f} ms"
            )


def show(title, lines):
    """Print the figures of a run; `pytest -s` shows them, and so does a failure."""
    sys.stdout.write("\n".join(["", title, *lines, ""]))
    sys.stdout.flush()
