"""After a fork: what another process has opened is not used, and no lock stays held by nobody.

A child inherits the memory of its parent and one of its threads. A connection to a database that
both use is corrupted; a lock that another thread held at that moment is never released.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Iterator

INHERITED = (
    "Admit was started before this process was forked from another one, and what that one has open"
    " must not be used here: start it in each process, so verify no token while the app is"
    " imported, or let gunicorn run without --preload."
)

GONE_SECONDS = 1.0
"""How long threads that have ended may take to be gone."""
BUSY_SECONDS = 1.0
"""How long a fork waits for what is at work outside of Python."""
TASKS = "/proc/self/task"
"""Where Linux lists the threads of this process; other systems don't tell."""


class Forked(Protocol):
    """What has to know that it is in another process now."""

    def forked(self) -> None:
        """Take note of it, in the child, before anything else runs there."""


_known: WeakSet[Forked] = WeakSet()
_locks: WeakSet[threading.Lock] = WeakSet()


def tell(each: Forked) -> None:
    """Tell it, in every child that is forked from now on, for as long as it lives."""
    _known.add(each)


def lock() -> threading.Lock:
    """A lock that nobody holds in a child that was just forked."""
    made = threading.Lock()
    _locks.add(made)
    return made


class Calm:
    """Keeps forks apart from what threads do outside of Python, under locks that we don't know.

    OpenSSL and the resolver have locks of the whole process: in a child that is forked while a
    thread is in there, they stay held. A fork waits until nobody is, for `BUSY_SECONDS` at most, so
    nothing that waits for the network belongs in it, but for the look at a name server.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work: set[int] = set()
        self._forking: set[int] = set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let no fork begin meanwhile; where one has begun, wait until it is done.

        No longer than that would wait in turn: it may wait for a lock that this thread holds.
        """
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: not self._forking - {me}, BUSY_SECONDS)
            self._at_work.add(me)
        try:
            yield
        finally:
            changed = self._changed  # once: a handler of a signal may fork within
            with changed:
                self._at_work.discard(me)
                changed.notify_all()

    def before_fork(self) -> None:
        """Let nobody begin, and wait for those who have; not for the thread that forks."""
        me = threading.get_ident()
        with self._changed:
            self._forking.add(me)
            self._changed.wait_for(lambda: not self._at_work - {me}, BUSY_SECONDS)

    def after_fork(self) -> None:
        """Let them go on, in the parent."""
        with self._changed:
            self._forking.discard(threading.get_ident())
            self._changed.notify_all()

    def forked(self) -> None:
        """Begin anew, in the child: whoever was at work is not there."""
        self._changed = threading.Condition()
        self._at_work, self._forking = set(), set()


CALM = Calm()
"""That of this process."""


@contextmanager
def all_gone() -> Iterator[None]:
    """Return from what ends threads only when they are gone, as far as the system tells.

    Python has joined a thread when none of its own code runs there any more. At its very end
    OpenSSL, under a lock of the whole process, lets go of what it kept for it: in a child that is
    forked at that moment, the next signature is waited for without end.
    """
    others = _tasks() - _threads()
    yield
    until = time.monotonic() + GONE_SECONDS
    left = _tasks() - others  # what begins from now on is none of ours, and always some may be
    while left & (_tasks() - _threads()) and time.monotonic() < until:
        time.sleep(0.001)


def _tasks() -> set[int]:
    try:
        return {int(each) for each in os.listdir(TASKS)}  # noqa: PTH208  names, not paths
    except OSError:
        return set()


def _threads() -> set[int | None]:
    return {each.native_id for each in threading.enumerate()}


def _in_the_child() -> None:
    CALM.forked()
    for held in list(_locks):
        held._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001  as `logging` does
    for each in list(_known):
        each.forked()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=CALM.before_fork,
        after_in_parent=CALM.after_fork,
        after_in_child=_in_the_child,
    )
