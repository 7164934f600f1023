"""What a forked process does with verifiers that its parent had made: nothing of theirs is shared.

Threads do not survive a fork, and a lock that one of them held stays held for ever. So the child's
copies begin anew, with a connection, locks and threads of their own, at their first use.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Whatever has threads and connections."""

    def forked(self) -> None:
        """Begin anew; runs in the child, before anything else does, and waits for nothing."""


_living: WeakSet[Forkable] = WeakSet()


def told(each: Forkable) -> None:
    """Let it be told of every fork for as long as it lives."""
    _living.add(each)


def _in_child() -> None:
    for each in list(_living):
        each.forked()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_in_child)
