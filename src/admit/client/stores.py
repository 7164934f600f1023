"""Where tokens are kept: what a store promises, and the one that forgets."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from admit.client.errors import TokensError
from admit.client.locks import ThreadLocks

if TYPE_CHECKING:
    from admit.client.locks import Locks


class TokenStore(ABC):
    """One text, kept where nobody else can read it.

    `read` and `write` are called one at a time, under `locks.guard()`. A store that several
    processes share has locks that keep them all apart (`admit.client.locks.FileLocks`): without,
    two of them would present one refresh token.
    """

    locks: Locks

    @abstractmethod
    def read(self) -> str | None:
        """The text, or None where there is none.

        Raises:
            TokensError: it can't be read, or others could read or change it.
        """

    @abstractmethod
    def write(self, text: str) -> None:
        """Replace the text, wholly or not at all; it outlasts a crash once this has returned.

        Raises:
            TokensError: it can't be written; what was there is there still.
        """

    @abstractmethod
    def remove(self) -> None:
        """Leave nothing behind, whatever was there.

        Raises:
            TokensError: it can't be removed.
        """


class MemoryTokens(TokenStore):
    """Kept in this process, and gone with it."""

    def __init__(self) -> None:
        self.locks = ThreadLocks()
        self._text: str | None = None
        self._process = os.getpid()

    def __repr__(self) -> str:
        """Without what is in it."""
        return "MemoryTokens()"

    def read(self) -> str | None:
        """The text, or None where there is none.

        Raises:
            TokensError: this is a fork of the process that signed in.
        """
        if self._text is not None and self._process != os.getpid():
            raise TokensError(
                "These tokens are in the memory of the process that this one was forked from, and"
                " both would use them: sign in after the fork, in a store of its own."
            )
        return self._text

    def write(self, text: str) -> None:
        """Replace the text."""
        self._text, self._process = text, os.getpid()

    def remove(self) -> None:
        """Forget it."""
        self._text = None
