"""A real issuer over real HTTP whose line can be made bad, and a device with clocks to be set."""

import json
import threading
import time
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import httpx

from admit.client import AdmitAuth, MemoryTokens
from tests.live import served

LOGIN = "mara@example.com"
PASSWORD = "seven pale lanterns drift"
ACCESS_TTL = 900
TRUSTED = httpx.create_ssl_context()
"""Made once: it takes longer than all that a test does beside."""
PATIENCE = 60.0
"""Seconds after which what another thread or process does is not seen, however busy the machine."""
ONE_USE = httpx.Limits(max_keepalive_connections=0)
"""A connection that is kept may be closed by the server in the moment in which it is used again.

Nor do threads share a client: httpcore may close what it takes for idle under another one's hands.
"""
PATIENT: dict[str, Any] = {"timeout": PATIENCE, "verify": TRUSTED, "limits": ONE_USE}
"""Of a client of httpx in a test."""


class Device:
    """Clocks as a phone has them: one that people set, and one that nobody can."""

    def __init__(self):
        self.set_by = 0.0
        self.passed = 0.0

    def wall(self):
        return time.time() + self.set_by + self.passed

    def steady(self):
        return time.monotonic() + self.passed


class Line:
    """Stands around the app: counts what comes, and spoils what goes.

    `spoil` is called with each refresh, once the server has done it, and says what becomes of its
    answer: None lets it through, "drop" cuts it off, and (status, headers, body) replaces it.
    `instead` is called before and keeps the server from doing anything.
    """

    def __init__(self):
        self.restore()
        self.refreshes = []
        self.seen = []

    def restore(self):
        self.spoil = self.instead = lambda: None

    def around(self, app):
        async def served(scope, receive, send):
            if scope["type"] != "http":
                return await app(scope, receive, send)
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.seen.append((scope["path"], headers))
            if scope["path"] == "/echo":
                body = b"".join([part async for part in _parts(receive)])
                return await _answer(send, 200, {}, body)
            if scope["path"] in {"/away", "/done"}:
                status = 307 if scope["path"] == "/away" else 303
                to = scope["query_string"].decode()
                return await _answer(send, status, {"location": to}, b"")
            if scope["path"] == "/refuse":
                challenge = {"www-authenticate": 'Bearer realm="x", error="invalid_token"'}
                return await _answer(send, 401, challenge, b"")
            if scope["path"] != "/auth/refresh":
                return await app(scope, receive, send)
            return await self._refresh(app, scope, receive, send, headers)

        return served

    async def _refresh(self, app, scope, receive, send, headers):
        self.refreshes.append(headers.get("idempotency-key"))
        spoiled = await _in_thread(self.instead)
        if spoiled is None:
            sent = []

            async def keep(message):
                sent.append(message)

            await app(scope, receive, keep)
            spoiled = await _in_thread(self.spoil)
            if spoiled is None:
                for message in sent:
                    await send(message)
                return
        if spoiled == "drop":
            spoiled = (200, {"content-length": "9999", "connection": "close"}, b"{")
        await _answer(send, *spoiled)


async def _in_thread(function):
    return await anyio.to_thread.run_sync(function)


async def _parts(receive):
    while True:
        message = await receive()
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _answer(send, status, headers, body):
    if "content-length" not in headers:
        headers = {**headers, "content-length": str(len(body))}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    more = int(headers["content-length"]) > len(body)
    await send({"type": "http.response.body", "body": body, "more_body": more})


class Issuer:
    """What a test needs of the server, and the app's side of it."""

    def __init__(self, live, line, client):
        self.live = live
        self.client = client
        self.line = line
        self.clock = live.clock
        self.url = f"{live.url}/auth"

    def signed_in(self, tokens=None, *, login=LOGIN, **options):
        """An auth on a device of its own; nothing of its sign-in is counted."""
        auth, device = self.made(tokens or MemoryTokens(), **options)
        auth.sign_in(login, PASSWORD)
        return auth, device

    def made(self, tokens, device=None, **options):
        device = device or Device()
        options = {"patience": PATIENCE, "timeout": PATIENCE, "verify": TRUSTED, **options}
        auth = AdmitAuth(self.url, tokens=tokens, wall=device.wall, steady=device.steady, **options)
        self.line.refreshes.clear()
        return auth, device

    def passes(self, seconds, *devices):
        """That long passes, for the server and for these devices."""
        self.clock.advance(seconds)
        for device in devices:
            device.passed += seconds

    def me(self, auth):
        """The status of `GET /auth/me`, as asked with this auth."""
        with httpx.Client(auth=auth, **PATIENT) as client:  # its own: threads ask too
            return client.get(f"{self.url}/me").status_code

    def refresh(self, refresh_token, **headers):
        """The answer to a refresh that no client of ours makes."""
        body = {"refresh_token": refresh_token}
        return self.client.post(f"{self.url}/refresh", json=body, headers=headers).json()


class Held:
    """Holds the answers to refreshes until it is told to let go."""

    def __init__(self):
        self.came = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self):
        self.came.release()
        assert self.go.wait(PATIENCE)

    def arrived(self):
        assert self.came.acquire(timeout=PATIENCE)


@contextmanager
def issuing(data_dir):
    """An issuer with two accounts, for the length of a block."""
    line = Line()
    with (
        served(data_dir, around=line.around, throttle="off", access_ttl=ACCESS_TTL) as live,
        httpx.Client(**PATIENT) as client,
    ):
        for email in (LOGIN, "noa@example.com"):
            body = {"email": email, "password": PASSWORD}
            assert client.post(f"{live.url}/auth/register", json=body).status_code == 201
        yield Issuer(live, line, client)


def stored(tokens):
    """What a store holds, as the values that are written in it."""
    text = tokens.read()
    return None if text is None else json.loads(text)
