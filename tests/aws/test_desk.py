"""The desk itself: what a function's processes do, and what becomes of them."""

import json
import os
import sys
import time
from pathlib import Path

import httpx
import pytest

from desk.events import FORMS, Form, answer_of, event_of
from desk.gateway import Gateway
from desk.runtime import Function, FunctionError, InitError, ProcessEnded, TimedOut
from desk.wire import Request

pytestmark = pytest.mark.anyio
MODULE = """
import os, signal, time

def echo(event, context):
    print("said", flush=True)
    return {"pid": os.getpid(), "event": event, "id": context.aws_request_id,
            "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb, "set": os.environ.get("ADMIT_SECRET")}

def raises(event, context):
    raise LookupError("no such thing")

def dies(event, context):
    os.kill(os.getpid(), signal.SIGKILL)

def hangs(event, context):
    time.sleep(3600)

def http(event, context):
    return {"statusCode": 200, "headers": {"x-path": event["rawPath"]}, "cookies": ["a=1", "b=2"],
            "body": event.get("body") or ""}

def bad(event, context):
    return "no answer"

def guard(event, context):
    return {"isAuthorized": event["headers"]["authorization"] == "Bearer good",
            "context": {"who": "ada"}}
"""


@pytest.fixture
def module(tmp_path):
    """A directory with handlers in it."""
    (tmp_path / "handlers.py").write_text(MODULE)
    return tmp_path


def function(module, name, **how):
    return Function(f"handlers.{name}", cwd=module, environ={"PYTHONPATH": str(module)}, **how)


async def test_a_function_answers_with_what_its_context_says(module):
    async with function(module, "echo", memory=256) as echo:
        first = await echo.invoke({"a": "ä"})
        second = await echo.invoke(None)
    assert first["event"] == {"a": "ä"}
    assert second["event"] is None
    assert first["pid"] == second["pid"]
    assert first["id"] != second["id"]
    assert 0 < first["left"] <= 60_000
    assert first["arn"].startswith("arn:aws:lambda:")
    assert first["memory"] == "256"


async def test_a_function_gets_none_of_our_settings(module, monkeypatch):
    monkeypatch.setenv("ADMIT_SECRET", "ours")
    async with function(module, "echo") as echo:
        assert (await echo.invoke({}))["set"] is None


async def test_events_go_round_the_processes_or_to_the_one_that_is_asked(module):
    async with function(module, "echo", processes=3) as echo:
        await echo.ready()
        pids = [each.pid for each in echo.processes]
        assert {(await echo.invoke({}))["pid"] for _ in pids} == set(pids)
        assert [(await echo.invoke({}, process=2))["pid"] for _ in range(3)] == [pids[2]] * 3


async def test_each_instant_of_a_start_is_known(module):
    async with function(module, "echo", start=False) as echo:
        (process,) = echo.processes
        assert not process.alive
        before = time.monotonic()
        await echo.invoke({})
        after = time.monotonic()
        assert before <= process.started_at <= process.asked_at <= process.answered_at <= after


async def test_what_a_function_raises_is_told(module):
    async with function(module, "raises") as raising:
        with pytest.raises(FunctionError, match="no such thing") as told:
            await raising.invoke({})
        assert told.value.kind == "LookupError"
        assert any("handlers.py" in line for line in told.value.trace)
        with pytest.raises(FunctionError):
            await raising.invoke({})


async def test_a_function_that_cannot_be_loaded_is_told_at_once(module):
    async with function(module, "nothing") as missing:
        with pytest.raises(InitError, match="nothing"):
            await missing.ready()
        with pytest.raises(InitError, match="nothing"):
            await missing.invoke({})


async def test_a_process_that_ends_is_told_and_started_anew(module):
    async with function(module, "dies") as dying:
        for _ in range(2):
            with pytest.raises(ProcessEnded):
                await dying.invoke({})


async def test_a_process_that_was_killed_is_started_anew(module):
    async with function(module, "echo") as echo:
        first = (await echo.invoke({}))["pid"]
        await echo.processes[0].kill()
        assert not echo.processes[0].alive
        assert (await echo.invoke({}))["pid"] != first


