"""What the issuer answers, bounded as a whole: in time, however slowly it comes, and in size.

httpx bounds each read alone: an answer that drips, a byte now and then, would hold whoever waits
for it without end, be it in the head or in the body.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx

from admit.client.errors import LostError

if TYPE_CHECKING:
    from types import TracebackType

SHARES = 3
"""How often a try may take the time of one of its steps: to connect, to send, to be answered."""
LARGEST = 256 * 1024
"""Bytes of an answer; two tokens at their longest have 16 KiB."""


@dataclass(frozen=True)
class Answer:
    """An answer; its content is empty where it is larger than any of Admit's."""

    status_code: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)
    url: str


def ask(client: httpx.Client, request: httpx.Request, seconds: float) -> Answer:
    """The answer to this request, whole.

    Raises:
        httpx.HTTPError: there is none.
        LostError: it took longer than so many seconds.
    """
    with Watch(seconds) as watch:
        request.extensions["trace"] = watch.note
        response = client.send(request, stream=True)
        content = b""
        for part in response.iter_raw():
            watch.check()
            content += part
            if len(content) > LARGEST:
                return _answer(response, b"")
    return _answer(response, content)


async def ask_async(client: httpx.AsyncClient, request: httpx.Request, seconds: float) -> Answer:
    """As `ask`."""
    try:
        with anyio.fail_after(seconds):
            response = await client.send(request, stream=True)
            content = b""
            async for part in response.aiter_raw():
                content += part
                if len(content) > LARGEST:
                    return _answer(response, b"")
    except TimeoutError:
        raise LostError(_late(seconds)) from None
    return _answer(response, content)


class Watch:
    """Hangs up on an answer that takes longer than so many seconds, from another thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._sock: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.name = "admit-client-watch"

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Learn of the connection, as httpx's `trace`; TLS replaces the socket that it is over."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._sock = info["return_value"].get_extra_info("socket")
            if self._is_late():  # it took that long to connect
                self._hang_up()

    def check(self) -> None:
        """Go on while there is time.

        Raises:
            LostError: there is none.
        """
        if self._is_late():
            raise LostError(_late(self._seconds))

    def __enter__(self) -> Self:
        # At its exit a process starts no thread, and may still sign out: then each read alone is
        # bounded, and the whole is looked at between them.
        with suppress(RuntimeError):
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if kind is None or issubclass(kind, httpx.HTTPError):
            self.check()  # an end that we made ourselves looks like the answer's own

    def _is_late(self) -> bool:
        return time.monotonic() >= self._until

    def _hang_up(self) -> None:
        if self._sock is not None:
            with suppress(OSError):
                # The socket's own: that of TLS would take the session from under the reader.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


def _answer(response: httpx.Response, content: bytes) -> Answer:
    return Answer(response.status_code, response.headers, content, str(response.url))


def _late(seconds: float) -> str:
    return f"it took longer than {seconds:g} s"
