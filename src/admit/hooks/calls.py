"""One call of the app's own code: sync or async, bounded in time, and never trusted to behave."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from admit.hooks.threads import Busy
from admit.stores import patience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from admit.hooks.threads import Threads


AROUND: set[Callable[[], object]] = set()
"""Called before and after each sync call, in its thread: as a framework does around a request."""


class Failed(Exception):
    """The call came to nothing; `__cause__` is what it raised, if it did."""


class _Outcome(NamedTuple):
    result: Any = None
    error: BaseException | None = None


async def called(
    call: Callable[..., Any],
    *arguments: object,
    seconds: float,
    threads: Threads,
    read: Callable[[Any], Any] | None = None,
) -> Any:  # noqa: ANN401  whatever the app's code returns
    """What the call comes to; a sync one runs in a thread, so that it stops nobody else.

    Arguments:
        call: a function, a method, a partial, or an object with `__call__`.
        arguments: what it is handed.
        seconds: how long it is waited for, whatever the request has left for its store. An async
            one is cancelled then; a sync one goes on in its thread, since nothing can stop it.
        threads: where sync ones run.
        read: makes something of the result, under the same bound and the same distrust.

    Raises:
        Failed: it raised, whatever it was, or takes too long.
    """
    task = patience.begun(_guarded(call, arguments, threads, read))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()  # nothing, where it is done; what swallows it is not waited for
    if not done:
        raise Failed(f"it takes longer than {seconds:g} s")
    if task.cancelled():
        raise Failed("it was cancelled by itself")
    outcome = task.result()
    if outcome.error is not None:
        raise Failed(f"it raised {type(outcome.error).__name__}") from outcome.error
    return outcome.result


async def _guarded(
    call: Callable[..., Any],
    arguments: tuple[object, ...],
    threads: Threads,
    read: Callable[[Any], Any] | None,
) -> _Outcome:
    """What it comes to. Raised out of a task, a SystemExit would end the event loop."""
    if not is_async(call):
        work = functools.partial(_caught, call, arguments, read)
        try:
            under_way = threads.submit(work)
        except Busy as error:
            return _Outcome(error=error)
        outcome: _Outcome = await asyncio.wrap_future(under_way)
        if not inspect.isawaitable(outcome.result):
            return outcome
        call, arguments = _awaiting(outcome.result), ()  # a lambda around an async function
    try:
        result = await call(*arguments)
        return _Outcome(read(result) if read else result)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  the app's code raises what it likes
        return _Outcome(error=error)


def _caught(
    call: Callable[..., Any], arguments: tuple[object, ...], read: Callable[[Any], Any] | None
) -> _Outcome:
    """What a sync call comes to, in a thread."""
    try:
        for each in AROUND:
            each()
        try:
            result = call(*arguments)
            if read and not inspect.isawaitable(result):
                result = read(result)
        finally:
            for each in AROUND:
                each()
        return _Outcome(result)
    except BaseException as error:  # noqa: BLE001  as above
        return _Outcome(error=error)


def _awaiting(awaitable: Awaitable[Any]) -> Callable[[], Awaitable[Any]]:
    return lambda: awaitable


def is_async(call: Callable[..., Any]) -> bool:
    """Whether calling it only makes a coroutine, so that it needs no thread."""
    while isinstance(call, functools.partial):
        call = call.func
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004  not whether it has one, but which
    )
