"""Every refusal has the same status, headers and body through Lambda as through the server."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest
import uvicorn

from admit import Admit, errors
from admit.aws.api import adapted
from admit.http.app import refusing
from admit.testing import samples
from admit.testing.http_caller import EMAIL, PASSWORD, Service
from admit.tokens.refresh import RefreshTokens, new_handle
from admit.tokens.secret import obtain
from desk.events import FORMS, REMAPPED, renamed
from desk.wire import Response
from tests.aws.carried import CONTEXT, Transport
from tests.live import served

pytestmark = pytest.mark.anyio
ON_THE_WIRE = {"connection", "content-length", "date", "server", "x-request-id"}
"""Written by whoever sends the answer; and the id, which each request has of its own."""
SETTINGS = {"throttle_login": "2/minute", "base_url": "http://localhost:8000"}
ANOTHER = "another horse battery"
JSON = {"Content-Type": "application/json"}
REFUSALS: list[type[errors.Refusal]] = errors.Refusal.__subclasses__()
BY_THEMSELVES = {
    errors.Forbidden.code,
    errors.InsufficientUserAuthentication.code,
    errors.Unavailable.code,
}
"""Not in the story: no route asks for a role, and its store is there."""


async def story(service):
    """Every refusal that requests can bring about, by a name."""
    told = {}

    async def refused(name, method, path, **request):
        told[name] = await service.send(method, path, **request)

    await service.register(EMAIL, "ada")
    live, ended, other = [await service.sign_in() for _ in range(3)]
    await service.send("POST", "/logout", bearer=ended["access_token"])
    token, login = live["refresh_token"], {"login": EMAIL, "password": PASSWORD}
    await refused("not JSON", "POST", "/login", content=b"{", headers=JSON)
    await refused("not UTF-8", "POST", "/login", content=b'{"login": "\xff"}', headers=JSON)
    two = {"json": {"refresh_token": token}, "headers": {"Refresh-Token": token}}
    await refused("two tokens", "POST", "/refresh", **two)
    cookies = [("Cookie", f"{service.refresh_cookie}=a; {service.refresh_cookie}=b")]
    await refused("two cookies", "POST", "/refresh", headers=cookies)
    await refused("wrong login", "POST", "/login", json={**login, "login": "nobody"})
    await refused("no access token", "GET", "/me")
    await refused("no refresh token", "POST", "/refresh")
    await refused("a bad token", "GET", "/me", bearer="a.b.c")
    await refused("an ended session's", "GET", "/me", bearer=ended["access_token"])
    for name, text in (("malformed", "x"), ("signed out", ended["refresh_token"])):
        await refused(name, "POST", "/refresh", json={"refresh_token": text})
    await refused("another site", "POST", "/login", json=login, headers=[("Origin", "https://x")])
    await refused("no such route", "GET", "/nope")
    await refused("no such session", "DELETE", "/sessions/x", bearer=live["access_token"])
    await refused("another method", "PUT", "/login")
    taken = {"email": EMAIL, "username": "ADA", "password": PASSWORD}
    await refused("taken", "POST", "/register", json=taken)
    await refused("too large", "POST", "/login", content=b" " * 65_537, headers=JSON)
    headers = [(f"X-Large-{number}", "x" * 16_000) for number in range(5)]
    await refused("headers too large", "GET", "/me", headers=headers)
    await refused("not a JSON type", "POST", "/login", content=b"{}")
    await refused("wrong fields", "POST", "/register", json={"email": 1, "x": 1})
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    await service.send("POST", "/password", bearer=live["access_token"], json=change)
    body = {"refresh_token": other["refresh_token"]}
    await refused("password changed", "POST", "/refresh", json=body)
    for attempt in range(3):
        await refused(f"attempt {attempt}", "POST", "/login", json=login)
    successor = (await service.refresh(token)).json()["refresh_token"]
    service.clock.advance(60)
    await service.refresh(successor)
    await refused("reuse detected", "POST", "/refresh", json={"refresh_token": token})
    await refused("expired", "GET", "/me", bearer=live["access_token"])
    await refused("revoked", "POST", "/refresh", json={"refresh_token": await revoked(service)})
    await refused("unknown", "POST", "/refresh", json={"refresh_token": of_nobody(service)})
    again = {"login": EMAIL, "password": ANOTHER, "delivery": "body"}
    idle = (await service.send("POST", "/login", json=again)).json()
    service.clock.advance(8 * 86_400)
    body = {"refresh_token": idle["refresh_token"]}
    await refused("long expired", "POST", "/refresh", json=body)
    return told


async def revoked(service):
    """The refresh token of somebody whom an administrator has turned off, from elsewhere."""
    user = await service.register("bob@example.com", "bob")
    login = {"login": "bob", "password": PASSWORD, "delivery": "body"}
    token = (await service.send("POST", "/login", json=login)).json()["refresh_token"]
    async with Admit(service.settings, clock=service.clock) as elsewhere:
        await elsewhere.accounts.set_enabled(user["id"], enabled=False, now=service.clock())
    return token


def of_nobody(service):
    """A genuine refresh token of a session that is not there any more."""
    session = samples.session(expires_at=service.clock() + 60)
    return RefreshTokens(obtain(service.settings)).of(new_handle(), session)


def told_alike(one, other):
    """The two answers differ in nothing but what the wire adds."""
    assert (one.status_code, one.content) == (other.status_code, other.content)
    kept = [
        sorted(
            (name, value) for name, value in each.headers.multi_items() if name not in ON_THE_WIRE
        )
        for each in (one, other)
    ]
    assert kept[0] == kept[1]


@pytest.fixture(scope="module")
def from_the_server(tmp_path_factory):
    """The story as a server over a real connection tells it."""

    async def tell(live):
        async with httpx.AsyncClient(base_url=live.url, timeout=60) as client:
            return await story(Service(client, live.auth, live.clock))

    with served(tmp_path_factory.mktemp("served"), **SETTINGS) as live:
        return asyncio.run(tell(live))


def test_the_story_has_every_code(from_the_server):
    """A code that is added to `errors` has to be added here."""
    told = {each.json()["code"] for each in from_the_server.values()}
    assert told | BY_THEMSELVES == {each.code for each in REFUSALS}
    assert not told & BY_THEMSELVES
    reasons = {each.json().get("reason") for each in from_the_server.values()} - {None}
    assert reasons == {
        "malformed",
        "expired",
        "signed_out",
        "password_changed",
        "reuse_detected",
        "revoked",
        "unknown",
    }


@pytest.mark.parametrize("form", FORMS)
async def test_lambda_tells_the_same_story(form, through, from_the_server):
    async with through(form, **SETTINGS) as service:
        told = await story(service)
    assert told.keys() == from_the_server.keys()
    for name, answer in told.items():
        assert answer.status_code >= 400, name
        told_alike(answer, from_the_server[name])
        assert answer.headers["x-request-id"] == CONTEXT.aws_request_id


@asynccontextmanager
async def serving(app):
    """A server of this app, for the length of a block; its address."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


class OneCall:
    """A function over an app without an engine."""

    def __init__(self, app):
        self._app = app

    async def invoke(self, event):
        return await asyncio.to_thread(self._invoke, event)

    def _invoke(self, event):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return adapted(self._app)(event, SimpleNamespace())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_is_rendered_alike(form, refusal):
    """Also those that no request of the story brings about."""
    allow = "GET, HEAD" if refusal is errors.MethodNotAllowed else None
    made = refusal("Why.") if allow is None else refusal("Why.", allow=allow)
    app = refusing(made)
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=address) as direct,
        httpx.AsyncClient(transport=Transport(OneCall(app), form), base_url=address) as carried,
    ):
        told_alike(await direct.get("/auth/me"), await carried.get("/auth/me"))


def test_a_rest_api_renames_the_challenge_and_nothing_else_of_ours():
    """`x-amzn-remapped-www-authenticate`: documented, and not ours to change."""
    assert "www-authenticate" in REMAPPED
    response = Response(401, [("www-authenticate", "Bearer"), ("cache-control", "no-store")])
    names = [name for name, _ in renamed("rest", response).headers]
    assert names == ["x-amzn-remapped-www-authenticate", "cache-control"]
    assert renamed("http", response) == response
