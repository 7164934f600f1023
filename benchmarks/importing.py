"""What it takes to load the verifier, in a process that has loaded nothing, beside PyJWT."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, at_most, shown

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

GOAL = 50
TIMED = "import time; begun = time.process_time(); {}; print(time.process_time() - begun)"
"""The processor's time: steadier, and all there is, as the files are read from memory."""
OURS, THEIRS = "from admit import Verifier", "import jwt"


def measure(sizes: Sizes) -> list[Figure]:
    _milliseconds(OURS), _milliseconds(THEIRS)  # the first reads its files from the disk
    rounds = [(_milliseconds(OURS), _milliseconds(THEIRS)) for _ in range(sizes.cold_rounds)]
    ours, theirs = zip(*rounds, strict=True)
    return [
        at_most(f"verify: {OURS}", " ms", ours, GOAL),
        shown(f"verify: {THEIRS}, that is PyJWT", " ms", theirs),
    ]


def _milliseconds(statement: str) -> float:
    command = [sys.executable, "-c", TIMED.format(statement)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(told) * 1000
