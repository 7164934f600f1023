"""A process that was frozen for long has dead connections: its first write is not lost on one."""

import contextlib
import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from admit.errors import Unavailable
from admit.stores.dynamodb import DynamoDBStore, client
from admit.testing import samples
from admit.testing.store_rotation import rotate
from tests.servers import PATIENCE

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_dynamodb")]


class Line(ThreadingHTTPServer):
    """A line to the emulator that is kept open; what lies idle over a `freeze` is dead after it.

    As on AWS, the caller is not told so: it finds out by what it sends.
    """

    daemon_threads = True

    def __init__(self, to):
        super().__init__(("127.0.0.1", 0), Carrier)
        self.to = to.removeprefix("http://")
        self.age = 0
        self.lost = 0

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server_port}"

    def freeze(self):
        self.age += 1


class Carrier(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Line

    def setup(self):
        super().setup()
        self.age = self.server.age

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.age != self.server.age:
            self.server.lost += 1
            self.close_connection = True
            return
        to = http.client.HTTPConnection(self.server.to, timeout=PATIENCE)
        with contextlib.closing(to):
            to.request("POST", "/", body, dict(self.headers))
            answer = to.getresponse()
            told = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        pass


@pytest.fixture
def line(moto_server):
    server = Line(moto_server.endpoint)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def store(moto_server, line, aws_credentials):
    store = DynamoDBStore(moto_server.url(endpoint=line.endpoint))
    await store.start()
    await samples.opened(store)
    yield store
    await store.close()


@pytest.mark.parametrize("clock", ["time", "monotonic"])
async def test_the_first_refresh_after_a_thaw_does_not_go_over_a_dead_connection(
    store, line, monkeypatch, clock
):
    """Whichever of the two clocks went on meanwhile."""
    now = getattr(time, clock)
    line.freeze()
    monkeypatch.setattr(time, clock, lambda: now() + client.IDLE_SECONDS)
    rotation = await rotate(store)
    assert rotation is not None
    assert rotation.won
    assert line.lost == 0


async def test_a_connection_that_dies_within_the_bound_costs_a_503_and_no_session(store, line):
    """It might have been made, so it is not asked again here: the client's retry wins."""
    line.freeze()
    with pytest.raises(Unavailable):
        await rotate(store)
    assert line.lost == 1
    rotation = await rotate(store)
    assert rotation is not None
