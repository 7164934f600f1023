"""The function that answers the HTTP contract on Lambda: `admit.aws.handler`.

No setting is read, nothing drawn and nothing opened while this is imported: with SnapStart, what is
in memory then is restored in many processes. The engine is made at the first request.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from mangum import Mangum

from admit.auth import Admit
from admit.aws import events
from admit.aws.forms import FORMS
from admit.beginning import NOT_SET_UP
from admit.errors import SettingsError, Unavailable
from admit.http import later
from admit.http.app import refusing
from admit.settings import variable
from admit.telemetry.logs import JSONLines, request_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mangum.types import LambdaContext, LambdaHandler
    from starlette.types import ASGIApp

logger = logging.getLogger("admit.aws")

DYNAMODB = "admit.stores.dynamodb.store"
"""It loads botocore, which takes longer than all else."""


def handler(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ANN401  JSON
    """Answer one HTTP request: what Lambda calls.

    While the settings can't work it answers 503, and the log says at each request what to do.

    Raises:
        UnknownEvent: the event is no HTTP request; the invocation has failed.
    """
    _prepare()
    events.kind_of(event)  # what is no request is not told of the settings
    try:
        answering = _admit()
    except SettingsError as error:
        with _of(context):
            logger.critical("Admit can't start: %s", error)
        answering = adapted(refusing(Unavailable(NOT_SET_UP)))
    return answering(event, context)


@contextmanager
def _of(context: LambdaContext) -> Iterator[None]:
    """What is logged belongs to this invocation."""
    current = request_id.set(context.aws_request_id)
    try:
        yield
    finally:
        request_id.reset(current)


class Adapter(Mangum):
    """Mangum with our own forms."""

    def infer(self, event: Any, context: LambdaContext) -> LambdaHandler:  # noqa: ANN401  JSON
        """The request in its form.

        Raises:
            UnknownEvent: it is no HTTP request.
        """
        return FORMS[events.kind_of(event)](event, context, self.config)


def adapted(app: ASGIApp, *, prefix: str = "/auth") -> Adapter:
    """This ASGI app as a function that takes events; `prefix` is where its routes live."""
    return Adapter(cast("Any", app), lifespan="off", api_gateway_base_path=prefix)


@cache
def _admit() -> Adapter:
    """The engine of this process and its routes; where it can't be made, the next request tries.

    Raises:
        SettingsError: the configuration can't work.
    """
    auth = Admit(watch=False)
    return adapted(auth.app, prefix=auth.settings.prefix)


@cache
def _prepare() -> None:
    """Once in each process: its event loop, and a log without secrets."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    logging.getLogger("mangum").setLevel(logging.WARNING)  # it would log paths
    for each in logging.getLogger().handlers:  # Lambda's own, which say the level of each line
        each.setFormatter(Lines())


def _remember() -> None:
    """Import what else requests will need, where the memory is kept for all who are started."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    later.load()
    if os.environ.get(variable("database_url"), "").startswith("dynamodb:"):
        import_module(DYNAMODB)


class Lines(JSONLines):
    """Our lines, ended: the runtime client writes them as they are."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line with its end."""
        return super().format(record) + "\n"


_remember()
