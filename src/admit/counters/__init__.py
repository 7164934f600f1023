"""Who tried how often: in this process, and in what several processes share."""

from __future__ import annotations

from admit.counters.memory import MOST, Memory
from admit.counters.places import Count, Place, Storage, Taken
from admit.counters.shared import Counters

__all__ = ["MOST", "Count", "Counters", "Memory", "Place", "Storage", "Taken"]