async def test_what_takes_too_long_is_killed(module):
    async with function(module, "hangs", timeout=0.5) as hanging:
        with pytest.raises(TimedOut):
            await hanging.invoke({})
        assert not hanging.processes[0].alive, "the next event would be lost in it"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_frozen_process_stands_still_between_two_events(module):
    async with function(module, "echo", frozen=True) as echo:
        for _ in range(3):
            assert (await echo.invoke({"n": 1}))["event"] == {"n": 1}
            await echo.processes[0].idle()
            assert state(echo.processes[0].pid) == "T"
    assert not echo.processes[0].alive


def state(pid):
    """The letter that the kernel has for what a process does, once it has taken the signal."""
    letter, deadline = "", time.monotonic() + 60
    while letter != "T" and time.monotonic() < deadline:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    return letter


async def test_what_it_writes_goes_into_its_log(module):
    with (module / "log").open("wb") as log:
        async with function(module, "echo", log=log) as echo:
            await echo.invoke({})
    assert "said" in (module / "log").read_text()


async def test_another_command_may_speak_the_runtime_api(module):
    """As the benchmark's handler in Node does."""
    (module / "own.py").write_text("""
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as asked:
        number, event = asked.headers["Lambda-Runtime-Aws-Request-Id"], json.load(asked)
    body = json.dumps({"got": event}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{api}/{number}/response", body)).close()
""")
    async with Function(command=[sys.executable, "own.py"], cwd=module) as own:
        assert await own.invoke([1]) == {"got": [1]}


async def test_nothing_is_left_of_a_function(module):
    async with function(module, "echo", processes=2) as echo:
        await echo.ready()
        pids = [each.pid for each in echo.processes]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_the_gateway_carries_a_request_there_and_back(module):
    async with function(module, "http") as http, Gateway(http) as gateway, calling(gateway) as call:
        answer = await call.post("/a/b?c=d", content="text", headers={"Content-Type": "text/x"})
    assert answer.text == "text"
    assert answer.headers["x-path"] == "/a/b"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_the_gateway_says_what_is_wrong_with_a_function_and_nothing_of_it(module):
    for name, status in (("raises", 500), ("dies", 500), ("bad", 500)):
        async with (
            function(module, name) as broken,
            Gateway(broken) as gateway,
            calling(gateway) as call,
        ):
            answer = await call.get("/")
        assert answer.status_code == status
        assert answer.json() == {"message": "Internal Server Error"}


async def test_the_gateway_refuses_what_lambda_does_not_take(module):
    async with function(module, "http") as http, Gateway(http) as gateway, calling(gateway) as call:
        answer = await call.post("/", content=b"\x00" * (5 * 1024 * 1024))  # base64 makes it more
    assert answer.status_code == 413


async def test_the_gateway_asks_an_authorizer_first(module):
    async with (
        function(module, "http") as http,
        function(module, "guard") as guard,
        Gateway(http, authorizer=guard) as gateway,
        calling(gateway) as call,
    ):
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer bad"}, 403),
            ({"Authorization": "Bearer good"}, 200),
        ):
            assert (await call.get("/", headers=headers)).status_code == status


def calling(gateway):
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.port}", timeout=60)


def test_an_answer_of_another_form_is_none():
    """The model is as strict as AWS is: what it takes, AWS takes."""
    cases: list[tuple[Form, object]] = [
        ("http", {"statusCode": 200, "multiValueHeaders": {"a": ["b"]}}),
        ("http", {"statusCode": 200, "headers": {"set-cookie": "a=b"}}),
        ("rest", {"statusCode": 200, "cookies": ["a=b"]}),
        ("rest", {"statusCode": 200, "multiValueHeaders": {"a": "b"}}),
        ("alb", {"statusCode": 200, "multiValueHeaders": {"a": ["b"]}}),
        ("alb-multi", {"statusCode": 200, "headers": {"a": "b"}}),
        ("rest", {"statusCode": "200"}),
        ("rest", {"statusCode": 99}),
        ("rest", None),
        ("rest", {"statusCode": 200, "body": {}}),
    ]
    for form, answer in cases:
        with pytest.raises(ValueError):
            answer_of(form, answer)


def test_an_event_is_json():
    for form in FORMS:
        headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2")]
        request = Request("POST", "/p", "a=1&a=%C3%A4", headers, b"\xff", "192.0.2.1")
        event = event_of(form, request, stage="prod")
        assert json.loads(json.dumps(event)) == event
