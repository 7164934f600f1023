"""`GET /metrics`, for Prometheus and whoever else has one of `metrics_keys`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from admit.http import credentials

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from admit.engine import Engine

PATH = "/metrics"


def endpoint(engine: Engine) -> Callable[[Request], Awaitable[Response]]:
    """The route over one engine, whose settings have `metrics_keys`."""
    keys = credentials.Keys(engine.settings.metrics_keys, "metrics_keys")

    async def metrics(request: Request) -> Response:
        """Every number, of all processes that count together."""
        keys.check(request.headers)
        accept = request.headers.get("accept", "")
        # Off the event loop: it reads the files of every process.
        body, media_type = await asyncio.to_thread(engine.metrics.exposition, accept)
        return Response(body, headers={"content-type": media_type})

    return metrics
