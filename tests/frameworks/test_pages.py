"""The pages inside an app: they need the setting, and nothing of the app."""

import httpx
import pytest
from flask import Flask
from starlette.applications import Starlette

from admit import Admit
from admit.frameworks import flask as at_flask
from admit.frameworks import starlette as at_starlette
from admit.frameworks.bridge import BRIDGE
from tests.cheap import cheap
from tests.frameworks.wsgi_caller import WSGITransport

pytestmark = pytest.mark.anyio


def in_starlette(auth):
    app = Starlette()
    at_starlette.mount(app, auth)
    return httpx.ASGITransport(app)


def in_flask(auth):
    app = Flask("site")
    at_flask.mount(app, auth)
    return WSGITransport(app)


@pytest.mark.parametrize("inside", [in_starlette, in_flask])
async def test_an_app_has_the_pages_where_it_asks_for_them(tmp_path, inside):
    """With all that they carry: an app's own headers go around, and ours stay."""
    auth = Admit(cheap(data_dir=tmp_path, pages=True))
    async with httpx.AsyncClient(
        transport=inside(auth), base_url="http://localhost:8000"
    ) as browser:
        page = await browser.get("/auth/sign-in?lang=de")
        style = await browser.get("/auth/static/style.css")
        tag = style.headers["etag"]
        again = await browser.get("/auth/static/style.css", headers={"If-None-Match": tag})
        refused = await browser.post("/auth/sign-in")
    if inside is in_flask:
        BRIDGE.call(auth.close())
    else:
        await auth.close()

    assert "<h1>Anmelden</h1>" in page.text
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert (again.status_code, again.content) == (304, b"")
    assert refused.status_code == 405


async def test_an_app_that_does_not_ask_for_them_has_none(tmp_path):
    auth = Admit(cheap(data_dir=tmp_path))
    async with httpx.AsyncClient(
        transport=in_starlette(auth), base_url="http://localhost:8000"
    ) as browser:
        assert (await browser.get("/auth/sign-in")).status_code == 404
    await auth.close()
