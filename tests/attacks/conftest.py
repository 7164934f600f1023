"""What the attacks share: a service in this process, and one behind a real server."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from admit import Admit
from admit.testing.http_contract import Clock


@pytest.fixture
async def service(serve):
    """A service as it is by default."""
    async with serve() as service:
        yield service


@pytest.fixture
async def unthrottled(serve):
    """A service that lets everybody try as often as they like."""
    async with serve(throttle="off") as service:
        yield service


class Live:
    """A real server in a thread of this process: where it listens, and its clock."""

    def __init__(self, auth: Admit, clock: Clock, url: str) -> None:
        self.auth = auth
        self.clock = clock
        self.url = url
        self.port = int(url.rpartition(":")[2])


@pytest.fixture
def live(tmp_path):
    """Starts uvicorn on a free port, for the length of a block."""

    @contextmanager
    def start(**settings):
        clock = Clock()
        auth = Admit(clock=clock, data_dir=tmp_path, **settings)
        config = uvicorn.Config(auth.app, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            thread = threading.Thread(target=server.run, args=([listening],))
            thread.start()
            try:
                while not server.started:
                    assert thread.is_alive(), "the server did not start"
                    time.sleep(0.01)
                yield Live(auth, clock, url)
            finally:
                server.should_exit = True
                thread.join()

    return start
