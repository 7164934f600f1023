"""A client that is small beside the server it drives: HTTP/1.1, keep-alive, one script each.

It shares the machine's cores with the server, so a client with a client's comforts would measure
itself. A script is a generator: it yields a request and is sent the body of the answer.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import quantiles
from typing import cast

import uvloop

Script = Generator[bytes, bytes, None]

HEAD_END = b"\r\n\r\n"
LENGTHS = (b"content-length: ", b"Content-Length: ")
"""As uvicorn writes it, and as gunicorn does."""
GRACE_SECONDS = 60.0
"""How much longer than asked a load may take before it is given up."""


class LoadError(Exception):
    """The server refused, or went away: a figure of refusals would be worthless."""


@dataclass
class Outcome:
    """What one load did: how many answers, in how many seconds, and how long each took."""

    seconds: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, percent: int) -> float:
        """In milliseconds."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


@dataclass(frozen=True, kw_only=True)
class Load:
    """Scripts that run side by side, each on a connection of its own.

    They end by themselves, or at the first answer after `seconds`. With `pause`, each waits so
    many seconds between an answer and its next request.
    """

    port: int
    scripts: Sequence[Script]
    seconds: float
    pause: float = 0.0


def request(
    method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def drive(*loads: Load) -> list[Outcome]:
    """Run every load at once, and wait until the last one is done."""

    async def together() -> list[Outcome]:
        async with asyncio.timeout(max(load.seconds for load in loads) + GRACE_SECONDS):
            return await asyncio.gather(*map(_run, loads))

    return uvloop.run(together())


async def _run(load: Load) -> Outcome:
    loop = asyncio.get_running_loop()
    outcome = Outcome()
    started = time.perf_counter()
    clients = [
        _Client(script, outcome, until=started + load.seconds, pause=load.pause)
        for script in load.scripts
    ]
    for client in clients:
        await loop.create_connection(_always(client), "127.0.0.1", load.port)
    await asyncio.gather(*(client.done for client in clients))
    outcome.seconds = time.perf_counter() - started
    return outcome


def _always(client: _Client) -> Callable[[], _Client]:
    return lambda: client


class _Client(asyncio.Protocol):
    """One connection and the script that speaks on it."""

    def __init__(self, script: Script, outcome: Outcome, *, until: float, pause: float) -> None:
        self._script = script
        self._record = outcome.latencies.append
        self._until = until
        self._pause = pause
        self._received = b""
        self._sent_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not its children
        self._send(next(self._script))

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head = received.find(HEAD_END)
        if head < 0 or len(received) < (end := head + 4 + _length(received, head)):
            self._received = received
            return
        now = time.perf_counter()
        self._received = b""
        self._record(now - self._sent_at)
        if received[9] != ord("2"):
            self._finish(LoadError(received[:end].decode(errors="replace")))
        elif now >= self._until:
            with suppress(StopIteration):
                self._script.send(received[head + 4 : end])  # what it holds is kept, unasked
            self._finish(None)
        else:
            self._next(received[head + 4 : end])

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or LoadError("the server closed the connection"))

    def _next(self, answer: bytes) -> None:
        try:
            following = self._script.send(answer)
        except StopIteration:
            self._finish(None)
            return
        if self._pause:
            self._loop.call_later(self._pause, self._send, following)
        else:
            self._send(following)

    def _send(self, raw: bytes) -> None:
        if not self.done.done():
            self._sent_at = time.perf_counter()
            self._transport.write(raw)

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)
        self._transport.close()


def _length(received: bytes, head: int) -> int:
    for name in LENGTHS:
        at = received.find(name, 0, head)
        if at >= 0:
            return int(received[at + len(name) : received.find(b"\r", at)])
    return 0
