"""A client that is small beside the server it drives: HTTP/1.1, keep-alive, one script each.

It shares the machine's cores with the server, so a client with a client's comforts would measure
itself. A script is a generator: it yields a request and is sent the answer, head and body. Where
a server ends a connection between two requests, the next one goes over a new one.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import cast

import uvloop

from benchmarks import wire
from benchmarks.peers.peer import Call
from benchmarks.processes import LoadError

Script = Generator[bytes, bytes, None]

GRACE_SECONDS = 60.0
"""How much longer than asked a load may take before it is given up."""


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
    """A request whose body, if there is one, is JSON."""
    kind = {"Content-Type": "application/json"} if body else {}
    return wire.written(Call(method, path, (headers or {}) | kind, body))


def drive(*loads: Load) -> list[Outcome]:
    """Run every load at once, and wait until the last one is done."""

    async def together() -> list[Outcome]:
        async with asyncio.timeout(max(load.seconds for load in loads) + GRACE_SECONDS):
            return await asyncio.gather(*map(_run, loads))

    return uvloop.run(together())


async def _run(load: Load) -> Outcome:
    outcome = Outcome()
    started = time.perf_counter()
    clients = [_Client(script, outcome, load, started) for script in load.scripts]
    try:
        for client in clients:
            await client.begin()
        await asyncio.gather(*(client.done for client in clients))
    finally:
        for client in clients:
            client.leave()
    outcome.seconds = time.perf_counter() - started
    return outcome


class _Client:
    """A script, and what it needs to speak."""

    def __init__(self, script: Script, outcome: Outcome, load: Load, started: float) -> None:
        self._script = script
        self._record = outcome.latencies.append
        self._until = started + load.seconds
        self._load = load
        self._line: _Line | None = None
        self._sent_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    async def begin(self) -> None:
        """Connect, and send the first request."""
        await self._connect()
        self._go_on(None, last=False)

    def leave(self) -> None:
        """Nobody waits for an answer any more."""
        if self._line:
            self._line.leave()
        self._line = None

    def answered(self, raw: bytes, *, closing: bool) -> None:
        """This is the whole answer; a connection that closes carries no other request."""
        now = time.perf_counter()
        self._record(now - self._sent_at)
        if closing:
            self.leave()
        if raw[9] != ord("2"):
            self._finish(LoadError(raw.decode(errors="replace")))
        else:
            self._go_on(raw, last=now >= self._until)

    def lost(self, line: _Line, exc: Exception | None) -> None:
        """The connection ended; that is an error where an answer is owed."""
        if line is not self._line:
            return
        self._line = None
        if line.owes:
            self._finish(exc or LoadError("the server closed the connection"))

    def _go_on(self, answer: bytes | None, *, last: bool) -> None:
        try:
            following = self._script.send(answer)  # type: ignore[arg-type]  # None begins it
        except StopIteration:
            self._finish(None)
            return
        if last:  # what the script holds is kept; what it would ask next is not asked
            self._finish(None)
        elif answer and self._load.pause:
            self._loop.call_later(self._load.pause, self._send, following)
        else:
            self._send(following)

    def _send(self, raw: bytes) -> None:
        if self.done.done():
            return
        self._sent_at = time.perf_counter()
        if self._line:
            self._line.ask(raw)
        else:
            self._connecting = self._loop.create_task(self._send_anew(raw))

    async def _send_anew(self, raw: bytes) -> None:
        try:
            line = await self._connect()
        except OSError as error:
            self._finish(error)
        else:
            line.ask(raw)

    async def _connect(self) -> _Line:
        _, line = await self._loop.create_connection(
            lambda: _Line(self), "127.0.0.1", self._load.port
        )
        self._line = line
        return line

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


class _Line(asyncio.Protocol):
    """A connection, over which one request after the other goes."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._received = b""
        self.owes = False
        """Whether a request waits for its answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not its children

    def ask(self, raw: bytes) -> None:
        self.owes = True
        self._transport.write(raw)

    def leave(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = wire.end(received)
        if end <= 0:
            self._received = received
            return
        self._received = b""
        self.owes = False
        self._client.answered(received[:end], closing=wire.closes(received))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._received and wire.end(self._received) == wire.UNTOLD:
            self.owes = False
            self._client.answered(self._received, closing=True)
        self._client.lost(self, exc)
