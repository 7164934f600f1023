"""Guarded routes in the OpenAPI document of the app that they are in."""

from typing import Annotated

import fastapi
import httpx
import litestar
import pytest
from litestar.openapi.config import OpenAPIConfig

from admit import Admit, Principal
from admit.frameworks import fastapi as at_fastapi
from admit.frameworks import litestar as at_litestar
from tests.cheap import cheap
from tests.frameworks.apps import APPS

pytestmark = pytest.mark.anyio

PLACES = {"fastapi": "/openapi.json", "litestar": "/schema/openapi.json"}


async def document(app, place):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        first, again = [(await client.get(place)).json() for _ in range(2)]
    assert first == again
    return first


@pytest.fixture(params=PLACES)
def framework(request):
    return request.param


@pytest.fixture
def auth(tmp_path):
    return Admit(cheap(data_dir=tmp_path, base_url="https://example.com", access_cookie="on"))


async def test_a_guard_is_a_security_scheme(framework, auth):
    found = await document(APPS[framework](auth), PLACES[framework])
    schemes = found["components"]["securitySchemes"]
    for each in schemes.values():
        assert each.pop("description")
    assert schemes == {
        "admit": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "admitCookie": {"type": "apiKey", "in": "cookie", "name": "__Host-Http-admit-access"},
    }


async def test_each_route_says_what_it_needs_and_how_it_refuses(framework, auth):
    paths = (await document(APPS[framework](auth), PLACES[framework]))["paths"]
    for path, roles in (("/page", []), ("/admin", ["admin"]), ("/recent", [])):
        operation = paths[path]["get"]
        assert operation["security"] == [{"admit": roles}, {"admitCookie": roles}], path
        assert {"200", "400", "401", "403", "503"} <= operation["responses"].keys()
        (content,) = operation["responses"]["401"]["content"]
        assert content == "application/problem+json"
    assert paths["/maybe"]["get"]["security"] == [{"admit": []}, {"admitCookie": []}, {}]
    assert "`forbidden`" in paths["/admin"]["get"]["responses"]["403"]["description"]
    assert "`forbidden`" not in paths["/page"]["get"]["responses"]["403"]["description"]
    step_up = "`insufficient_user_authentication`"
    assert step_up in paths["/recent"]["get"]["responses"]["401"]["description"]
    assert step_up not in paths["/page"]["get"]["responses"]["401"]["description"]


async def test_without_the_cookie_there_is_one_scheme_and_no_403(framework, tmp_path):
    auth = Admit(cheap(data_dir=tmp_path))
    found = await document(APPS[framework](auth), PLACES[framework])
    assert set(found["components"]["securitySchemes"]) == {"admit"}
    operation = found["paths"]["/page"]["get"]
    assert operation["security"] == [{"admit": []}]
    assert "403" not in operation["responses"]


async def test_in_litestar_a_path_of_several_methods_says_each_thing_once(auth):
    """Litestar shows a route to its plugins again for each method that is added."""
    guard = at_litestar.Guard(auth)

    @litestar.get("/", guards=[guard.user])
    async def read() -> None: ...

    @litestar.post("/", guards=[guard.user])
    async def write() -> None: ...

    app = litestar.Litestar([read, write], plugins=[guard])
    for operation in (await document(app, "/schema/openapi.json"))["paths"]["/"].values():
        assert operation["security"] == [{"admit": []}, {"admitCookie": []}]


async def test_in_fastapi_scopes_are_roles_that_are_all_needed(auth):
    guard = at_fastapi.Guard(auth)
    app = fastapi.FastAPI(dependencies=[fastapi.Depends(guard.user)])
    at_fastapi.mount(app, auth)

    @app.get("/both", responses={401: {"description": "its own words"}})
    async def both(user: Annotated[Principal, fastapi.Security(guard.user, scopes=["a", "b"])]):
        return user.user_id

    @app.get("/any")
    async def any_() -> None: ...

    paths = (await document(app, "/openapi.json"))["paths"]
    assert paths["/both"]["get"]["security"][0] == {"admit": ["a", "b"]}
    assert paths["/both"]["get"]["responses"]["401"]["description"] == "its own words"
    assert paths["/any"]["get"]["security"][0] == {"admit": []}


async def test_in_litestar_what_the_app_has_stays(auth):
    """Its components, its security, its own responses; and no other app's document changes."""
    guard = at_litestar.Guard(auth)

    @litestar.get("/x", security=[{"other": []}])
    async def own() -> None: ...

    @litestar.get("/y")
    async def free() -> None: ...

    config = OpenAPIConfig(title="theirs", version="7")
    router = litestar.Router("/in", route_handlers=[own], guards=[guard.user])
    app = litestar.Litestar(
        [router, free], plugins=[guard], openapi_config=config, logging_config=None
    )
    at_litestar.mount(app, auth)
    found = await document(app, "/schema/openapi.json")
    assert found["info"]["title"] == "theirs"
    wanted: list[dict[str, list[str]]] = [{"other": []}, {"admit": []}, {"admitCookie": []}]
    assert found["paths"]["/in/x"]["get"]["security"] == wanted
    assert "security" not in found["paths"]["/y"]["get"]
    untouched = await document(
        litestar.Litestar([free], logging_config=None), "/schema/openapi.json"
    )
    assert "securitySchemes" not in untouched["components"]
