"""HTTP/1.1 as uvicorn speaks it, with a bound for a request's head, and an end to long polls."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from admit.http.app import App

LARGEST_HEAD = 256 * 1024
"""In bytes. Up to 64 KiB the routes answer, up to here they say that it is too much."""
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\n"
    b"content-length: 0\r\n\r\n"
)


class Bounded(HttpToolsProtocol):
    """Ends a connection whose request line and headers come to no end.

    The parser keeps them until they are complete, and nobody is asked before that: a stranger
    could fill the memory.
    """

    _head: int | None = None
    """How much of a head has come after its first bytes; None where none is under way."""

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head."""
        if self._head is not None:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.transport.write(TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def shutdown(self) -> None:
        """The server stops: who waits for news is answered now, and keeps nobody waiting."""
        if isinstance(self.app, App):
            self.app.stop_waiting()
        super().shutdown()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is complete."""
        self._head = None
        super().on_headers_complete()
