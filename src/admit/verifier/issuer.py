"""The issuer, over the network: one connection that is kept, bounded answers, no surprises.

What it answers decides who gets in. So the certificate is verified, a redirect is refused (RFC 9700
section 4.12: a key must not follow it elsewhere), no proxy is taken from the environment, and
neither a slow nor an endless answer holds a request for longer than its bound.
"""

from __future__ import annotations

import io
import re
import select
import socket
import ssl
import threading
import time
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from admit.forks import CALM
from admit.verifier.instants import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import WriteableBuffer

    from admit.verifier.instants import Clocks

Result = TypeVar("Result")

SECONDS = 1.5
"""How long one answer may take, connecting included."""
PATIENT_SECONDS = 4.0
"""The same where nobody can be let in without it: an issuer on Lambda may be starting. Twice that
is less than the 10 s that an HTTP API waits for its authorizer."""
IDLE_SECONDS = 30.0
"""A connection that lay idle for longer, or was frozen, is not used again: it may lead nowhere."""
LARGEST = 1024 * 1024
"""Bytes of an answer: a full page of the feed has a quarter of that."""
RECEIVED = 2 * LARGEST
"""Bytes that are read of one with all that is around it. Python believes a chunk of -1 bytes."""
HTTP_OK = 200
REFUSED = 401
"""To a verifier key that it does not know."""
_NEARBY = ("localhost", "127.0.0.1", "::1")
_PLAIN = re.compile(r"[!-~]+", re.ASCII)


class Away(Exception):
    """The issuer gave no answer that can be used.

    Arguments:
        message: what went wrong, for people.
        status: the status of the answer, 0 where there was none.
        retry_after: seconds after which to ask again, where it says so.
    """

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Answer(msgspec.Struct, frozen=True):
    """A good answer."""

    body: bytes
    cache_control: str


def address(text: str) -> str:
    """The address of an issuer, checked.

    Raises:
        ValueError: it is none, or what is sent there could be read on the way.
    """
    wanted = "the issuer wants an address such as https://example.com/auth, or http:// on localhost"
    if "@" not in text:  # before which there may be a password
        wanted += f", not {text!r}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # as a look at the name server does, at each question
    except ValueError:
        raise ValueError(wanted) from None
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _NEARBY)
    odd = parts.query or parts.fragment or "@" in parts.netloc or not _PLAIN.fullmatch(text)
    if not host or not safe or odd:
        raise ValueError(wanted)
    return text.rstrip("/")


