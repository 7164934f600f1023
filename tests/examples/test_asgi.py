"""The examples of FastAPI, Litestar and Starlette, as a reader starts them: with one command."""

import asyncio
import re
import time
from contextlib import contextmanager

import pytest

from admit import Admit
from tests.examples.serving import (
    COMMANDS,
    CREDENTIALS,
    LOGIN,
    ROOT,
    SAME,
    asking,
    serving,
    signed_in_long_ago,
)
from tests.servers import KeptPort


@contextmanager
def started(folder, data):
    """The address of the example, started by the command of its README, for a block."""
    readme = (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^uvicorn (.+)$", readme, re.MULTILINE)
    with KeptPort() as port:
        words = [COMMANDS / "uvicorn", *command.split(), "--port", str(port)]
        with serving(words, port, data) as address:
            yield address


async def behind(data, address):
    """Give the role, as `admit user role` does; the access token of a sign-in six minutes ago."""
    async with Admit(data_dir=data / "admit-data", base_url=address) as auth:
        account = await auth.accounts.find(CREDENTIALS["email"])
        assert account
        await auth.accounts.set_roles(account.user.id, add=("staff",), remove=(), now=time.time())
        return await signed_in_long_ago(auth)


@pytest.mark.parametrize("folder", ["fastapi", "litestar"])
def test_orders_are_taken_from_whom_they_may_be(folder, tmp_path):
    """Register, sign in, order, be refused, get a role, be renewed, and sign out."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with (
        started(folder, tmp_path) as address,
        asking(address) as client,
    ):
        assert "Sign in, and order" in client.get("/").text
        assert client.get("/orders").json()["code"] == "unauthenticated"
        assert client.post("/auth/register", json=CREDENTIALS).status_code == 201
        assert client.post("/auth/login", json=LOGIN).status_code == 200
        tea = client.post("/orders", json={"what": "tea"}, headers=SAME)
        assert (tea.status_code, tea.json()) == (201, ["tea"])
        assert "You have 1." in client.get("/").text
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        trap = client.post("/orders", json={"what": "a trap"}, headers=elsewhere)
        assert (trap.status_code, trap.json()["code"]) == (403, "csrf_failed")
        staff = client.get("/staff/orders")
        assert (staff.status_code, staff.json()["code"]) == (403, "forbidden")

        token = asyncio.run(behind(tmp_path, address))
        assert client.post("/auth/login", json=LOGIN).status_code == 200
        assert list(client.get("/staff/orders").json().values()) == [["tea"]]

        old = {"Authorization": f"Bearer {token}"}
        with asking(address, headers=old) as long_ago:
            assert long_ago.get("/orders").json() == ["tea"]
            step_up = long_ago.delete("/orders")
        assert step_up.status_code == 401
        assert step_up.json()["code"] == "insufficient_user_authentication"

        del client.cookies["admit-access"]
        page = client.get("/", headers={**SAME, "Sec-Fetch-Mode": "navigate"})
        assert "You have 1." in page.text
        assert page.cookies["admit-access"]
        assert client.delete("/orders", headers=SAME).status_code == 204
        assert client.get("/orders").json() == []
        assert client.post("/auth/logout", headers=SAME).status_code == 204
        assert "Sign in, and order" in client.get("/").text
