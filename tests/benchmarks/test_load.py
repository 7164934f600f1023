"""The load's client understands whatever a server answers, and believes no refusal."""

import socketserver
import threading
from contextlib import contextmanager

import pytest

from benchmarks import wire
from benchmarks.load import Load, drive
from benchmarks.peers.peer import Answer, Call
from benchmarks.processes import LoadError

BODY = b'{"hello":"world"}'
COUNTED = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\ncontent-length: 17\r\n\r\n" + BODY
SHOUTED = b"HTTP/1.1 200 OK\r\nSET-COOKIE: a=1\r\nCONTENT-LENGTH:17\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'7;x=y\r\n{"hello\r\nA\r\n":"world"}\r\n0\r\nTrailer: 1\r\n\r\n'
)
CLOSING = COUNTED.replace(b"Set", b"Connection: close\r\nSet")
UNTOLD = COUNTED.replace(b"content-length: 17", b"Connection: close")
WHOLE = {"counted": COUNTED, "shouted": SHOUTED, "chunked": CHUNKED, "closing": CLOSING}
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nno no"
SECONDS = 0.05


class Server(socketserver.ThreadingTCPServer):
    """It answers always the same, in halves, and ends the connection where the head says so."""

    def __init__(self, raw):
        self.raw, self.connections = raw, 0
        super().__init__(("127.0.0.1", 0), Connection)


class Connection(socketserver.StreamRequestHandler):
    server: Server

    def handle(self):
        self.server.connections += 1
        raw = self.server.raw
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(raw[: len(raw) // 2])
            self.wfile.write(raw[len(raw) // 2 :])
            if b"close" in raw:
                return


@contextmanager
def answering(raw):
    with Server(raw) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], server
        server.shutdown()
        thread.join()


def asking(count, heard):
    for _ in range(count):
        heard.append(wire.read((yield wire.written(Call("GET", "/hello")))))


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE)
def test_an_answer_ends_where_it_says_and_not_before(raw):
    assert wire.end(raw) == wire.end(raw + b"HTTP/1.1 200") == len(raw)
    assert {wire.end(raw[:cut]) for cut in range(len(raw))} == {wire.MORE}


def test_an_answer_that_does_not_say_where_it_ends_is_told_by_the_connection():
    assert wire.end(UNTOLD) == wire.UNTOLD
    assert wire.end(b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n") == 38


@pytest.mark.parametrize("raw", [*WHOLE.values(), UNTOLD], ids=[*WHOLE, "untold"])
def test_every_answer_is_heard_in_full(raw):
    heard: list[Answer] = []
    with answering(raw) as (port, server):
        (outcome,) = drive(Load(port=port, scripts=[asking(3, heard)], seconds=60))
    assert [each.body for each in heard] == [BODY] * 3
    assert ("set-cookie", "a=1") in heard[0].headers
    assert len(outcome.latencies) == 3
    assert server.connections == (3 if b"close" in raw else 1)


def test_a_refusal_ends_the_run_with_what_it_says():
    with answering(REFUSED) as (port, _):
        load = Load(port=port, scripts=[asking(3, [])], seconds=60)
        with pytest.raises(LoadError, match="no no"):
            drive(load)


def test_a_connection_that_ends_before_the_answer_ends_the_run():
    with answering(b"close") as (port, _):
        load = Load(port=port, scripts=[asking(3, [])], seconds=60)
        with pytest.raises(LoadError, match="closed the connection"):
            drive(load)


def test_a_load_ends_at_the_first_answer_after_its_time():
    heard: list[Answer] = []
    with answering(COUNTED) as (port, _):
        (outcome,) = drive(Load(port=port, scripts=[asking(10**9, heard)], seconds=SECONDS))
    assert outcome.seconds >= SECONDS
    assert len(heard) == len(outcome.latencies)