class Issuer:
    """Asks the issuer; one question at a time.

    Arguments:
        url: where it is reached, with its prefix.
        clocks: tell how long the connection lay idle.
    """

    def __init__(self, url: str, *, clocks: Clocks) -> None:
        parts = urlsplit(address(url))
        self._secure = parts.scheme == "https"
        # Without a port, http.client would take the end of an address such as ::1 for one.
        self._port = parts.port or (443 if self._secure else 80)
        self._host, self._path = parts.hostname or "", parts.path
        self._clocks = clocks
        self._tls: ssl.SSLContext | None = None
        self._connection: HTTPConnection | None = None
        self._used = NEVER
        self.turn = threading.RLock()
        """Held by whoever asks, until what was answered is taken in."""

    def get(
        self, path: str, *, key: str | None = None, patient: bool = False, wait: float = 0.0
    ) -> Answer:
        """The answer to `GET path`; `patient` where nobody can be let in without it.

        A connection that died while it lay idle is replaced once, and nobody notices.

        Arguments:
            path: what is asked for, behind the prefix.
            key: a verifier key, to show.
            patient: whether an issuer that is starting is waited for.
            wait: seconds that the issuer was asked to wait for news, beside all else.

        Raises:
            Away: there is none, or none that can be used.
        """
        headers = {"Accept": b"application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}".encode()
        until = time.monotonic() + (PATIENT_SECONDS if patient else SECONDS) + wait
        with self.turn:
            kept = self._kept()
            try:
                if kept is not None:
                    try:
                        return self._ask(kept, path, headers, until)
                    except TimeoutError:
                        raise
                    except (OSError, HTTPException):
                        pass  # it died while it lay idle
                return self._ask(self._connect(until), path, headers, until)
            except (OSError, HTTPException) as error:
                raise Away(f"no answer ({type(error).__name__}: {error})") from error

    def close(self) -> None:
        """Let go of the connection; the next question makes another."""
        with self.turn:
            if self._connection is not None:
                hang_up(self._connection)
                self._connection = None

    def _kept(self) -> HTTPConnection | None:
        """The connection of the last question, where it may still be alive."""
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        idle = self._clocks.now().since(self._used)
        if idle <= IDLE_SECONDS and _is_silent(connection.sock):
            return connection
        hang_up(connection)
        return None

    def _connect(self, until: float) -> HTTPConnection:
        """A new one.

        Raises:
            OSError: nobody is reached in time, or it is somebody else.
        """
        if not self._secure:
            plain = HTTPConnection(self._host, self._port)
            plain.sock = _reached(self._host, self._port, until)
            return plain
        with CALM.at_work():
            if self._tls is None:
                self._tls = ssl.create_default_context()
            secure = HTTPSConnection(self._host, self._port, context=self._tls)
        secure.sock = self._shaken(_reached(self._host, self._port, until), self._tls, until)
        return secure

    def _shaken(self, reached: socket.socket, tls: ssl.SSLContext, until: float) -> ssl.SSLSocket:
        """TLS over this connection.

        Raises:
            OSError: there is none in time, or it is somebody else.
        """
        with CALM.at_work():
            sock = tls.wrap_socket(
                reached, server_hostname=self._host, do_handshake_on_connect=False
            )
        try:
            _at_intervals(sock, sock.do_handshake, until)
        except BaseException:
            with CALM.at_work():
                sock.close()
            raise
        return sock

    def _ask(
        self, connection: HTTPConnection, path: str, headers: Mapping[str, bytes], until: float
    ) -> Answer:
        """One question on this connection, which is kept where it can be used again.

        Raises:
            OSError, HTTPException: the connection broke, or time is up.
            Away: the answer can't be used.
        """
        whole = False
        try:
            connection.response_class = partial(_Response, until=until)  # type: ignore[assignment]
            if connection.sock is not None:
                connection.sock.settimeout(_left(until))
            with CALM.at_work():  # a question is less than any socket takes at once
                connection.request("GET", self._path + path, headers=dict(headers))
            response = connection.getresponse()
            body = _body(response)
            whole = response.isclosed()
            return _good(response, body, whole=whole)
        finally:
            if whole and connection.sock is not None:  # it is None where the issuer hangs up
                self._connection, self._used = connection, self._clocks.now()
            else:
                hang_up(connection)


def hang_up(connection: HTTPConnection) -> None:
    """Close it, which is OpenSSL's work too: no fork comes between."""
    with CALM.at_work():
        connection.close()


def _body(response: HTTPResponse) -> bytes:
    """What it brings, up to a byte more than it may.

    Raises:
        OSError, HTTPException: it can't be read.
    """
    try:
        return response.read(LARGEST + 1)
    except ValueError:  # http.client does not expect a chunk whose length is below zero
        raise HTTPException("a chunk has no length") from None


class _Response(HTTPResponse):
    """An answer that is complete by some instant, or is none."""

    def __init__(self, sock: socket.socket, *given: Any, until: float, **named: Any) -> None:  # noqa: ANN401  as http.client hands them on
        super().__init__(sock, *given, **named)
        self.fp = io.BufferedReader(_Dripping(sock, self.fp, until))


class _Dripping(io.RawIOBase):
    """Reads from a socket up to an instant and a size, however slowly or fast it comes."""

    def __init__(self, sock: socket.socket, held: io.BufferedIOBase, until: float) -> None:
        self._sock = sock
        self._held = held
        """What keeps the socket open while http.client has let go of it."""
        self._until = until
        self._room = RECEIVED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        received = _at_intervals(self._sock, partial(self._sock.recv_into, buffer), self._until)
        self._room -= received
        if self._room < 0:
            raise HTTPException(f"over {RECEIVED} bytes for one answer")
        return received

    def close(self) -> None:
        self._held.close()
        super().close()


def _reached(host: str, port: int, until: float) -> socket.socket:
    """A connection to one of the host's addresses, each of which has its share of the time.

    Raises:
        OSError: none takes it.
    """
    failed = OSError("the host has no address")
    with CALM.at_work():
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (*_, where) in enumerate(found):
        try:
            share = _left(until) / (len(found) - tried)
            made = socket.create_connection((str(where[0]), port), timeout=share)
        except OSError as error:
            failed = error
        else:
            return made
    raise failed


def _at_intervals(sock: socket.socket, step: Callable[[], Result], until: float) -> Result:
    """What this step on the socket comes to; a fork may come between, while it is waited for.

    Raises:
        OSError: it breaks, or time is up.
    """
    sock.settimeout(0)
    while True:
        left = _left(until)
        try:
            with CALM.at_work():
                return step()
        except (BlockingIOError, ssl.SSLWantReadError):
            _await(sock, left, write=False)
        except ssl.SSLWantWriteError:
            _await(sock, left, write=True)


def _await(sock: socket.socket, seconds: float, *, write: bool) -> None:
    """Wait for the socket that long, with nothing open that a child would inherit."""
    if hasattr(select, "poll"):
        ready = select.poll()
        ready.register(sock, select.POLLOUT if write else select.POLLIN)
        ready.poll(seconds * 1000)
    else:  # pragma: no cover  Windows, which has no fork
        select.select([] if write else [sock], [sock] if write else [], [], seconds)


def _is_silent(sock: socket.socket) -> bool:
    """Whether it is open and brings nothing: what comes unasked answers no question."""
    sock.settimeout(0)
    try:
        with CALM.at_work():
            sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


def _left(until: float) -> float:
    """Seconds that are left.

    Raises:
        TimeoutError: none are.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left


def _good(response: HTTPResponse, body: bytes, *, whole: bool) -> Answer:
    """The answer, where it is one.

    Raises:
        Away: it is a refusal, a redirect, too large or cut off.
    """
    if response.status != HTTP_OK:
        asked = ": is verifier_key one of its verifier_keys?" if response.status == REFUSED else ""
        raise Away(
            f"it answers {response.status}{asked}",
            status=response.status,
            retry_after=_seconds(response.headers.get("Retry-After")),
        )
    if len(body) > LARGEST:
        raise Away(f"its answer is over {LARGEST} bytes")
    if not whole:
        raise Away("its answer is cut off")
    return Answer(body, response.headers.get("Cache-Control") or "")


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None  # noqa: PLR2004  a week and more
