"""Spans, by a real tracer provider that keeps them in memory."""

import asyncio
import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = pytest.mark.anyio
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def spans(monkeypatch):
    """The spans that ended since the test began, the first to begin first."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)

    def ended():
        found = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
        exporter.clear()
        return found

    return ended


async def test_a_request_is_a_span_with_the_store_and_the_hash_within(serve, spans):
    async with serve() as service:
        await service.register()
        spans()
        await service.sign_in()
        request, *children = spans()

    assert (request.name, request.kind) == ("POST /auth/login", SpanKind.SERVER)
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/auth/login",
        "url.scheme": "http",
    }
    assert request.parent is None
    assert [child.name for child in children] == ["find_user", "hash password", "open_session"]
    for child in children:
        assert child.parent.span_id == request.context.span_id
    find, hashed, _ = children
    assert (find.kind, hashed.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert dict(find.attributes) == {"db.operation.name": "find_user", "db.system.name": "sqlite"}


async def test_the_callers_trace_is_gone_on_with(serve, spans):
    async with serve() as service:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        await service.send("GET", "/me", headers=headers)
        (request,) = spans()
        damaged = {"traceparent": f"00-{TRACE}-{PARENT[:-1]}x-01"}
        await service.send("GET", "/me", headers=damaged)
        (fresh,) = spans()

    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT
    assert fresh.parent is None


async def test_within_an_active_span_a_request_is_its_child(serve, spans):
    """An app around us has made the server's span; what the headers say is in it already."""
    async with serve() as service:
        with trace.get_tracer("app").start_as_current_span("app"):
            await service.send("GET", "/me", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    app, request = spans()
    assert request.parent.span_id == app.context.span_id
    assert request.kind == SpanKind.INTERNAL


async def test_a_span_of_what_failed_has_the_kind_of_error_and_no_message(
    serve, spans, monkeypatch
):
    async with serve() as service:

        async def broken(*_, **__):
            raise RuntimeError("a row of marker-0")

        monkeypatch.setattr(service.auth.store._store, "find_user", broken)
        await service.send("POST", "/login", json={"login": EMAIL, "password": PASSWORD})
    request, verb = spans()
    assert verb.attributes["error.type"] == "RuntimeError"
    assert request.attributes["error.type"] == "503"
    for span in (request, verb):
        assert span.status.status_code == StatusCode.ERROR
        assert span.events == ()
        assert "marker" not in span.to_json()


async def test_no_span_holds_what_was_sent(serve, spans):
    async with serve() as service:
        await service.register()
        tokens = await service.sign_in()
        bearer = tokens["access_token"]
        await service.send("DELETE", "/sessions/marker-1?marker-2", bearer=bearer)
        await service.refresh("marker-3")
        await service.refresh(tokens["refresh_token"], key="marker-4")
        await service.send("GET", "/marker-5", headers={"User-Agent": "marker-6"})
        told = "\n".join(span.to_json() for span in spans())
    for secret in ("marker", EMAIL, PASSWORD, tokens["user"]["id"], bearer, "testclient"):
        assert secret not in told
    assert '"DELETE /auth/sessions/{id}"' in told
    assert '"GET unmatched"' in told


async def test_the_watch_makes_no_spans(serve, spans):
    """Or each process would start a trace twice a second, for ever."""
    async with serve() as service:
        await service.auth.revoked.look(service.clock())
    assert spans() == []


async def test_without_a_provider_nothing_is_traced(serve):
    async with serve() as service:
        seen: list[bool] = []
        await asyncio.gather(service.register(), noted(service, seen))
    assert seen == [False]


async def noted(service, seen):
    seen.append(trace.get_current_span().get_span_context().is_valid)


def test_without_the_package_everything_works_and_the_store_is_bare(tmp_path):
    """In a process of its own, in which no part of OpenTelemetry can be found."""
    done = subprocess.run(
        [sys.executable, "-c", BARE], cwd=tmp_path, check=True, text=True, capture_output=True
    )
    assert done.stdout.split() == ["SQLiteStore", "Tracing", "200"]


BARE = """
import sys, asyncio
sys.modules["opentelemetry"] = None
import httpx
from admit import Admit

async def main():
    async with Admit() as auth:
        print(type(auth.store).__name__, type(auth.tracing).__name__)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(auth.app)) as client:
            print((await client.get("http://localhost:8000/healthz")).status_code)

asyncio.run(main())
assert "prometheus_client" not in sys.modules
"""


LATE = """
import sys
from admit.telemetry.tracing import tracing
made = tracing()

def request():
    with made.request("GET", "http", []) as answered, made.store("find_user", "sqlite"):
        answered("/healthz", 200)

request()
before = "opentelemetry.trace" in sys.modules
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
request()
print(before, *sorted(span.name for span in exporter.get_finished_spans()))
"""


def test_the_library_is_loaded_by_who_has_a_provider_and_not_before():
    """A function on Lambda that has none need not load it for its first answer."""
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "GET", "/healthz", "find_user"]


def test_a_provider_that_the_environment_names_is_found(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    code = LATE.partition("before =")[0] + 'print("opentelemetry.trace" in sys.modules)'
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["True"]
