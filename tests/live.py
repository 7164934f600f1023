"""A real server in a thread of this process, on a free port."""

import socket
import threading
import time
from contextlib import contextmanager

import uvicorn

from admit import Admit
from admit.testing.http_contract import Clock
from tests.cheap import cheap

KEPT = 120
"""Seconds that a connection is kept on which nothing comes, longer than any machine stands still:
or a request goes out in the moment in which the server closes it."""


class Live:
    """Where the server listens, and its clock."""

    def __init__(self, auth, clock, port):
        self.auth = auth
        self.clock = clock
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


@contextmanager
def served(data_dir, **settings):
    """Serve with these settings, for the length of a block.

    `clock` is another's where given, and so is `listening`, a socket that somebody keeps: a server
    that comes back stands where it stood. `around` makes what is served of the app.
    """
    kept = settings.pop("listening", None)
    clock = settings.pop("clock", None) or Clock()
    around = settings.pop("around", lambda app: app)
    auth = Admit(cheap(data_dir=data_dir, **settings), clock=clock)
    with served_app(around(auth.app), kept) as url:
        yield Live(auth, clock, int(url.rpartition(":")[2]))


@contextmanager
def served_app(app, kept=None):
    """The address of a server that serves this app, for the length of a block."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=KEPT)
    server = uvicorn.Server(config)
    with kept.dup() if kept else socket.socket() as listening:
        if kept is None:
            listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
