"""Spans, where `opentelemetry-api` is installed; without it, and without a request's trace, none.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP servers and
databases. None holds what a request brought: no path, no address, no message of an error.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

from admit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, SpanKind, StatusCode

SERVER_ERROR = 500
PROVIDER = "OTEL_PYTHON_TRACER_PROVIDER"
"""The variable by which OpenTelemetry makes a provider when it is first asked for one."""


class Answered:
    """Told how a request was answered; here, for nobody."""

    def __call__(self, route: str, status: int) -> None:
        """Answered by the route of this template, with this status."""


_NOTHING = nullcontext()
_NOBODY = nullcontext(Answered())


class Tracing:
    """Traces nothing: what stands in where OpenTelemetry is not installed."""

    on = False
    """Whether a span could come of it."""

    def request(
        self, method: str, scheme: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> AbstractContextManager[Answered]:
        """Around one request."""
        del method, scheme, headers
        return _NOBODY

    def store(self, verb: str, system: str) -> AbstractContextManager[None]:
        """Around one verb of a store of this kind."""
        del verb, system
        return _NOTHING

    def hashing(self) -> AbstractContextManager[None]:
        """Around one hash of a password, and the wait for it."""
        return _NOTHING


class OpenTelemetry(Tracing):
    """Traces with the tracer provider of the process, once it has one.

    The library is not loaded for it: a process that has a provider has loaded it itself.
    """

    on = True

    def __init__(self) -> None:
        self._loaded = False

    def _load(self) -> bool:
        """Whether there may be a provider; then the library is at hand."""
        if not self._loaded and ("opentelemetry.trace" in sys.modules or PROVIDER in os.environ):
            from opentelemetry import propagate, trace  # noqa: PLC0415  see the class

            self._trace = trace
            self._extract = propagate.extract
            self._tracer = trace.get_tracer("admit", VERSION)
            self._loaded = True
        return self._loaded

    def request(
        self, method: str, scheme: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> AbstractContextManager[Answered]:
        """A server's span, within the trace that the headers tell of.

        Where a span is active already, whoever made it took the headers in: ours is its child.
        """
        if not self._load() or isinstance(
            self._trace.get_tracer_provider(), self._trace.ProxyTracerProvider
        ):
            return _NOBODY  # the process has set no provider: nothing would be kept
        return self._request(method, scheme, headers)

    def store(self, verb: str, system: str) -> AbstractContextManager[None]:
        """A client's span within the one that is active; none where none is."""
        if not self._active():
            return _NOTHING
        attributes = {"db.operation.name": verb, "db.system.name": system}
        return self._child(verb, self._trace.SpanKind.CLIENT, attributes)

    def hashing(self) -> AbstractContextManager[None]:
        """A span within the one that is active; none where none is."""
        if not self._active():
            return _NOTHING
        return self._child("hash password", self._trace.SpanKind.INTERNAL, {})

    def _active(self) -> bool:
        return self._load() and self._trace.get_current_span().get_span_context().is_valid

    @contextmanager
    def _request(
        self, method: str, scheme: str, headers: Iterable[tuple[bytes, bytes]]
    ) -> Iterator[Answered]:
        kinds = self._trace.SpanKind
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        active = self._active()
        with self._tracer.start_as_current_span(
            method,
            context=None if active else self._extract(given),
            kind=kinds.INTERNAL if active else kinds.SERVER,
            attributes={"http.request.method": method, "url.scheme": scheme},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Span(span, method, self._trace.StatusCode.ERROR)

    @contextmanager
    def _child(self, name: str, kind: SpanKind, attributes: Mapping[str, str]) -> Iterator[None]:
        """A span around a block; of an error it has the type, whose message may hold values."""
        with self._tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(self._trace.StatusCode.ERROR)
                raise


class _Span(Answered):
    """Writes the answer into a request's span."""

    def __init__(self, span: Span, method: str, failed: StatusCode) -> None:
        self._span = span
        self._method = method
        self._failed = failed

    def __call__(self, route: str, status: int) -> None:
        """Name the span for the route, which is known only now."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= SERVER_ERROR:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(self._failed)


def tracing() -> Tracing:
    """What traces, where OpenTelemetry is installed; else what does not."""
    try:
        installed = find_spec("opentelemetry.trace") is not None
    except ModuleNotFoundError:  # not even the package around it
        installed = False
    return OpenTelemetry() if installed else Tracing()
