"""simplejwt with many sessions, each of which was refreshed once."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.filling import SAMPLE
from benchmarks.growth import full
from benchmarks.kept import in_sqlite
from benchmarks.peers.peer import Tokens
from benchmarks.peers.simplejwt import SIMPLEJWT, environment_of, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.growth.full import Full

FILL = "benchmarks.peers.apps.simplejwt.fill"


@contextmanager
def on_sqlite(home: Path, sessions: int) -> Iterator[Full]:
    command = [sys.executable, "-m", FILL, str(sessions), str(min(SAMPLE, sessions))]
    environ = environment_of("speed")
    told = subprocess.run(command, cwd=home, env=environ, check=True, stdout=subprocess.PIPE)
    kept = in_sqlite(home / SIMPLEJWT.database)
    with migrated(home, "speed") as process:
        yield full.of(process, (Tokens("", token) for token in json.loads(told.stdout)), kept)
