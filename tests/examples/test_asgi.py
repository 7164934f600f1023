"""The examples of FastAPI, Litestar and Starlette, as a reader starts them: with one command."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from admit import Admit
from tests.servers import PATIENCE, free_port

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = Path(sys.executable).parent
CREDENTIALS = {"email": "ada@example.com", "password": "seven pale lanterns drift"}
LOGIN = {"login": CREDENTIALS["email"], "password": CREDENTIALS["password"]}
ENVIRON = {name: text for name, text in os.environ.items() if not name.startswith("ADMIT_")}
SAME = {"Sec-Fetch-Site": "same-origin"}


@contextmanager
def started(folder, data):
    """The address of the example, started by the command of its README, for a block."""
    readme = (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^uvicorn (.+)$", readme, re.MULTILINE)
    port = free_port()
    log = data / "log"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [COMMANDS / "uvicorn", *command.split(), "--port", str(port)],
            cwd=data,
            env=ENVIRON | {"ADMIT_BASE_URL": f"http://localhost:{port}"},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(port, process, log)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) in {0, -signal.SIGTERM}, log.read_text()
    assert "Traceback" not in log.read_text()


def wait_for(port, process, log):
    """It listens once it has started."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            time.sleep(0.05)  # a process that starts has no event to wait for
        else:
            return
    pytest.fail(f"the example was not ready:\n{log.read_text()}")


async def behind(data, address):
    """Give the role, as `admit user role` does; the access token of a sign-in six minutes ago."""
    async with Admit(data_dir=data / "admit-data", base_url=address) as auth:
        account = await auth.accounts.find(CREDENTIALS["email"])
        assert account
        await auth.accounts.set_roles(account.user.id, add=("staff",), remove=(), now=time.time())
        tokens = await auth.sessions.sign_in(
            login=LOGIN["login"], password=LOGIN["password"], now=time.time() - 360
        )
    return tokens.access_token


@pytest.mark.parametrize("folder", ["fastapi", "litestar"])
def test_orders_are_taken_from_whom_they_may_be(folder, tmp_path):
    """Register, sign in, order, be refused, get a role, be renewed, and sign out."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with (
        started(folder, tmp_path) as address,
        httpx.Client(base_url=address, timeout=PATIENCE) as client,
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
        with httpx.Client(base_url=address, timeout=PATIENCE, headers=old) as long_ago:
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
