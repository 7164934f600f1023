"""Around every request: its id, its line in the log, its span, its numbers."""

from __future__ import annotations

import logging
import secrets
from time import perf_counter
from typing import TYPE_CHECKING

from admit.http.credentials import proxys_request_id
from admit.telemetry.logs import request_id

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from starlette.types import Scope

    from admit.engine import Engine
    from admit.errors import Refusal

logger = logging.getLogger("admit.http")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
OTHER_METHOD = "_OTHER"
"""What OpenTelemetry writes for a method that is none of these."""
NO_ROUTE = "unmatched"
UNANSWERED = 499
"""The caller was gone, or the server stopped, before an answer began."""
EXCHANGE = "admit.exchange"
"""Where an exchange lies in its scope."""
REQUEST_ID = "admit.request_id"
"""Where, in its scope, a request's id lies that whoever carries it to us has given it (Lambda)."""


class Exchange:
    """One request, and what is known of its answer so far; a context around the answering.

    A class and not a generator: every request passes here, and it takes half the time.
    """

    __slots__ = (
        "_answered",
        "_current",
        "_observer",
        "_scope",
        "_span",
        "_started",
        "id",
        "method",
        "refusal",
        "status",
    )

    def __init__(self, observer: Observer, scope: Scope, request: str) -> None:
        self._observer = observer
        self._scope = scope
        self.id = request
        self.method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        self.status: int | None = None
        self.refusal: Refusal | None = None

    @property
    def route(self) -> str:
        """The template of the route: never the path, which holds whatever was sent."""
        route = self._scope.get("route")
        return getattr(route, "path", None) or NO_ROUTE

    def __enter__(self) -> Self:
        scope, tracing = self._scope, self._observer.tracing
        self._current = request_id.set(self.id)
        self._started = perf_counter()
        self._span = tracing.request(self.method, scope.get("scheme", "http"), scope["headers"])
        self._answered = self._span.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status = self.status or UNANSWERED
        self._answered(self.route, status)
        self._span.__exit__(kind, error, trace)
        self._observer.report(self, status, perf_counter() - self._started)
        request_id.reset(self._current)


def refused(scope: Scope, refusal: Refusal) -> None:
    """Note that this request is refused."""
    scope[EXCHANGE].refusal = refusal


class Observer:
    """Observes every request of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._settings = engine.settings
        self._metrics = engine.metrics
        self.tracing = engine.tracing

    def exchange(self, scope: Scope) -> Exchange:
        """Around one request: what was answered is logged, counted and traced at the end."""
        given = scope.get(REQUEST_ID) or proxys_request_id(scope, self._settings)
        seen: Exchange = Exchange(self, scope, given or secrets.token_hex(16))
        scope[EXCHANGE] = seen
        scope["route"] = None  # not that of an app around us
        return seen

    def report(self, seen: Exchange, status: int, seconds: float) -> None:
        """Count the answer and log it."""
        if self._metrics.on:
            if seen.refusal:
                self._metrics.refused(seen.refusal.code, seen.refusal.reason)
            self._metrics.answered(seen.method, seen.route, status, seconds)
        if logger.isEnabledFor(logging.INFO):
            _log(seen, status, seconds)


def _log(seen: Exchange, status: int, seconds: float) -> None:
    """One line: never the path, the query or a header."""
    fields: dict[str, str | int | float] = {
        "method": seen.method,
        "route": seen.route,
        "status": status,
        "milliseconds": round(seconds * 1000, 3),
    }
    if seen.refusal:
        fields["code"] = seen.refusal.code
        if seen.refusal.reason:
            fields["reason"] = seen.refusal.reason
    logger.info(
        "%s in %.1f ms",
        " ".join(str(value) for name, value in fields.items() if name != "milliseconds"),
        seconds * 1000,
        extra={"fields": fields},
    )
