"""Requests that no client library would send, over a real connection to a real server."""

import socket
from contextlib import suppress

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = pytest.mark.anyio
MEGABYTE = 1024 * 1024
HEAD = b"Host: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"


def spoken(server, raw):
    """The status of whatever the server answers to these bytes; None where it just hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        answer = b""
        with suppress(OSError):  # the server may have heard enough
            connection.sendall(raw)
        with suppress(OSError):
            while chunk := connection.recv(65_536):
                answer += chunk
    assert b"Traceback" not in answer
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None


def post(path, body, headers=b"", length=None):
    """A POST with this body, under a length of its own."""
    size = str(len(body) if length is None else length).encode()
    start = b"POST " + path + b" HTTP/1.1\r\n" + HEAD + headers
    return start + b"Content-Length: " + size + b"\r\n\r\n" + body


def get(path, headers=b""):
    """A GET with these header lines."""
    return b"GET " + path + b" HTTP/1.1\r\n" + HEAD + headers + b"\r\n"


def chunked(path, body):
    """A POST that doesn't say how long it is."""
    start = b"POST " + path + b" HTTP/1.1\r\n" + HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    return start + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


REFUSED = {400, 401, 403, 404, 405, 413, 414, 415, 422, 431, None}


def hostile():
    """What to say, by what it is."""
    login = b'{"login": "ada@example.com", "password": "x"}'
    path = b"/auth/login"
    yield "a megabyte of body", post(path, b" " * MEGABYTE, JSON)
    yield "a megabyte of JSON", post(path, b'{"login": "' + b"x" * MEGABYTE + b'"}', JSON)
    yield "a megabyte in chunks", chunked(path, b'{"login": "' + b"x" * MEGABYTE + b'"}')
    yield "a megabyte of header", get(b"/auth/me", b"X: " + b"x" * MEGABYTE + b"\r\n")
    yield "a megabyte of headers", get(b"/auth/me", b"X-Header: 0123456789\r\n" * 50_000)
    yield (
        "a megabyte of token",
        get(b"/auth/me", b"Authorization: Bearer " + b"x" * MEGABYTE + b"\r\n"),
    )
    yield "60 kB of token", get(b"/auth/me", b"Authorization: Bearer " + b"x" * 60_000 + b"\r\n")
    yield (
        "60 kB of cookie",
        post(b"/auth/refresh", b"", b"Cookie: admit-refresh=" + b"x" * 60_000 + b"\r\n"),
    )
    yield "a megabyte of path", get(b"/auth/" + b"x" * MEGABYTE)
    yield "a megabyte of query", get(b"/auth/me?" + b"x" * MEGABYTE)
    yield "deep JSON", post(path, b'{"login": ' + b"[" * 60_000, JSON)
    yield "a doubled key", post(path, b'{"login": "a", "login": "b", "password": "x"}', JSON)
    yield "a truncated key", post(path, b'{"logi', JSON)
    yield "a NUL", post(path, b'{"login": "a\x00", "password": "x"}', JSON)
    yield "an escaped NUL", post(path, b'{"login": "a\\u0000", "password": "x"}', JSON)
    yield "a lone surrogate", post(path, b'{"login": "\\ud800", "password": "x"}', JSON)
    yield "a surrogate in UTF-8", post(path, b'{"login": "\xed\xa0\x80", "password": "x"}', JSON)
    yield "right to left", post(path, '{"login": "\u202eada", "password": "x"}'.encode(), JSON)
    yield "overlong UTF-8", post(path, b'{"login": "\xc0\xaf", "password": "x"}', JSON)
    yield "a length that is none", post(path, login, JSON, "abc")
    yield "a negative length", post(path, login, JSON, "-1")
    yield "two lengths", post(path, login, JSON + b"Content-Length: 3\r\n")
    yield "a length and chunks", post(path, login, JSON + b"Transfer-Encoding: chunked\r\n")
    yield "two content types", post(path, login, JSON + b"Content-Type: text/plain\r\n")
    yield "two tokens", get(b"/auth/me", b"Authorization: Bearer a.b.c\r\n" * 2)
    yield "bytes in a token", get(b"/auth/me", b"Authorization: Bearer \xff\xfe.\xe9.x\r\n")
    yield "an escape in a token", get(b"/auth/me", b"Authorization: Bearer \x1b[31m\r\n")
    yield "a folded header", get(b"/auth/me", b"Authorization: Bearer a.b.c\r\n d\r\n")
    yield "a path with NUL", get(b"/auth/me%00")
    yield "a path with half UTF-8", get(b"/auth/sessions/%ff%fe")
    yield "a path with a surrogate", get(b"/auth/%ed%a0%80")
    yield "a path upwards", get(b"/auth/../../etc/passwd")
    yield "an id upwards", b"DELETE /auth/sessions/..%2f..%2fx HTTP/1.1\r\n" + HEAD + b"\r\n"
    yield "another address", get(b"http://evil.example/auth/me")
    yield "TRACE", b"TRACE /auth/me HTTP/1.1\r\n" + HEAD + b"\r\n"
    yield "a method of one's own", b"LOGIN /auth/login HTTP/1.1\r\n" + HEAD + b"\r\n"
    yield "no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100
    yield (
        "a websocket",
        get(
            b"/auth/me",
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        ),
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:uvicorn")
def test_whatever_is_sent_is_refused_and_the_server_lives_on(live):
    """Never 500, never 200, no traceback; and afterwards people sign in as before."""
    body = f'{{"email": "{EMAIL}", "password": "{PASSWORD}"}}'.encode()
    with live() as server:
        for name, raw in hostile():
            assert spoken(server, raw) in REFUSED, name
        assert spoken(server, post(b"/auth/register", body, JSON)) == 201


def test_a_request_that_never_ends_costs_nobody_else_anything(live):
    """Half a body, half a header: others are answered meanwhile."""
    with live() as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address) as half, socket.create_connection(address) as other:
            half.sendall(
                post(b"/auth/login", b'{"login"', JSON, 1_000).replace(b"close", b"keep-alive")
            )
            other.sendall(b"GET /auth/me HTTP/1.1\r\nHost: ")
            assert spoken(server, get(b"/healthz")) == 200
            assert spoken(server, get(b"/auth/me")) == 401
