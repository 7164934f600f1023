"""The issuer and the service, each a process of its own, as people start them."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from admit.client import AdmitAuth, MemoryTokens
from tests.client.issuer import LOGIN, PASSWORD, PATIENCE, PATIENT, TRUSTED

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "two_services"


@contextlib.contextmanager
def running(app, listening, home, **settings):
    """The example by the command of its README, on a socket that is bound already."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("ADMIT_")}
    listening.listen()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--app-dir",
        FOLDER,
        "--fd",
        listening.fileno(),
        app,
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=home,
            env=inherited | settings,
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert "Traceback" not in (home / "log").read_text()


@contextlib.contextmanager
def bound():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening


def test_the_service_knows_who_calls_and_who_may_no_longer(tmp_path):
    key = secrets.token_urlsafe(32)
    for name in ("issuer", "service"):
        (tmp_path / name).mkdir()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(bound()) for _ in range(2)]
        base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        settings = {"ADMIT_BASE_URL": base, "ADMIT_VERIFIER_KEYS": key}
        stack.enter_context(running("issuer:app", sockets[0], tmp_path / "issuer", **settings))
        settings = {"ISSUER": f"{base}/auth", "VERIFIER_KEY": key}
        service = stack.enter_context(
            running("service:app", sockets[1], tmp_path / "service", **settings)
        )
        client = stack.enter_context(httpx.Client(**PATIENT))

        # Who asks before a server answers waits in the socket's own line.
        body = {"email": LOGIN, "password": PASSWORD}
        user = client.post(f"{base}/auth/register", json=body).json()["user"]
        auth = AdmitAuth(
            f"{base}/auth",
            tokens=MemoryTokens(),
            send_to=[service],
            timeout=PATIENCE,
            verify=TRUSTED,
        )
        auth.sign_in(LOGIN, PASSWORD)
        kept = auth._renewal._book.look()

        assert client.get(f"{service}/orders").json()["code"] == "unauthenticated"
        assert client.get(f"{service}/orders", auth=auth).json() == {"orders_of": user["id"]}
        assert client.get(f"{service}/stock", auth=auth).json()["code"] == "forbidden"

        assert auth.sign_out()
        bearer = {"Authorization": f"Bearer {kept.access_token}"}
        deadline = time.monotonic() + PATIENCE
        while (answer := client.get(f"{service}/orders", headers=bearer)).status_code == 200:
            assert time.monotonic() < deadline, "the service does not hear of the sign-out"
            time.sleep(0.01)  # it tells nobody what it hears
        assert answer.json()["reason"] == "signed_out"


def test_the_example_is_short():
    lines = [line for path in FOLDER.glob("*.py") for line in path.read_text().splitlines()]

    assert len(lines) <= 60


@pytest.mark.parametrize("app", ["issuer", "service"])
def test_its_readme_starts_both(app):
    command = f"uvicorn --app-dir examples/two_services --port 800{app == 'service':d} {app}:app"

    assert command in (FOLDER / "README.md").read_text()
