"""The function as AWS's runtime client runs it: its start, its log, its mistakes."""

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

import admit.aws
from admit.aws import forms
from admit.aws.forms import HTTP
from admit.http.later import LATER
from admit.testing.http_caller import HSTS, checked
from desk.events import FORMS, answer_of, event_of
from desk.process import TimedOut
from desk.runtime import Function, FunctionError
from desk.wire import Request
from tests.aws.carried import as_httpx

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("measured_processes")]
SECRET = "a secret of the tests with more than 32 bytes in it"
PASSWORD = "seven pale lanterns drift"
STORES = ("botocore", "sqlite3", "psycopg", "redis")


@pytest.fixture
def running(tmp_path):
    """Starts the function with these settings; what it writes is in `log`."""

    @asynccontextmanager
    async def start(*, limit=60.0, **settings):
        environ = {
            "ADMIT_DATABASE_URL": f"sqlite:///{tmp_path}/admit.db",
            "ADMIT_SECRET": SECRET,
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            **settings,
        }
        with (tmp_path / "log").open("wb") as log:
            async with Function(environ=environ, log=log, cwd=tmp_path, timeout=limit) as function:
                yield function

    return start


async def ask(function, method="GET", path="/auth/me", body=None, query="", **headers):
    """The answer through an HTTP API."""
    content = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = Request(method, path, query, [*headers.items()], content)
    return as_httpx(answer_of("http", await function.invoke(event_of("http", request))))


