"""The code on the pages of the frameworks is code, and does what it says there."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"

LOCAL = "http://localhost"

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["fastapi", "starlette", "litestar"])
async def test_the_app_of_a_page_is_guarded(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    page: Any = ModuleType(f"page_of_{name}")
    monkeypatch.setitem(sys.modules, page.__name__, page)  # annotations are looked up there
    exec(compile(code, f"docs/{name}.md", "exec"), page.__dict__)
    body = {"email": "ada@example.com", "password": "seven pale lanterns drift"}
    login = {"login": body["email"], "password": body["password"], "delivery": "body"}
    transport = httpx.ASGITransport(page.app)
    async with page.auth, httpx.AsyncClient(transport=transport, base_url=LOCAL) as client:
        assert (await client.get("/orders")).status_code == 401
        user = (await client.post("/auth/register", json=body)).json()["user"]
        token = (await client.post("/auth/login", json=login)).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/orders", headers=bearer)).json() == {"orders_of": user["id"]}
