"""How long a request waits for its store: over all its steps together, not for each of them.

A store out of order is told within two seconds, also by a request that asks it five times. What is
not waiting, such as a password being hashed, does not count. It is the caller who waits no longer:
what was asked for has the whole time for itself, or the end of a thief's session could be dropped
because the step before was slow. Outside a request, where a command or the watch asks, every step
is waited for as long.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, Token, copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from admit.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")

SECONDS = 1.5
"""With all that is around it, a request is refused within two seconds."""
LATE = "The store does not answer in time."


class Patience:
    """What one request has left; a context around the answering, left when it is answered."""

    __slots__ = ("_token", "left")

    def __init__(self) -> None:
        self.left: float | None = SECONDS
        """In seconds; None once it is answered: what it began and others share has its own time."""

    def __enter__(self) -> None:
        self._token: Token[Patience | None] = _current.set(self)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
        self.left = None


_current: ContextVar[Patience | None] = ContextVar("admit_patience", default=None)


class Step:
    """One wait for the store, taken from what the request has left.

    Raises:
        Unavailable: nothing is left.
    """

    __slots__ = ("_patience", "_since")

    def __enter__(self) -> float:
        self._patience = _current.get()
        if self._patience is None or self._patience.left is None:
            self._patience = None
            return SECONDS
        if self._patience.left <= 0:
            raise Unavailable(LATE)
        self._since = monotonic()
        return self._patience.left

    def __exit__(self, *_: object) -> None:
        if self._patience is not None and self._patience.left is not None:
            self._patience.left -= monotonic() - self._since


def left() -> float | None:
    """How many seconds the request has left for its store; None outside a request."""
    current = _current.get()
    return current.left if current else None


async def apart(work: Coroutine[Any, Any, Result]) -> Result:
    """What it comes to, with time of its own: it is shared with others, or has to happen.

    The request waits for what it has left, and the work goes on where that is less.

    Raises:
        Unavailable: nothing is left, and it is not done.
    """
    waiting = _current.get()
    if waiting is None or waiting.left is None:
        return await work
    return await shared(begun(work))


def begun(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """The work under way, with time of its own, whatever becomes of who began it."""
    own = copy_context()
    own.run(_current.set, None)
    return kept(asyncio.create_task(work, context=own))


def kept(task: asyncio.Task[Result]) -> asyncio.Task[Result]:
    """The task, which goes on whatever becomes of who began it; `settle` waits for it."""
    _apart.add(task)
    task.add_done_callback(_apart.discard)
    task.add_done_callback(forget)
    return task


def goes_on(task: asyncio.Task[Any]) -> bool:
    """Whether it is under way in the event loop that runs here."""
    return not task.done() and task.get_loop() is asyncio.get_running_loop()


async def shared(task: asyncio.Task[Result]) -> Result:
    """What it comes to, for one of those who wait for it; the wait is a step of their request.

    Raises:
        Unavailable: nothing is left, and it is not done.
    """
    with Step() as left:
        done, _ = await asyncio.wait({task}, timeout=left)
    if not done:
        raise Unavailable(LATE)
    return task.result()


async def settle(seconds: float) -> None:
    """Return when all that was kept in this event loop is over, or after so many seconds."""
    going_on = {task for task in _apart if goes_on(task)}
    if going_on:
        await asyncio.wait(going_on, timeout=seconds)


_apart: set[asyncio.Task[Any]] = set()  # an event loop itself holds them only weakly


def forget(task: asyncio.Task[Any]) -> None:
    """Take note of how it ended, which perhaps nobody waits for any more."""
    if not task.cancelled():
        task.exception()