def lines(directory):
    """The log, every line of which is a JSON object, but for the runtime client's last words.

    Where it asks for an event while the desk stops, it says that nobody answers.
    """
    written = (directory / "log").read_text().splitlines()
    return [json.loads(line) for line in written if "LAMBDA_RUNTIME" not in line]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ADMIT_BASE_URL": "http://shop.example.com"}, "ADMIT_BASE_URL"),
        ({"ADMIT_SECRET": "changeme"}, "ADMIT_SECRET"),
        ({"ADMIT_SECRETS": "x"}, "did you mean ADMIT_SECRET?"),
    ],
)
async def test_settings_that_cannot_work_are_loud_and_let_nobody_in(
    settings, said, running, tmp_path
):
    """503 to the caller, and in the log one line a request, with the id that the answer carries."""
    async with running(**settings) as function:
        for _ in range(2):
            answer = checked(await ask(function), https=False)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert "ADMIT_" not in answer.text
            told = lines(tmp_path)[-1]
            assert told["level"] == "critical"
            assert said in told["message"]
            assert told["request_id"] == answer.headers["x-request-id"]
    assert len(lines(tmp_path)) == 2
    assert "changeme" not in (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_a_secret_that_opens_no_key_is_as_loud(running, tmp_path):
    """It is found out with the store open, at the first request."""
    async with running() as function:
        assert (await ask(function, path="/healthz")).status_code == 200
    async with running(ADMIT_SECRET=SECRET[::-1]) as function:
        answer = await ask(function)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    (told,) = lines(tmp_path)
    assert told["level"] == "critical"
    assert "ADMIT_SECRET" in told["message"]


async def test_the_answer_is_found_in_the_log_by_its_id(running, tmp_path):
    """The id of the invocation, which CloudWatch's own lines have too; and no path, no secret."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    async with running(AWS_LAMBDA_LOG_LEVEL="INFO") as function:
        answer = await ask(function, "POST", "/auth/register", body)
        assert answer.status_code == 201
        assert answer.headers["x-request-id"] == str(UUID(answer.headers["x-request-id"]))
        await ask(function, path="/auth/a-path-that-somebody-made-up")
    by_id = {line["request_id"]: line for line in lines(tmp_path) if "route" in line}
    assert by_id[answer.headers["x-request-id"]]["route"] == "/auth/register"
    written = (tmp_path / "log").read_text()
    for unwanted in ("made-up", PASSWORD, "ada@example.com", SECRET):
        assert unwanted not in written


async def test_without_the_json_format_a_line_is_json_too(running, tmp_path):
    """What has to be found at night is not told in two languages."""
    async with running(ADMIT_SECRET="changeme", AWS_LAMBDA_LOG_FORMAT="Text") as function:
        await ask(function)
        await ask(function)
    assert [line["level"] for line in lines(tmp_path)] == ["critical"] * 2


async def test_another_event_fails_the_invocation(running, tmp_path):
    """And the next request is answered."""
    async with running() as function:
        events: list[object] = [{"Records": [{"body": "a secret"}]}, None, [], {"routeArn": "x"}]
        for event in events:
            with pytest.raises(FunctionError, match="answers HTTP requests") as told:
                await function.invoke(event)
            assert told.value.kind == "UnknownEvent"
        assert (await ask(function, path="/healthz")).status_code == 200
    assert "a secret" not in (tmp_path / "log").read_text()


async def test_a_restored_function_answers(running):
    """SnapStart: it says that its memory may be taken, and goes on when it is restored."""
    async with running(AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as function:
        await function.ready()
        assert (await ask(function, path="/healthz")).status_code == 200


async def test_nobody_waits_for_news_longer_than_the_function_may_run(running, tmp_path):
    """The answer is that there is none; Lambda would have ended the process, and said 5xx."""
    key = "a-key-of-the-verifiers-in-the-tests-0123456789"
    async with running(limit=5.0, ADMIT_VERIFIER_KEYS=key) as function:
        answer = await in_time(
            function, path="/auth/revocations", query="wait=30", Authorization=f"Bearer {key}"
        )
        assert answer.status_code == 200
        assert answer.json()["revocations"] == []


async def in_time(function, **asked):
    """The answer; where the machine stood still, the function was ended, and is asked again.

    One that always waits too long is ended each time.
    """
    for _ in range(4):
        with suppress(TimedOut):
            return await ask(function, **asked)
    return await ask(function, **asked)


@pytest.mark.parametrize(("left", "may"), [(30_000, 25.0), (10_000, 8.0), (1_000, 0.0)])
def test_what_is_left_for_waiting(left, may, monkeypatch):
    """From when the event came: what a start takes of it is gone."""
    monkeypatch.setattr(forms, "monotonic", lambda: 1_000.0)
    context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: left)
    config: Any = {"api_gateway_base_path": "/auth"}
    form = HTTP(event_of("http", Request("GET", "/")), context, config)
    assert form.scope["admit.ends_at"] == 1_000.0 + may


async def test_on_https_every_answer_of_lambda_says_so(running):
    async with running(ADMIT_BASE_URL="https://auth.example.com") as function:
        answer = checked(await ask(function), https=True)
        assert answer.headers["strict-transport-security"] == HSTS


def loaded(program, **environ):
    """The modules that a Python has after this program."""
    show = "import sys, json; print(json.dumps([*sys.modules]))"
    # Measuring coverage loads modules by itself.
    measured_by_nobody = {
        name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; {show}"],
        capture_output=True,
        check=True,
        env={**measured_by_nobody, **environ},
    )
    return set(json.loads(done.stdout))


def test_the_front_door_loads_nothing():
    modules = loaded("import admit.aws")
    assert not modules & {"mangum", "starlette", "admit.aws.api", "admit.aws.guard", *STORES}


def test_the_function_loads_no_store_before_it_is_asked():
    modules = loaded("from admit.aws import handler")
    assert not modules & {*STORES, *LATER}
    assert "admit.aws.guard" not in modules


def test_what_is_loaded_later_is_loaded_where_the_memory_is_kept():
    url = {"ADMIT_DATABASE_URL": "dynamodb://admit?region=eu-west-1"}
    restored = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    modules = loaded("from admit.aws import handler", **url, **restored)
    assert modules >= {*LATER, "admit.stores.dynamodb.store"}
    assert not loaded("from admit.aws import handler", **url) & {*LATER, "botocore"}


def test_there_is_nothing_else_behind_the_front_door():
    assert sorted(admit.aws.__all__) == ["authorizer", "handler"]
    assert callable(admit.aws.handler)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = admit.aws.nothing


@pytest.mark.parametrize("form", FORMS)
async def test_the_pages_and_a_logo_that_is_no_text_come_through_every_gateway(
    form, through, tmp_path
):
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG\r\n\x1a\n\xff\x00")
    async with through(form, pages=True, pages_logo=str(logo)) as service:
        page = await service.client.get("/auth/sign-in")
        shown = await service.client.get("/auth/static/logo.png")
    assert page.headers["content-type"].startswith("text/html")
    assert "nonce-" in page.headers["content-security-policy"]
    assert shown.content == logo.read_bytes()
