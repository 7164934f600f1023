"""Where Admit stands in an app: its own paths, the app's lifespan, the app's own handlers."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import httpx
import litestar
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from admit import Admit, SettingsError
from admit.frameworks import fastapi as at_fastapi
from admit.frameworks import litestar as at_litestar
from admit.frameworks import starlette as at_starlette
from admit.guards.gate import Gate
from tests.cheap import cheap
from tests.frameworks.apps import APPS
from tests.live import served_app

pytestmark = pytest.mark.anyio

PATIENCE = 60.0


class Running:
    """An app whose lifespan is run by hand, as a server does."""

    def __init__(self, app):
        self.said = []
        self._told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._task = asyncio.create_task(
            app(
                {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}},
                self._told.get,
                self._hear,
            )
        )

    async def _hear(self, message):
        await self._heard.put(message)

    async def tell(self, what):
        await self._told.put({"type": f"lifespan.{what}"})
        async with asyncio.timeout(PATIENCE):
            return (await self._heard.get())["type"]


@pytest.fixture
def auth(tmp_path):
    return Admit(cheap(data_dir=tmp_path))


def app_with_lifespan(framework, auth, said) -> Any:
    @asynccontextmanager
    async def lifespan(_):
        said.append(("up", auth.ready))
        yield
        said.append(("down", auth.ready))

    app: Any
    if framework == "fastapi":
        app = fastapi.FastAPI(lifespan=lifespan)
        at_fastapi.mount(app, auth)
    elif framework == "starlette":
        app = Starlette(lifespan=lifespan)
        at_starlette.mount(app, auth)
    else:
        app = litestar.Litestar(lifespan=[lifespan], logging_config=None)
        at_litestar.mount(app, auth)
    return app


async def test_it_starts_and_ends_with_the_app_whose_own_lifespan_stays(framework, auth):
    said: list[tuple[str, bool]] = []
    app = app_with_lifespan(framework, auth, said)
    running = Running(app)
    assert await running.tell("startup") == "lifespan.startup.complete"
    assert auth.ready
    assert await running.tell("shutdown") == "lifespan.shutdown.complete"
    assert not auth.ready
    assert said == [("up", said[0][1]), ("down", True)], "it ends after the app, which may need it"
    again = Running(app)  # as test clients do
    assert await again.tell("startup") == "lifespan.startup.complete"
    assert auth.ready
    assert await again.tell("shutdown") == "lifespan.shutdown.complete"


async def test_a_store_that_is_out_does_not_keep_the_app_from_starting(framework, caplog):
    secret = ("of-thirty-two-bytes-or-more-0123456789",)
    auth = Admit(database_url="postgresql://app@127.0.0.1:1/none", secret=secret)
    running = Running(APPS[framework](auth))
    assert await running.tell("startup") == "lifespan.startup.complete"
    assert "started without the store" in caplog.text
    assert await running.tell("shutdown") == "lifespan.shutdown.complete"


@pytest.mark.parametrize("prefix", ["/auth", "/api/v1/auth"])
async def test_no_route_of_the_app_stands_before_ours(framework, tmp_path, prefix):
    """Not under the prefix, whenever it was added; one that only begins alike is the app's."""
    auth = Admit(cheap(data_dir=tmp_path, prefix=prefix))
    app = shadowing(framework, auth, prefix)
    transport = httpx.ASGITransport(app)
    async with (
        auth,
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        for path in (f"{prefix}/me", prefix, f"{prefix}/", f"{prefix}/other", f"{prefix}//me"):
            answer = await client.get(path)
            assert answer.headers["content-type"] == "application/problem+json", path
            assert answer.status_code in {401, 404}, path
        assert (await client.get(f"{prefix}ors")).text == "the app's"
        assert (await client.get("/healthz")).status_code == 404


def shadowing(framework, auth, prefix) -> Any:
    """An app with routes of its own at our paths, before the mount and, where it can, after."""
    app: Any
    paths = (f"{prefix}/me", f"{prefix}/other", prefix, f"{prefix}ors")
    if framework == "litestar":

        @litestar.get([*paths, "/{rest:path}"], media_type="text/plain", sync_to_thread=False)
        def theirs(request: litestar.Request) -> str:
            if request.url.path == "/healthz":
                raise litestar.exceptions.NotFoundException
            return "the app's"

        app = litestar.Litestar([theirs], logging_config=None)
        at_litestar.mount(app, auth)
        return app

    def endpoint(request: fastapi.Request):
        return PlainTextResponse("the app's")

    def routes():
        return [Route(path, endpoint) for path in paths]

    if framework == "starlette":
        app = Starlette(routes=routes())
        at_starlette.mount(app, auth)
    else:
        app = fastapi.FastAPI(routes=routes())
        at_fastapi.mount(app, auth)
    app.router.routes.extend(routes())
    return app


async def test_an_app_that_runs_already_is_too_late(auth):
    """Its answers to refusals are fixed by then: each would be a 500."""
    app = fastapi.FastAPI()
    await Running(app).tell("startup")
    with pytest.raises(RuntimeError, match="before the app starts"):
        at_fastapi.mount(app, auth)


def test_an_empty_prefix_is_refused(framework, tmp_path):
    """It would leave the app no path of its own."""
    auth = Admit(cheap(data_dir=tmp_path, prefix=""))
    with pytest.raises(SettingsError, match="ADMIT_PREFIX"):
        APPS[framework](auth)


async def test_what_our_routes_answer_is_out_of_reach_for_the_apps_handlers(framework, auth):
    """The app's page for 404 and 500 is the app's: under the prefix the contract holds."""
    app: Any = APPS[framework](auth)
    if framework == "litestar":
        app.exception_handlers[404] = lambda *_: litestar.Response("theirs", status_code=404)
    else:
        app.add_exception_handler(404, lambda *_: PlainTextResponse("theirs", 404))
    transport = httpx.ASGITransport(app)
    async with (
        auth,
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        assert "theirs" in (await client.get("/nowhere")).text
        assert (await client.get("/auth/nowhere")).json()["code"] == "not_found"
        assert (await client.delete("/auth/me")).json()["code"] == "method_not_allowed"


class Elsewhere:
    """What a `Verifier` is to a framework: a gate, and a start and an end, and no routes."""

    def __init__(self, auth):
        self.gate = Gate(auth)
        self.said = []

    async def __aenter__(self):
        self.said.append("up")
        return self

    async def __aexit__(self, *_):
        self.said.append("down")


async def test_a_verifier_has_guards_and_no_routes(framework, auth):
    verifier = Elsewhere(auth)
    app = APPS[framework](verifier, at_root=True)
    running = Running(app)
    await running.tell("startup")
    transport = httpx.ASGITransport(app)
    async with (
        auth,
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
    ):
        answer = await client.get("/page")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        for path in ("/auth/me", "/healthz"):
            assert (await client.get(path)).status_code == 404
    await running.tell("shutdown")
    assert verifier.said == ["up", "down"]


@pytest.mark.parametrize("framework", list(APPS))
async def test_six_pages_at_once_over_a_real_server(framework, tmp_path):
    """Each on a connection of its own, in the order that the machine likes."""
    auth = Admit(cheap(data_dir=tmp_path, access_cookie="on", access_ttl=1))
    with served_app(APPS[framework](auth)) as url:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            body = {"email": "ada@example.com", "password": "correct horse battery"}
            assert (await client.post("/auth/register", json=body)).status_code == 201
            login = {"login": body["email"], "password": body["password"]}
            assert (await client.post("/auth/login", json=login)).status_code == 200
            parent = client.cookies["admit-refresh"]
            del client.cookies["admit-access"]
            cookies = {"Cookie": f"admit-refresh={parent}"}
            client.cookies.clear()
            answers = await asyncio.gather(
                *[client.get("/page", headers=cookies) for _ in range(6)]
            )
            assert [each.status_code for each in answers] == [200] * 6
            set_ = {each.cookies["admit-refresh"] for each in answers}
            assert len(set_) == 1
            assert set_ != {parent}
            client.cookies.clear()
            successor = {"Cookie": f"admit-refresh={set_.pop()}"}
            assert (await client.get("/page", headers=successor)).status_code == 200
