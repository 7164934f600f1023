"""The process that serves: `python -m admit.cli.worker FD LEVEL FORM`, which `admit serve` becomes.

Nothing of the command is loaded in it, which saves about 10 MB for as long as the server runs.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.process
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from uvicorn import Config, Server

from admit.auth import Admit
from admit.cli.bounded import Bounded
from admit.counters.file import File
from admit.settings import Settings
from admit.telemetry import workers as together
from admit.telemetry.logs import configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.http.app import App
    from admit.telemetry.logs import Form

BACKLOG = 2_048
COUNTERS = "_ADMIT_COUNTERS"
"""The variable with the path of the counters that the workers of one `admit serve` share."""
KEEP_ALIVE_SECONDS = 75
"""Longer than a proxy keeps an idle connection, or it sends a request into a closing one."""
LAST_REQUESTS_SECONDS = 10
"""How long a server that was told to stop waits for the requests that are under way."""

LIVES_WITHIN_SECONDS = 30
"""How long a worker may take to say that it lives, from when it is started: on a slow machine with
many of them that is seconds, and whoever is taken for hung is killed and started anew, for ever."""


def application() -> App:
    """The app, from the settings that `admit serve` has checked."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    shared = os.environ.get(COUNTERS)
    settings = Settings.load()
    if shared and settings.metrics_keys:
        together.reserve()
    return Admit(settings, counters=File(shared) if shared else None).app


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """Stop in good order where the supervisor is gone: the port is wanted by the next one."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def how(log_level: str, form: Form) -> dict[str, Any]:
    """How uvicorn serves: it believes no proxy (Admit does, by `trusted_proxies`)."""
    return {
        "http": Bounded,
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": LAST_REQUESTS_SECONDS,
        "timeout_worker_healthcheck": LIVES_WITHIN_SECONDS,
        "backlog": BACKLOG,
        # What uvicorn warns of, any stranger can cause by sending something that isn't HTTP.
        "log_level": "error" if log_level == "warning" else log_level,
        "log_config": configuration(log_level, form),
    }


class Alone(Server):
    """A server that hears of a Ctrl-C when it knows what to do then, and not before."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let in what `admit serve` has held back, once uvicorn's own handlers are there."""
        with super().capture_signals():
            if sys.platform != "win32":
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            yield


def _serve(listener: socket.socket, log_level: str, form: Form) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # it has stopped in good order, as it was asked
        Alone(Config(application(), **how(log_level, form))).run(sockets=[listener])


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], cast("Form", sys.argv[3]))
