"""`GET /metrics`, for Prometheus and whoever else has one of `metrics_keys`."""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.responses import Response

from admit.errors import Unauthenticated
from admit.http import credentials

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from admit.engine import Engine

PATH = "/metrics"


def endpoint(engine: Engine) -> Callable[[Request], Awaitable[Response]]:
    """The route over one engine, whose settings have `metrics_keys`."""
    keys = [each.encode() for each in engine.settings.metrics_keys]

    async def metrics(request: Request) -> Response:
        """Every number, of all processes that count together."""
        given = (credentials.bearer(request.headers) or "").encode()
        # A list, so that all are compared: how long it takes tells nothing of any key.
        if True not in [compare_digest(given, key) for key in keys]:
            raise Unauthenticated("Send one of metrics_keys as Authorization: Bearer KEY.")
        accept = request.headers.get("accept", "")
        # Off the event loop: it reads the files of every process.
        body, media_type = await asyncio.to_thread(engine.metrics.exposition, accept)
        return Response(body, headers={"content-type": media_type})

    return metrics
