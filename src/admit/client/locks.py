"""Who may touch what is stored, and whose turn it is to refresh: one at a time.

Two locks, because they are held for different lengths of time. The guard is held for a read and a
write; a turn for a whole refresh, which may last as long as the server does not answer. Whoever
signs out takes the guard only, and so waits for no server.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from admit import forks
from admit.client.errors import TokensError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

GUARD_SECONDS = 10.0
"""A guard that is held for longer is held by a process that was stopped."""
POLL_SECONDS = 0.005


class Locks(Protocol):
    """Both locks of one place where tokens are stored."""

    def guard(self) -> AbstractContextManager[None]:
        """Nobody else reads or writes meanwhile."""

    def turn(self) -> Callable[[], None] | None:
        """Take the turn and return what ends it, or None where somebody else has it."""


class ThreadLocks:
    """For what only this process can reach."""

    def __init__(self) -> None:
        self._guard = forks.lock()
        self._turn = forks.lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile."""
        with self._guard:
            yield

    def turn(self) -> Callable[[], None] | None:
        """Take the turn and return what ends it, or None where somebody else has it."""
        return self._turn.release if self._turn.acquire(blocking=False) else None


class FileLocks:
    """For what several processes share: two files beside it, which stay empty.

    `flock` locks an opened file, not a process: two threads that opened it keep each other out too.
    The kernel takes the lock from a process that is killed.

    Arguments:
        directory: where the files are; it has to be there when a lock is taken.
        name: what their names begin with.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._guard = directory / f"{name}.guard"
        self._turn = directory / f"{name}.turn"

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile.

        Raises:
            TokensError: somebody does, for longer than anybody should.
        """
        left = GUARD_SECONDS  # not by a clock: a machine that slept let nobody go on, either
        while (release := _locked(self._guard)) is None:
            if left <= 0:
                raise TokensError(f"Another process holds {self._guard}: end it, if it hangs.")
            time.sleep(POLL_SECONDS)
            left -= POLL_SECONDS
        try:
            yield
        finally:
            release()

    def turn(self) -> Callable[[], None] | None:
        """Take the turn and return what ends it, or None where somebody else has it."""
        return _locked(self._turn)


def _locked(path: Path) -> Callable[[], None] | None:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise TokensError(f"{path} can't be opened ({error.strerror}).") from None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    except OSError as error:
        os.close(opened)
        raise TokensError(f"{path} can't be locked ({error.strerror}): use another disk.") from None
    return lambda: _unlock(opened)


def _unlock(opened: int) -> None:
    # Said, and not left to `close`: a process that was forked meanwhile has the file open too.
    with suppress(OSError):
        fcntl.flock(opened, fcntl.LOCK_UN)
    os.close(opened)
