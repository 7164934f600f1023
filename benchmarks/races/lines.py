"""Connections to one server: a tab takes one for each request, and several can send at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple, cast

from benchmarks import wire
from benchmarks.peers.peer import Answer
from benchmarks.processes import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers.peer import Call

NOTHING = Answer(0, (), b"")
"""In place of an answer: the connection ended, or nothing came for a minute."""
ANSWER_SECONDS = 60.0
IDLE_SECONDS = 0.5
"""For how long a connection is used again: servers end one that is idle, the quickest after 2 s."""


class Send(NamedTuple):
    """A request among several at once."""

    call: Call
    delay: float
    """How many seconds after the first one could."""
    arrives: Callable[[Answer], object]
    """What is done with the answer, when it comes."""


class Lines:
    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._idle: list[Line] = []

    async def take(self) -> Line:
        """A connection that is open, and nobody else's until `give_back`.

        Raises:
            LoadError: there is no server.
        """
        while self._idle:
            line = self._idle.pop()
            if line.usable():
                return line
            line.close()
        loop = asyncio.get_running_loop()
        try:
            _, line = await loop.create_connection(Line, *self._address)
        except OSError as error:
            host, port = self._address
            raise LoadError(f"nothing takes connections at {host}:{port}: {error}") from None
        return line

    def give_back(self, line: Line) -> None:
        self._idle.append(line)

    async def ask(self, call: Call) -> Answer:
        line = await self.take()
        answer = await line.send(call)
        self.give_back(line)
        return answer

    async def at_once(self, sends: Sequence[Send]) -> list[Answer]:
        """Send all, each on a connection that is open already, before any answer is waited for."""
        lines = [await self.take() for _ in sends]
        answers = await asyncio.gather(*map(_sent, lines, sends))
        for line in lines:
            self.give_back(line)
        return answers

    def close(self) -> None:
        for line in self._idle:
            line.close()
        self._idle.clear()


class Line(asyncio.Protocol):
    """One connection, on which one request is under way at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._open = True
        self._idle_since = time.monotonic()
        self._answer: asyncio.Future[Answer] | None = None

    def usable(self) -> bool:
        return self._open and time.monotonic() - self._idle_since < IDLE_SECONDS

    def close(self) -> None:
        self._open = False
        self._transport.close()

    async def send(self, call: Call) -> Answer:
        """The whole answer, or `NOTHING`.

        The request is under way before anything is waited for.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(wire.written(call))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer
        except TimeoutError:
            self.close()
            return NOTHING
        finally:
            self._answer = None
            self._idle_since = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not its children

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = wire.end(self._received)
        if end > 0:
            self._finish(end)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # either way it is over
        self._open = False
        if wire.end(self._received) == wire.UNTOLD:
            self._finish(len(self._received))
        elif self._answer and not self._answer.done():
            self._answer.set_result(NOTHING)

    def _finish(self, end: int) -> None:
        whole, self._received = self._received[:end], self._received[end:]
        self._open = self._open and not wire.closes(whole)
        if self._answer and not self._answer.done():
            self._answer.set_result(wire.read(whole))


async def _sent(line: Line, send: Send) -> Answer:
    if send.delay:
        await asyncio.sleep(send.delay)
    answer = await line.send(send.call)
    send.arrives(answer)
    return answer
