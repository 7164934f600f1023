"""The session law over many processes of the function, on one emulated table.

What has to be old is put there by an engine whose clock is behind: the function has the machine's.
"""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from admit import Admit
from admit.testing.http_caller import EMAIL, PASSWORD
from desk.events import answer_of, event_of
from desk.runtime import Function, ProcessEnded
from desk.wire import Listener, Request, Response
from tests.cheap import cheap

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]  # others serve what is called here
SECRET = "a secret of the tests with more than 32 bytes in it"
HOUR = 3_600
PATIENCE = 120
"""Seconds after which what should come about has not, however slow the machine."""
SETTINGS = {"secret": SECRET, "leeway": "1m", "access_ttl": "1h"}
ENVIRONMENT = {f"ADMIT_{name.upper()}": value for name, value in SETTINGS.items()}


@pytest.fixture
def at(dynamodb_url):
    """An engine on the table, so many seconds ago."""

    @asynccontextmanager
    async def engine(ago=0.0):
        settings = cheap(database_url=dynamodb_url, **SETTINGS)
        async with Admit(settings, clock=lambda: time.time() - ago, watch=False) as auth:
            yield auth

    return engine


@pytest.fixture
async def ada(at):
    """Her account."""
    async with at(4 * HOUR) as auth:
        await auth.store.migrate()
        now = auth.clock()
        return await auth.accounts.register(email=EMAIL, password=PASSWORD, now=now)


async def signed_in(auth):
    """The tokens of a session that is opened now."""
    account = await auth.accounts.find(EMAIL)
    return await auth.sessions.open(account, now=auth.clock())


async def refreshed(auth, token):
    """The next token of a session."""
    return (await auth.sessions.refresh(token, now=auth.clock())).refresh_token


class Caller:
    """Calls the function as an HTTP API does, and again where it is told to (503)."""

    def __init__(self, function):
        self._function = function

    async def __call__(self, method, path, *, process=None, body=None, bearer=None):
        headers = [("Authorization", f"Bearer {bearer}")] if bearer else []
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        content = b"" if body is None else json.dumps(body).encode()
        event = event_of("http", Request(method, f"/auth{path}", "", headers, content))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            said = await self._function.invoke(event, process=process)
            answer = answer_of("http", said)
            if answer.status != 503:
                return answer.status, json.loads(answer.body or b"null")
            await asyncio.sleep(0.1)  # a busy machine: an honest client tries again
        raise AssertionError("the function was out for too long")

    async def refresh(self, token, **how):
        return await self("POST", "/refresh", body={"refresh_token": token}, **how)


@asynccontextmanager
async def running(url, processes, **how):
    """The function on this table, and who calls it."""
    environ = {**ENVIRONMENT, "ADMIT_DATABASE_URL": url}
    async with Function(processes=processes, environ=environ, **how) as function:
        await function.ready()
        yield function, Caller(function)


async def test_a_hundred_refreshes_at_once_through_eight_processes(ada, at, dynamodb_url, tmp_path):
    """One successor, whoever asks; the session lives, and its row has moved by one."""
    async with at(HOUR) as auth:
        token = (await signed_in(auth)).refresh_token
    async with running(dynamodb_url, 8, cwd=tmp_path) as (function, call):
        answers = await asyncio.gather(*(call.refresh(token) for _ in range(100)))
        assert {status for status, _ in answers} == {200}
        (successor,) = {body["refresh_token"] for _, body in answers}
        assert successor != token
        assert all(each.invocations for each in function.processes), "each took part"
        for process in range(8):
            bearer = answers[process][1]["access_token"]
            status, body = await call("GET", "/me", bearer=bearer, process=process)
            assert (status, body["user"]["id"]) == (200, ada.id)
    async with at() as auth:
        (session,) = await auth.sessions.list(ada.id, now=auth.clock())
        assert session.generation == 1


