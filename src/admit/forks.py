"""After a fork: what another process has opened is not used, and no lock stays held by nobody.

A child inherits the memory of its parent and one of its threads. A connection to a database that
both use is corrupted; a lock that another thread held at that moment is never released.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet

INHERITED = (
    "Admit was started before this process was forked from another one, and what that one has open"
    " must not be used here: start it in each process, so verify no token while the app is"
    " imported, or let gunicorn run without --preload."
)


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


def _in_the_child() -> None:
    for held in list(_locks):
        held._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001  as `logging` does
    for each in list(_known):
        each.forked()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_in_the_child)
