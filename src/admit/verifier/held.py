"""A connection to the issuer that another thread can end, and that a forked process lets go of.

A question that waits for news holds its thread for seconds: whoever closes the verifier ends it.
After a fork both processes have the same socket. The child never speaks on it: one answer would
reach whichever reads first.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from admit.verifier.issuer import Answer, Away, Issuer, hang_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPConnection

    from admit.verifier.instants import Clocks


class Ended(Exception):
    """Nobody wants the answer any more."""


class Held(Issuer):
    """Asks the issuer, until it is ended.

    Arguments:
        url: where it is reached, with its prefix.
        clocks: tell how long the connection lay idle.
    """

    def __init__(self, url: str, *, clocks: Clocks) -> None:
        super().__init__(url, clocks=clocks)
        self._talking: socket.socket | None = None
        self._ended = False

    def get(
        self, path: str, *, key: str | None = None, patient: bool = False, wait: float = 0.0
    ) -> Answer:
        """The answer to `GET path`, as `Issuer.get` says.

        Raises:
            Away: there is none, or none that can be used.
            Ended: it was ended.
        """
        try:
            return super().get(path, key=key, patient=patient, wait=wait)
        except Away:
            if self._ended:
                raise Ended from None
            raise

    def end(self) -> None:
        """Let whoever asks have no answer, now and from now on; from any thread."""
        self._ended = True
        talking = self._talking
        if talking is not None:
            with suppress(OSError):
                # The socket's own: that of TLS would take the session from under the reader.
                socket.socket.shutdown(talking, socket.SHUT_RDWR)

    def abandon(self) -> None:
        """Let go of what the parent has, without a word to the issuer; in a forked child only."""
        kept = None if self._connection is None else self._connection.sock
        for sock in (self._talking, kept):
            if sock is not None and sock.fileno() >= 0:
                # A frame of the parent's thread may have it open still: so no `close()`.
                os.close(sock.detach())
        self._talking = self._connection = None

    def _connect(self, until: float) -> HTTPConnection:
        self._must_go_on()
        return super()._connect(until)

    def _ask(
        self, connection: HTTPConnection, path: str, headers: Mapping[str, bytes], until: float
    ) -> Answer:
        self._talking = connection.sock
        try:
            self._must_go_on()  # once it can be ended, or nobody would see that it was
            return super()._ask(connection, path, headers, until)
        finally:
            self._talking = None
            if self._ended:  # then it may be one that nothing was asked on
                hang_up(connection)

    def _must_go_on(self) -> None:
        """Ask no more.

        Raises:
            OSError: it was ended.
        """
        if self._ended:
            raise OSError("the verifier was closed")
