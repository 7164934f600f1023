"""Several workers under one process: uvicorn's supervisor, and what a gone worker leaves behind."""

from __future__ import annotations

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from admit.telemetry import workers


class Supervisor(Multiprocess):
    """Starts the workers, and another in the place of one that is gone."""

    failed = False
    """Whether it stopped because a worker could not start."""

    _known: frozenset[int | None] = frozenset()

    def keep_subprocess_alive(self) -> None:
        """Look after the workers; whoever is gone since the last look is out of the gauges.

        One that can't start stops them all, by uvicorn's own rule: it would fail again.
        """
        super().keep_subprocess_alive()
        self.failed = any(each.exitcode == STARTUP_FAILURE for each in self.processes)
        living = frozenset(process.pid for process in self.processes)
        for pid in self._known - living:
            if pid is not None:
                workers.forget(pid)
        self._known = living
