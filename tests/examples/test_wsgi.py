"""The examples of Flask and Django, as a reader starts them: by the command of their README."""

import asyncio
import re
import shlex
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from admit import Admit
from tests.examples.serving import (
    CREDENTIALS,
    ENVIRON,
    LOGIN,
    ROOT,
    SAME,
    asking,
    serving,
    signed_in_long_ago,
)
from tests.servers import KeptPort


def commands(folder):
    readme = (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")
    return [block.strip() for block in re.findall(r"```sh\n(.+?)```", readme, re.DOTALL)]


@contextmanager
def started(folder, data):
    """The address of the example, for a block."""
    with KeptPort() as port:
        shell = f"exec env {commands(folder)[0]} --bind 127.0.0.1:{port}"
        with serving(["/bin/sh", "-c", shell], port, data) as address:
            yield address


async def long_ago(data, address):
    """The access token of a sign-in six minutes ago."""
    async with Admit(data_dir=data / "admit-data", base_url=address) as auth:
        return await signed_in_long_ago(auth)


def give_role(folder, data, address):
    """By the command of the README where it has one, else by the command `admit`."""
    command = [*commands(folder), "admit user role ada@example.com --add staff"][1]
    subprocess.run(
        shlex.split(command), cwd=data, env=ENVIRON | {"ADMIT_BASE_URL": address}, check=True
    )


def sent(client, form, what, headers):
    """The answer to an order, in JSON or as a form."""
    given: dict[str, Any] = {form: {"what": what}}
    return client.post("/orders", headers=headers, **given)


@pytest.mark.parametrize(
    ("folder", "made", "forget"),
    [("flask", 201, ("DELETE", "/orders")), ("django", 200, ("POST", "/orders/forget"))],
)
def test_orders_are_taken_from_whom_they_may_be(folder, made, forget, tmp_path):
    """Register, sign in, order, be refused, get a role, be renewed, and sign out."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with (
        started(folder, tmp_path) as address,
        asking(address) as client,
    ):
        send = partial(sent, client, "json" if folder == "flask" else "data")
        assert "Sign in, and order" in client.get("/").text
        assert client.get("/orders").json()["code"] == "unauthenticated"
        assert client.post("/auth/register", json=CREDENTIALS).status_code == 201
        assert client.post("/auth/login", json=LOGIN).status_code == 200
        tea = send("tea", SAME)
        assert (tea.status_code, tea.json()) == (made, ["tea"])
        assert "You have 1." in client.get("/").text
        trap = send("a trap", {"Sec-Fetch-Site": "cross-site"})
        assert (trap.status_code, trap.json()["code"]) == (403, "csrf_failed")
        staff = client.get("/staff/orders")
        assert (staff.status_code, staff.json()["code"]) == (403, "forbidden")

        give_role(folder, tmp_path, address)
        token = asyncio.run(long_ago(tmp_path, address))
        assert client.post("/auth/login", json=LOGIN).status_code == 200
        assert list(client.get("/staff/orders").json().values()) == [["tea"]]

        old = {"Authorization": f"Bearer {token}"}
        with asking(address, headers=old) as another:
            assert another.get("/orders").json() == ["tea"]
            step_up = another.request(*forget)
        assert step_up.status_code == 401
        assert step_up.json()["code"] == "insufficient_user_authentication"

        del client.cookies["admit-access"]
        page = client.get("/", headers={**SAME, "Sec-Fetch-Mode": "navigate"})
        assert "You have 1." in page.text
        assert page.cookies["admit-access"]
        assert client.request(*forget, headers=SAME).status_code == 204
        assert client.get("/orders").json() == []
        assert client.post("/auth/logout", headers=SAME).status_code == 204
        assert "Sign in, and order" in client.get("/").text


@pytest.mark.parametrize("folder", ["flask", "django"])
def test_an_example_is_short(folder):
    """At most 60 lines of Python, or nobody reads it."""
    files = (ROOT / "examples" / folder).glob("*.py")
    assert sum(len(each.read_text(encoding="utf-8").splitlines()) for each in files) <= 60
