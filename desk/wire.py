"""HTTP/1.1 on a socket, as small as it gets: a request comes in, an answer goes out."""

from __future__ import annotations

import asyncio
import http.client
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias

import h11

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Pairs: TypeAlias = list[tuple[str, str]]
CHUNK = 64 * 1024
LARGEST = 16 * 1024 * 1024
"""Bytes of a body; nothing that comes here may be larger."""


@dataclass(frozen=True)
class Request:
    """A request as it came: the path and the query are not decoded, the headers not changed."""

    method: str
    path: str
    query: str = ""
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    peer: str = "127.0.0.1"


@dataclass(frozen=True)
class Response:
    """An answer: every line of its headers, and its bytes."""

    status: int
    headers: Pairs = field(default_factory=list)
    body: bytes = b""


def bound(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A socket at this address, to which nobody can connect yet.

    Raises:
        OSError: the port is in use, or the address is not ours.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class Listener:
    """Has each request answered by `answer`; an async context.

    Arguments:
        answer: gives the answer to one request.
        at: a bound socket; a free port of this machine where None.
    """

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Response]],
        *,
        at: socket.socket | None = None,
    ) -> None:
        self._answer = answer
        self._at = at or bound()
        self._port: int = self._at.getsockname()[1]
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._connected, sock=self._at, limit=CHUNK, backlog=1024
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Listen no longer, and leave every connection; may be repeated."""
        self._server.close()
        for each in tuple(self._connections):
            each.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after another, for as long as the connection lasts."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
        peer = writer.get_extra_info("peername")[0]
        while (request := await _request(connection, reader, peer)) is not None:
            response = await self._answer(request)
            writer.write(_sent(connection, response, head=request.method == "HEAD"))
            await writer.drain()
            if connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()


async def _request(
    connection: h11.Connection, reader: asyncio.StreamReader, peer: str
) -> Request | None:
    """The next request; None where the other side has left."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("latin-1").partition("?")
            headers = [(_text(name), _text(value)) for name, value in head.headers.raw_items()]
            return Request(head.method.decode(), path, query, headers, bytes(body), peer)
        else:
            return None


def _text(raw: bytes) -> str:
    """As text: UTF-8, and what is none in the way that the gateways do not tell of."""
    return raw.decode("utf-8", "replace")


def _sent(connection: h11.Connection, response: Response, *, head: bool) -> bytes:
    names = {name.lower() for name, _ in response.headers}
    headers = [(name.encode(), value.encode()) for name, value in response.headers]
    if "content-length" not in names and response.status not in {204, 304}:
        headers.append((b"content-length", str(len(response.body)).encode()))
    reason = http.client.responses.get(response.status, "")
    sent = connection.send(
        h11.Response(status_code=response.status, headers=headers, reason=reason.encode())
    )
    if response.body and not head:
        sent = (sent or b"") + (connection.send(h11.Data(data=response.body)) or b"")
    return (sent or b"") + (connection.send(h11.EndOfMessage()) or b"")
