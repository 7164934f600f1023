"""The line between Chromium and the servers: a proxy that speaks TLS, and fails as networks do.

What Chromium does with an answer is only seen where it really comes over the wire, or really
doesn't: a cookie of a lost answer has never been in the browser.
"""

import http.client
import select
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests.servers import PATIENCE

OF_THIS_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


class Asked(NamedTuple):
    """A request as it came from the browser."""

    method: str
    host: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    given_up: Callable[[], bool]
    """Waits until the browser wants no answer any more; False where it still does in the end."""


class Answer(NamedTuple):
    """An answer as it goes to the browser."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def pass_on(asked, ask):
    """What happens to a request by itself: the server's own answer."""
    return ask()


def lose(asked, ask):
    """The line is cut before the server hears of it."""


def lose_answer(asked, ask):
    """The line is cut once the server has done what it was asked for."""
    ask()


class Wire:
    """A proxy with TLS before one server, for every host name.

    `rule` is called for each request, in a thread of its connection, with what was `Asked` and a
    function that asks the server. What it returns is answered; where it returns None, the
    connection is cut without a byte. Chromium asks once more by itself on a new connection where
    one was kept from before, so a rule holds until it is changed.

    Arguments:
        certificate: a PEM file with a key, for all names.
        port: where the server listens; None while there is no server.
    """

    def __init__(self, certificate, port=None):
        self.to = port
        self.rule = pass_on
        self._seen = []
        self._under_way = 0
        self._changed = threading.Condition()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self._server = _Server(self, context)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def seen(self):
        """Every request so far, oldest first."""
        with self._changed:
            return list(self._seen)

    def count(self, path, method="POST"):
        """How often this was asked for."""
        return sum(each.path == path and each.method == method for each in self.seen)

    def wait_for(self, path, times, method="POST"):
        """Return once this was asked for so often, since the beginning."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: (
                    sum(each.path == path and each.method == method for each in self._seen) >= times
                ),
                PATIENCE,
            ), f"{method} {path} was not asked for {times} times: {self._seen}"

    def quiet(self):
        """Return once no request is under way."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._under_way, PATIENCE)

    def forget(self):
        """Count from here."""
        with self._changed:
            self._seen.clear()

    def carry(self, asked):
        """The answer to this request; None where the line is to be cut."""
        with self._changed:
            self._seen.append(asked)
            self._under_way += 1
            self._changed.notify_all()
        try:
            return self.rule(asked, lambda: self._ask(asked))
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _ask(self, asked):
        if self.to is None:
            return None
        with closing(http.client.HTTPConnection("127.0.0.1", self.to, timeout=PATIENCE)) as to:
            try:
                to.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
                for name, value in asked.headers:
                    if name.lower() not in OF_THIS_HOP:
                        to.putheader(name, value)
                to.putheader("Content-Length", str(len(asked.body)))
                to.endheaders(asked.body)
                answer = to.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except (OSError, http.client.HTTPException):  # the server is gone
                return None

    def close(self):
        """End every connection, and wait for whoever serves one."""
        self._server.shutdown()
        self._server.cut()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """A thread for each connection; all of them end with the server."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, wire, context):
        self.wire = wire
        self._context = context
        self._open = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self):
        connection, address = super().get_request()
        # The handshake is the connection's own: one that waits for it keeps nobody else waiting.
        wrapped = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        self._open.add(wrapped)
        return wrapped, address

    def shutdown_request(self, request):
        self._open.discard(request)
        with suppress(OSError):
            super().shutdown_request(request)
        request.close()

    def handle_error(self, request, client_address):
        """Browsers open connections that they then don't use, and close them as they like."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handle_error(request, client_address)

    def cut(self):
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(2)


class _Handler(BaseHTTPRequestHandler):
    """Requests of one connection, one after the other."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.request.do_handshake()
        super().setup()

    def _carry(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        host = self.headers.get("Host", "").partition(":")[0]
        asked = Asked(
            self.command, host, self.path, list(self.headers.items()), body, self._given_up
        )
        answer = self.server.wire.carry(asked)
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in OF_THIS_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def __getattr__(self, name):
        """Every method, `do_GET` and the others, is carried alike."""
        if name.startswith("do_"):
            return self._carry
        raise AttributeError(name)

    def _given_up(self):
        # It sends nothing while it waits, so what comes is the end of the connection.
        return bool(select.select([self.connection], [], [], PATIENCE)[0])

    def log_message(self, *_):
        pass
