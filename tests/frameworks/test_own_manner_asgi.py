"""What is one framework's own manner: scopes, routers, classes, layers."""

from typing import Annotated

import fastapi
import httpx
import litestar
import pytest
from fastapi import Depends, Security
from litestar.di import NamedDependency
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from admit import Admit, Principal
from admit.errors import Forbidden, Unauthenticated
from admit.frameworks import fastapi as at_fastapi
from admit.frameworks import litestar as at_litestar
from admit.frameworks import starlette as at_starlette
from tests.cheap import cheap
from tests.frameworks.sockets import answered, shake_hands

pytestmark = pytest.mark.anyio

BODY = {"email": "ada@example.com", "password": "correct horse battery"}
LOGIN = {"login": BODY["email"], "password": BODY["password"], "delivery": "body"}


@pytest.fixture
async def auth(tmp_path):
    async with Admit(cheap(data_dir=tmp_path, throttle="off")) as auth:
        yield auth


class Caller:
    """Calls an app, as somebody whose roles change."""

    def __init__(self, app, auth):
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost:8000"
        )
        self.auth = auth
        self.headers = {}

    async def sign_in(self, *roles):
        answer = await self.client.post("/auth/register", json=BODY)
        if answer.status_code == 201:
            self.user = answer.json()["user"]["id"]
        now = self.auth.clock()
        await self.auth.accounts.set_roles(self.user, add=roles, remove=(), now=now)
        tokens = (await self.client.post("/auth/login", json=LOGIN)).json()
        self.headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    async def json(self, path):
        return (await self.client.get(path, headers=self.headers)).json()

    async def status(self, path, **given):
        return (await self.client.get(path, headers=self.headers, **given)).status_code


async def test_fastapis_scopes_are_roles_and_are_never_left_out(auth):
    """`Security(guard.user, scopes=…)` that let everybody in would be a hole in silence."""
    guard = at_fastapi.Guard(auth)
    app = fastapi.FastAPI()
    at_fastapi.mount(app, auth)

    @app.get("/both")
    async def both(_: Annotated[Principal, Security(guard.user, scopes=["a", "b"])]) -> None: ...

    @app.get("/optional")
    async def optional(_: Annotated[object, Security(guard.optional, scopes=["a"])]) -> None: ...

    inner = fastapi.APIRouter(dependencies=[Security(guard.user, scopes=["b"])])

    @inner.get("/inner")
    async def within(_: Annotated[Principal, Depends(guard.user)]) -> None: ...

    app.include_router(inner)
    caller = Caller(app, auth)
    assert await caller.status("/optional") == 401
    for role, statuses in ((), (403, 403, 403)), (("a",), (403, 200, 403)), (("b",), (200,) * 3):
        await caller.sign_in(*role)
        found = [await caller.status(path) for path in ("/both", "/optional", "/inner")]
        assert tuple(found) == statuses, role


async def test_in_fastapi_a_guard_that_was_not_called_is_a_mistake(auth):
    """FastAPI would ask the query for a role, make a guard by it, and let everybody in."""
    guard = at_fastapi.Guard(auth)
    for uncalled in (guard.role, guard.recent, guard.needs):
        with pytest.raises(TypeError, match="was not called"):
            fastapi.APIRouter().add_api_route("/open", print, dependencies=[Depends(uncalled)])


async def test_in_fastapi_what_nobody_mounted_says_what_is_missing(auth):
    app = fastapi.FastAPI(dependencies=[Depends(at_fastapi.Guard(auth).user)])
    app.add_api_route("/page", lambda: "")
    with pytest.raises(Unauthenticated) as raised:
        await Caller(app, auth).status("/page")
    assert "call mount(app, auth)" in raised.value.__notes__[0]


async def test_in_litestar_what_nobody_mounted_says_what_is_missing(auth):
    @litestar.get("/page", guards=[at_litestar.Guard(auth).user])
    async def page() -> None: ...

    seen = []
    app = litestar.Litestar(
        [page], after_exception=[lambda error, _: seen.append(error)], logging_config=None
    )
    assert await Caller(app, auth).status("/page") == 500
    assert "call mount(app, auth)" in seen[0].__notes__[0]


async def test_in_fastapi_a_whole_app_is_guarded_and_signing_in_is_not(auth):
    guard = at_fastapi.Guard(auth)
    app = fastapi.FastAPI(dependencies=[Depends(guard.user)])
    at_fastapi.mount(app, auth)

    @app.get("/page")
    async def page() -> None: ...

    @app.websocket("/socket")
    async def socket(websocket: fastapi.WebSocket) -> None:
        await websocket.accept()

    caller = Caller(app, auth)
    assert await caller.status("/page") == 401
    assert answered(await shake_hands(app))[0] == 401
    await caller.sign_in()
    assert await caller.status("/page") == 200


async def test_in_fastapi_a_test_may_stand_in_for_a_guard(auth):
    """`app.dependency_overrides`, as its users know it."""
    guard = at_fastapi.Guard(auth)
    app = fastapi.FastAPI()
    at_fastapi.mount(app, auth)

    @app.get("/page")
    async def page(user: Annotated[str, Depends(guard.user)]) -> str:
        return user

    app.dependency_overrides[guard.user] = lambda: "ada"
    assert (await Caller(app, auth).client.get("/page")).json() == "ada"


