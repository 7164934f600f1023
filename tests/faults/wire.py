"""HTTP/1.1 as spoken by a client that may hang up at any moment: a connection for each request."""

import asyncio
import json
import time
from dataclasses import dataclass

HANG_SECONDS = 60.0
"""Longer than any server may be silent: what lasts longer is a hang, and fails the test."""


class LostError(Exception):
    """No answer came: the connection was refused, cut, or ended in the middle of one."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said, and how long the client waited for it, in seconds."""

    status: int
    head: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    def header(self, name):
        return next((value for key, value in self.head if key == name), None)

    def cookie(self, name):
        """What a browser would keep under this name now."""
        values = [value for key, value in self.head if key == "set-cookie"]
        for pair in (each.partition(";")[0] for each in values):
            if pair.startswith(f"{name}="):
                return pair.partition("=")[2]
        return None

    def json(self):
        return json.loads(self.body)


async def ask(port, method, path, headers=None, *, cut=None):
    """Send one request and read its answer.

    Arguments:
        port: where the server listens, on 127.0.0.1.
        headers: by name.
        cut: after how many seconds to hang up without reading anything; None reads the answer.

    Raises:
        LostError: there is none, or it was cut.
        TimeoutError: the server hangs.
    """
    lines = {"Host": "localhost", "Content-Length": "0", "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(HANG_SECONDS):
            raw = await _exchange(port, request, cut)
    except (OSError, asyncio.IncompleteReadError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise LostError from error
    return _answer(raw, time.perf_counter() - began)


async def _exchange(port, request, cut):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        if cut is None:
            return await reader.read()
        await asyncio.sleep(cut)
        return b""
    finally:
        writer.transport.abort()


def _answer(raw, seconds):
    start, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = start.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in rest)
    head = tuple((name.lower(), value) for name, _, value in pairs)
    words = first.split(" ")
    answer = Answer(
        status=int(words[1]) if len(words) > 1 else 0, head=head, body=body, seconds=seconds
    )
    if not answer.status or len(body) != int(answer.header("content-length") or 0):
        raise LostError  # a server that is killed leaves half an answer
    return answer
