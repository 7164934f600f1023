"""A directory of its own for each test, the command in this process, and servers that really run.

Nothing here hands time in: the command has no clock but the machine's. What has to be old is put
into the store by an engine whose clock is behind.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import httpx
import pytest
from typer.testing import CliRunner

from admit import Admit
from admit.cli.app import app
from tests.log_search import look_at

PASSWORD = "seven pale lanterns drift"
ADA = "ada@example.com"
PATIENCE = 120
"""Seconds after which what should come about has not, however slow the machine."""
COMMAND = (sys.executable, "-m", "admit.cli")


def no_settings():
    """The environment without anything that sets Admit, or a terminal's width."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ADMIT_") and name not in {"COLUMNS", "NO_COLOR"}
    }


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty directory, which is the current one; nothing is set."""
    for name in os.environ.keys() - no_settings().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run():
    """Runs the command in this process: `run("user", "list")`."""

    def call(*args, stdin=None, code=0):
        result = CliRunner().invoke(app, [*args], input=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def answer(run):
    """The JSON that a command prints: `answer("user", "list")`."""

    def call(*args, stdin=None, code=0):
        return json.loads(run(*args, "--json", stdin=stdin, code=code).stdout)

    return call


@pytest.fixture(scope="session")
def with_ada(tmp_path_factory):
    """A directory in which Ada has an account, to be copied: hashing a password takes a while."""
    directory = tmp_path_factory.mktemp("with_ada")
    made = subprocess.run(
        [*COMMAND, "user", "add", ADA, "--username", "ada", "--json"],
        input=PASSWORD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=directory,
        env=no_settings(),
    )
    return directory, json.loads(made.stdout)


@pytest.fixture
def ada(with_ada, place):
    """Ada, who has an account here."""
    directory, made = with_ada
    shutil.copytree(directory, place, dirs_exist_ok=True)
    return made


@pytest.fixture
def engine():
    """Runs `work(engine)` on the engine of this directory, `ago` seconds before now."""

    def call(work, *, ago=0.0, **settings):
        async def started():
            async with Admit(clock=lambda: time.time() - ago, **settings) as auth:
                return await work(auth)

        return asyncio.run(started())

    return call


@pytest.fixture
def signed_in(engine):
    """The tokens of a sign-in, `ago` seconds before now, by somebody who gave their password."""

    def call(*, ago=0.0, login=ADA, **settings):
        async def work(auth):
            account = await auth.accounts.find(login)
            return await auth.sessions.open(account, now=auth.clock())

        return engine(work, ago=ago, **settings)

    return call


class Server:
    """`admit serve` as a process, and a client that talks to it."""

    def __init__(self, *args, environment=None, cwd="."):
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--log-format", "text", *args],
            cwd=cwd,
            env=no_settings() | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.banner = ""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.banner += line
            if line.startswith("    -d "):  # the end of what to try
                break
        else:
            raise AssertionError(self.banner)
        self.address = self.banner.splitlines()[0].split()[-1]
        self.port = int(self.address.rpartition(":")[2])
        self.client = httpx.Client(base_url=f"{self.address}/auth", timeout=PATIENCE)

    def register(self, email=ADA, **more):
        body = {"email": email, "password": PASSWORD, **more}
        return self.client.post("/register", json=body).raise_for_status().json()["user"]

    def login(self, login=ADA):
        body = {"login": login, "password": PASSWORD, "delivery": "body"}
        return self.client.post("/login", json=body).raise_for_status().json()

    def refresh(self, token, **headers):
        return self.client.post("/refresh", json={"refresh_token": token}, headers=headers)

    def me(self, access_token):
        return self.client.get("/me", headers={"Authorization": f"Bearer {access_token}"})

    def stop(self, how=signal.SIGTERM):
        """End the server by its own pid; return what it said after the banner, and its status."""
        self.client.close()
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=PATIENCE)
        look_at(said)
        return said.strip(), self.process.returncode


@pytest.fixture
def serving(place):
    """Starts a server on a free port; whatever still runs at the end is ended."""
    servers = []

    def start(*args, port=0, **options):
        server = Server("--port", str(port), *args, cwd=place, **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        server.client.close()
        assert server.process.stderr is not None
        server.process.stderr.close()


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Where one server of a module runs."""
    return tmp_path_factory.mktemp("server")


def soon(look):
    """What `look()` returns as soon as that is true; a running server looks twice a second."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        time.sleep(0.05)
    raise AssertionError("it did not come about")