async def test_a_thief_is_caught_through_another_process(ada, at, dynamodb_url, tmp_path):
    """And then the session is over for everybody, in every process; another one is not."""
    async with at(3 * HOUR) as auth:
        stolen, other = [(await signed_in(auth)).refresh_token for _ in range(2)]
    async with at(2 * HOUR) as auth:
        once = await refreshed(auth, stolen)
    async with running(dynamodb_url, 8, cwd=tmp_path) as (_, call):
        status, owner = await call.refresh(once, process=0)
        assert status == 200
        bearer = owner["access_token"]
        for process in range(8):  # each has seen it, and remembers it as good
            assert (await call("GET", "/sessions", bearer=bearer, process=process))[0] == 200
        status, body = await call.refresh(stolen, process=1)
        assert (status, body["reason"]) == (401, "reuse_detected")
        for process in range(8):
            status, body = await call.refresh(owner["refresh_token"], process=process)
            assert (status, body["reason"]) == (401, "reuse_detected")
            refused = await until_refused(call, bearer, process)
            assert refused["reason"] == "reuse_detected"
        assert (await call.refresh(other, process=2))[0] == 200


async def until_refused(call, bearer, process):
    """What a process says of an access token, from when it refuses it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status, body = await call("GET", "/sessions", bearer=bearer, process=process)
        if status == 401:
            return body
        await asyncio.sleep(0.05)  # it looks when what it knows is half a second old
    raise AssertionError("it is not refused")


async def test_a_thawed_process_sees_what_was_ended_while_it_was_frozen(
    ada, at, dynamodb_url, tmp_path
):
    """It has the token in its memory as good, and no time of its own in which it could look."""
    async with at() as auth:
        tokens = await signed_in(auth)
    async with running(dynamodb_url, 2, frozen=True, cwd=tmp_path) as (function, call):
        bearer = tokens.access_token
        assert (await call("GET", "/sessions", bearer=bearer, process=0))[0] == 200
        await function.processes[0].idle()
        assert (await call("POST", "/logout", bearer=bearer, process=1))[0] == 204
        await asyncio.sleep(0.6)  # longer than the bound: its first answer is the right one
        status, body = await call("GET", "/sessions", bearer=bearer, process=0)
        assert (status, body["reason"]) == (401, "signed_out")


class Between:
    """Stands between the function and the table, and can hold a write or its answer."""

    def __init__(self, endpoint):
        self._client = httpx.AsyncClient(base_url=endpoint, timeout=PATIENCE)
        self.holds = ""
        self.held = asyncio.Event()

    async def answer(self, request):
        """What the table says; where a write is held, before it gets there or after."""
        writes = any(value.endswith(".UpdateItem") for _, value in request.headers)
        if writes and self.holds == "the write":
            await self._hold()
        answer = await self._client.request(
            request.method, request.path, content=request.body, headers=request.headers
        )
        if writes and self.holds == "the answer":
            await self._hold()
        kept = [
            (name, value)
            for name, value in answer.headers.multi_items()
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}
        ]
        return Response(answer.status_code, kept, answer.content)

    async def _hold(self):
        self.held.set()
        await asyncio.Event().wait()  # until the connection is gone

    async def close(self):
        await self._client.aclose()


@pytest.mark.parametrize("holds", ["the write", "the answer"])
@pytest.mark.usefixtures("ada")
async def test_a_process_killed_in_the_middle_of_a_refresh(
    holds, at, dynamodb_url, moto_server, tmp_path
):
    """Whether its write was made or not, the client's next try gets the one successor."""
    async with at(HOUR) as auth:
        token = (await signed_in(auth)).refresh_token
    between = Between(moto_server.endpoint)
    async with Listener(between.answer) as listener:
        url = dynamodb_url.replace(moto_server.endpoint, f"http://127.0.0.1:{listener.port}")
        assert url != dynamodb_url
        async with running(url, 2, cwd=tmp_path) as (function, call):
            assert (await call("GET", "/.well-known/jwks.json", process=0))[0] == 200
            between.holds = holds
            trying = asyncio.create_task(call.refresh(token, process=0))
            await asyncio.wait_for(between.held.wait(), PATIENCE)
            await function.processes[0].kill()
            with pytest.raises(ProcessEnded):
                await trying
            between.holds = ""
            status, body = await call.refresh(token, process=1)
            assert status == 200
            again = await call.refresh(token, process=0)  # started anew
            assert again[1]["refresh_token"] == body["refresh_token"] != token
    await between.close()
    async with at() as auth:
        account = await auth.accounts.find(EMAIL)
        (session,) = await auth.sessions.list(account.user.id, now=auth.clock())
        assert session.generation == 1
