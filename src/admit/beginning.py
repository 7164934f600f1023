"""A start that requests wait for, where nobody started Admit before them."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import TYPE_CHECKING

from admit.errors import SettingsError, Unavailable
from admit.stores.patience import Step, kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

logger = logging.getLogger("admit.engine")

START_SECONDS = 1.8
"""How long a request waits for an engine that nobody started."""
SLOW_START_SECONDS = 8.0
"""The same without a watch: a function on AWS Lambda has but a part of a processor."""
NOT_SET_UP = "Admit is not set up: its log says what to do."


async def begun(start: Callable[[], Awaitable[object]], *, seconds: float) -> None:
    """Start, or wait for the start that is under way; it goes on where this waits no longer.

    Arguments:
        start: may be called several times at once.
        seconds: how long to wait.

    Raises:
        Unavailable: it could not start, or takes too long.
    """

    async def starting() -> None:
        await start()

    with Step():  # what it takes is not there for the request any more
        # In no request's context: what it begins goes on after this one.
        task = kept(asyncio.create_task(starting(), context=Context()))
        done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise Unavailable("Admit is still starting: try again.")
    try:
        task.result()
    except SettingsError as error:
        logger.critical("Admit can't start: %s", error)
        raise Unavailable(NOT_SET_UP) from error
