"""`kill -9` of the server between any two requests: nobody is signed out, nothing is lost."""

import signal
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from uuid import uuid4

import httpx
import pytest

from tests.cli.conftest import Server, soon
from tests.law.ledger import claims_of

NO_LEEWAY = {"ADMIT_LEEWAY": "0"}
"""Each refresh is a write then, and whoever gets through does so by the law, not by being quick."""


class Mortal:
    """`admit serve`, to be killed and started again on the same directory and port."""

    def __init__(self, directory):
        self.directory = directory
        self.now = self._start(0)

    def _start(self, port):
        return Server("--port", str(port), cwd=self.directory, environment=NO_LEEWAY)

    def killed(self):
        """The next server, after this one was killed and had nothing to say."""
        assert self.now.stop(signal.SIGKILL) == ("", -signal.SIGKILL)
        self._close()
        self.now = self._start(self.now.port)
        return self.now

    def end(self):
        if self.now.process.poll() is None:
            self.now.stop()
        self._close()

    def _close(self):
        self.now.client.close()
        assert self.now.process.stderr is not None
        self.now.process.stderr.close()


@pytest.fixture
def mortal(tmp_path):
    mortal = Mortal(tmp_path)
    yield mortal
    mortal.end()


def test_between_any_two_requests(mortal):
    """Every answer was on the disk before it was given."""
    user = mortal.now.register(username="ada")
    first = mortal.killed().login("ada")
    other = mortal.killed().login("ada")
    key = {"Idempotency-Key": "k"}
    parent = first["refresh_token"]
    second = mortal.killed().refresh(parent, **key).raise_for_status().json()
    again = mortal.killed().refresh(parent, **key).raise_for_status().json()
    assert again["refresh_token"] == second["refresh_token"]
    third = mortal.killed().refresh(second["refresh_token"]).raise_for_status().json()

    server = mortal.killed()
    for tokens in (first, other, second, third):
        assert server.me(tokens["access_token"]).raise_for_status().json()["user"] == user
    headers = {"Authorization": f"Bearer {third['access_token']}"}
    sessions = server.client.get("/sessions", headers=headers).json()["sessions"]
    assert sorted(each["current"] for each in sessions) == [False, True]
    assert server.client.post("/logout", headers=headers).status_code == 204

    server = mortal.killed()
    assert server.me(third["access_token"]).json()["reason"] == "signed_out"
    assert server.refresh(third["refresh_token"]).json()["reason"] == "signed_out"
    assert server.refresh(other["refresh_token"]).status_code == 200


class Device:
    """An honest client: it retries a refresh whose answer it never saw, with the same key."""

    def __init__(self, tokens):
        self.token = tokens["refresh_token"]
        self.access_token = tokens["access_token"]
        self.key = uuid4().hex
        self.refreshed = 0

    def refresh(self, server):
        answered = server.refresh(self.token, **{"Idempotency-Key": self.key})
        assert answered.status_code == 200, answered.text
        self.token = answered.json()["refresh_token"]
        self.access_token = answered.json()["access_token"]
        self.key = uuid4().hex
        self.refreshed += 1

    def refresh_until_it_dies(self, server, begin):
        begin.wait()
        try:
            while True:
                self.refresh(server)
        except httpx.TransportError:
            pass  # no answer: nobody knows whether that refresh was written

    def refresh_unheard(self, connection):
        """Ask, and read no answer."""
        connection.sendall(
            f"POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
            f"Refresh-Token: {self.token}\r\nIdempotency-Key: {self.key}\r\n\r\n".encode()
        )

    def generation(self, directory):
        """How often the row of its session says that it was refreshed."""
        with closing(sqlite3.connect(directory / "admit-data" / "admit.db", timeout=30)) as db:
            asked = "SELECT generation FROM sessions WHERE id = ?"
            return db.execute(asked, [claims_of(self.access_token)["sid"]]).fetchone()[0]


def test_during_a_burst_of_refreshes_every_answered_token_still_works(mortal):
    """And the one whose answer was lost, though it was written, is good for a retry."""
    server = mortal.now
    server.register()
    unheard, *others = devices = [Device(server.login()) for _ in range(8)]
    begin = Barrier(len(others))
    with (
        ThreadPoolExecutor(len(others)) as threads,
        socket.create_connection(("127.0.0.1", server.port)) as connection,
    ):
        bursts = [threads.submit(each.refresh_until_it_dies, server, begin) for each in others]
        soon(lambda: all(each.refreshed > 2 for each in others))
        unheard.refresh_unheard(connection)
        soon(lambda: unheard.generation(mortal.directory) == 1)
        server.process.send_signal(signal.SIGKILL)
        for burst in bursts:
            burst.result()

    server = mortal.killed()
    for device in devices:
        device.refresh(server)  # the token of the last answer, with the key of the lost one
        assert server.me(device.access_token).status_code == 200
    headers = {"Authorization": f"Bearer {devices[0].access_token}"}
    assert len(server.client.get("/sessions", headers=headers).json()["sessions"]) == 8
