"""An example that serves, as a reader starts it, and who asks it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.servers import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = Path(sys.executable).parent
ENVIRON = {name: text for name, text in os.environ.items() if not name.startswith("ADMIT_")} | {
    "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}"
}
CREDENTIALS = {"email": "ada@example.com", "password": "seven pale lanterns drift"}
LOGIN = {"login": CREDENTIALS["email"], "password": CREDENTIALS["password"]}
SAME = {"Sec-Fetch-Site": "same-origin"}
SIX_MINUTES = 360


class Patient(httpx.HTTPTransport):
    """Tries again where it is told to (503): a machine that stands still is slow, and no error."""

    def handle_request(self, request):
        deadline = time.monotonic() + PATIENCE
        answer = super().handle_request(request)
        while answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            assert time.monotonic() < deadline, answer.read()
            answer.close()
            time.sleep(0.1)
            answer = super().handle_request(request)
        return answer


def asking(address, **more):
    """Who asks the example: a context."""
    return httpx.Client(base_url=address, timeout=PATIENCE, transport=Patient(), **more)


@contextmanager
def serving(command, port, data, **given):
    """The address of what this command serves, for a block; its data lie where it is started.

    `given` is added to its environment.
    """
    secure = "--ssl-certfile" in command
    address, log = f"{'https' if secure else 'http'}://localhost:{port}", data / "log"
    environ = ENVIRON | {"ADMIT_BASE_URL": address} | given
    with log.open("w") as sink:
        process = subprocess.Popen(command, cwd=data, env=environ, stdout=sink, stderr=sink)
    try:
        _wait_for(address, process, log)
        yield address
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) in {0, -signal.SIGTERM}, log.read_text()
    assert "Traceback" not in log.read_text()


async def signed_in_long_ago(auth):
    """The access token of a sign-in six minutes ago."""
    before = time.time() - SIX_MINUTES
    tokens = await auth.sessions.sign_in(
        login=LOGIN["login"], password=LOGIN["password"], now=before
    )
    return tokens.access_token


def _wait_for(address, process, log):
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(address, timeout=PATIENCE, verify=False)
        except httpx.TransportError:
            time.sleep(0.05)  # a process that starts has no event to wait for
        else:
            return
    pytest.fail(f"the example was not ready:\n{log.read_text()}")
