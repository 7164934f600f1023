"""Several workers under one process: uvicorn's supervisor, and what a gone worker leaves behind."""

from __future__ import annotations

import logging

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from admit.telemetry import workers

logger = logging.getLogger("admit.cli")


class Supervisor(Multiprocess):
    """Starts the workers, and another in the place of one that is gone."""

    failed = False
    """Whether it stopped because a worker could not start."""

    _known: frozenset[int | None] = frozenset()

    def keep_subprocess_alive(self) -> None:
        """Look after the workers; whoever is gone since the last look is out of the gauges.

        One that can't start stops them all, by uvicorn's own rule: it would fail again.
        """
        before = list(self.processes)
        super().keep_subprocess_alive()
        for each in before:
            if each not in self.processes and each.exitcode:
                logger.warning(
                    "Worker %s is gone (exit code %s): another one starts in its place.",
                    each.pid,
                    each.exitcode,
                )
        self.failed = any(each.exitcode == STARTUP_FAILURE for each in self.processes)
        living = frozenset(process.pid for process in self.processes)
        for pid in self._known - living:
            if pid is not None:
                workers.forget(pid)
        self._known = living