async def test_in_starlette_classes_are_guarded_by_their_methods(auth):
    guard = at_starlette.Guard(auth)

    class Socket(WebSocketEndpoint):
        @guard.user
        async def on_connect(self, websocket):
            await websocket.accept()

    app = Starlette(routes=[WebSocketRoute("/socket", Socket)])
    at_starlette.mount(app, auth)
    assert answered(await shake_hands(app))[0] == 401
    with pytest.raises(TypeError, match="`request` or `websocket`"):
        guard.user(lambda: None)


async def test_in_starlette_the_caller_is_the_requests_user_unless_the_app_has_its_own(auth):
    """Each guard says it anew, so nobody is taken for whom an outer guard of others let in."""
    guard = at_starlette.Guard(auth)

    async def who(request):
        found = request.user
        told = None if found is None else getattr(found, "user_id", "the app's own")
        return JSONResponse([told, request.state.principal and request.state.principal.user_id])

    class Own(AuthenticationBackend):
        async def authenticate(self, conn):
            return AuthCredentials(), SimpleUser("own")

    async def after_another(request):
        request.scope["user"] = Principal(
            user_id="another",
            session_id="",
            roles=(),
            auth_time=0,
            version=0,
            expires_at=0,
            payload=b"",
        )
        return await guard.user(who)(request)

    routes = [
        Route("/user", guard.user(who)),
        Route("/optional", guard.optional(who)),
        Route("/another", after_another),
    ]
    app = Starlette(routes=routes)
    at_starlette.mount(app, auth)
    caller = Caller(app, auth)
    await caller.sign_in()
    assert await caller.json("/user") == [caller.user, caller.user]
    assert await caller.json("/another") == [caller.user, caller.user]
    anybody = caller.headers
    caller.headers = {}
    assert await caller.json("/optional") == [None, None]
    caller.headers = anybody
    own = Middleware(AuthenticationMiddleware, backend=Own())
    with_own = Starlette(routes=routes, middleware=[own])
    at_starlette.mount(with_own, auth)
    caller.client = Caller(with_own, auth).client
    assert await caller.json("/user") == ["the app's own", caller.user]


async def test_in_starlette_a_refusal_in_an_open_websocket_closes_it(auth):
    async def socket(websocket):
        await websocket.accept()
        raise Forbidden

    app = Starlette(routes=[WebSocketRoute("/socket", socket)])
    at_starlette.mount(app, auth)
    accepted, closed = await shake_hands(app)
    assert accepted["type"] == "websocket.accept"
    assert closed == {"type": "websocket.close", "code": 1008, "reason": "forbidden"}


async def test_in_litestar_a_whole_app_is_guarded_and_signing_in_is_not(auth):
    guard = at_litestar.Guard(auth)

    @litestar.get("/page")
    async def page(principal: NamedDependency[Principal]) -> str:
        return principal.user_id

    @litestar.websocket("/socket")
    async def socket(socket: litestar.WebSocket) -> None:
        await socket.accept()

    router = litestar.Router("/in", route_handlers=[page], guards=[guard.role("a")])
    app = litestar.Litestar(
        [page, socket, router], plugins=[guard], guards=[guard.user], logging_config=None
    )
    at_litestar.mount(app, auth)
    caller = Caller(app, auth)
    assert await caller.status("/page") == 401
    assert answered(await shake_hands(app))[0] == 401
    await caller.sign_in()
    assert [await caller.status(path) for path in ("/page", "/in/page")] == [200, 403]
    await caller.sign_in("a")
    assert await caller.status("/in/page") == 200


async def test_in_litestar_the_dependency_guards_where_no_guard_does(auth):
    """Of requests and of WebSockets: whoever asks who calls means somebody."""
    guard = at_litestar.Guard(auth)

    @litestar.get("/page")
    async def page(principal: NamedDependency[Principal]) -> str:
        return principal.user_id

    @litestar.websocket("/socket")
    async def socket(socket: litestar.WebSocket, principal: NamedDependency[Principal]) -> None:
        await socket.accept()

    app = litestar.Litestar([page, socket], plugins=[guard], logging_config=None)
    at_litestar.mount(app, auth)
    assert await Caller(app, auth).status("/page") == 401
    assert answered(await shake_hands(app))[0] == 401


@pytest.mark.parametrize("answers", [True, False])
async def test_a_guard_that_nobody_mounted_lets_nobody_in(auth, answers):
    """It fails, visibly and closed."""
    guards = at_starlette.Guard(auth), at_litestar.Guard(auth)
    ran = []

    @guards[0].user
    async def at_starlettes(websocket):
        ran.append(websocket)

    @litestar.websocket("/socket", guards=[guards[1].user])
    async def at_litestars(socket: litestar.WebSocket) -> None:
        ran.append(socket)

    starlette = Starlette(routes=[WebSocketRoute("/socket", at_starlettes)])
    with pytest.raises(Unauthenticated) as raised:
        await shake_hands(starlette, answers=answers)
    assert "call mount(app, auth)" in raised.value.__notes__[0]
    app = litestar.Litestar([at_litestars], logging_config=None)
    (closed,) = await shake_hands(app, answers=answers)
    assert closed["type"] == "websocket.close"
    assert not ran
