"""`kill -9` of the server between any two requests: nobody is signed out, nothing is lost."""

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

SERVER = """
import sys, uvicorn
from admit import Admit
uvicorn.run(Admit(data_dir=sys.argv[1]).app, fd=int(sys.argv[2]), log_level="warning")
"""


class Server:
    """A server in a process of its own, to be killed and started again on the same port."""

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.start()

    def start(self):
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ADMIT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.data_dir), str(self.socket.fileno())],
            pass_fds=[self.socket.fileno()],
            env=environ,
            cwd=self.data_dir,
        )

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.kill()
    server.socket.close()


def test_between_any_two_requests(server):
    """Every answer was on the disk before it was given."""

    def post(path, expected, **more):
        server.kill()
        server.start()
        with httpx.Client(base_url=server.url, timeout=60) as fresh:
            answer = fresh.post(f"/auth{path}", **more)
        assert answer.status_code == expected, answer.text
        return answer

    post("/register", 201, json={"email": EMAIL, "password": PASSWORD})
    login = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
    tokens = post("/login", 200, json=login).json()
    other = post("/login", 200, json=login).json()
    parent = tokens["refresh_token"]
    key = {"Idempotency-Key": "k"}
    first = post("/refresh", 200, json={"refresh_token": parent}, headers=key).json()
    again = post("/refresh", 200, json={"refresh_token": parent}, headers=key).json()
    assert again["refresh_token"] == first["refresh_token"]
    body = {"refresh_token": first["refresh_token"]}
    last = post("/refresh", 200, json=body).json()
    bearer = {"Authorization": f"Bearer {last['access_token']}"}
    post("/logout", 204, headers=bearer)
    refused = post("/refresh", 401, json={"refresh_token": last["refresh_token"]})
    assert refused.json()["reason"] == "signed_out"
    post("/refresh", 200, json={"refresh_token": other["refresh_token"]})
    with httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.get("/auth/me", headers=bearer).status_code == 401


def test_in_the_middle_of_refreshing(server):
    """Whatever was answered holds, and the token whose answer was lost is good for a retry."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/auth/register", json={"email": EMAIL, "password": PASSWORD})
        login = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
        token = client.post("/auth/login", json=login).json()["refresh_token"]
    for turn in range(3):
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for _ in range(10 * (turn + 1)):
                token = refreshed(client, token)
        # One more, whose answer nobody waits for.
        with socket.create_connection(server.socket.getsockname()) as gone:
            head = f"Refresh-Token: {token}\r\nIdempotency-Key: {token[-20:]}\r\n"
            start = "POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
            gone.sendall(f"{start}{head}\r\n".encode())
            server.kill()
        server.start()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        refreshed(client, token)


def refreshed(client, token):
    """The successor; a retry of the same refresh has the same key."""
    headers = {"Idempotency-Key": token[-20:]}
    answer = client.post("/auth/refresh", json={"refresh_token": token}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["refresh_token"]
