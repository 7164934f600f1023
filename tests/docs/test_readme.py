"""The README's commands do what it says, word for word."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import httpx
import pytest

from admit import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = Path(sys.executable).parent
START_SECONDS = 60

FENCED = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```\n", re.MULTILINE | re.DOTALL)
CHANGING = {
    r"eyJ[\w.-]+": "TOKEN",
    r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "TIME",
    r'"id": "[0-9a-f]{32}"': "USER",
    r'"id": "[\w-]{22}"': "SESSION",
    r"curl/[\w.-]+": "CURL",
}


AGAIN = """
curl() {
  local said left
  for left in $(seq 99 -1 0); do
    said=$(command curl -D answered "$@"; echo .) || return
    if ! grep -q ' 503' answered || [ "$left" = 0 ]; then break; fi
    sleep 0.1
  done
  printf %s "${said%.}"
}
"""
"""As an honest client, curl tries again where it is told to (503): a machine may stand still."""


class Block(NamedTuple):
    """Commands, and what the README shows below them."""

    commands: str
    shows: str


def blocks() -> list[Block]:
    """Every `sh` block, with the block that follows at once as what it prints."""
    fences = list(FENCED.finditer(README))
    made = []
    for fence, after in zip(fences, [*fences[1:], None], strict=True):
        if fence["kind"] == "sh":
            shown = after["text"] if after and after.start() == fence.end() else ""
            made.append(Block(fence["text"], shown))
    return made


def without_what_changes(text: str) -> str:
    for pattern, name in CHANGING.items():
        text = re.sub(pattern, name, text)
    return text


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:  # who connects early may wait for longer than that
            time.sleep(0.05)  # a process that starts has no event to wait for
    pytest.fail(f"the server was not ready:\n{log.read_text()}")


Serve = Callable[..., None]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server by a command, beside the examples and with data of its own."""
    started = []
    log = tmp_path / "log"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("ADMIT_")}

    def start(command: str, *arguments: str, port: int, **settings: str) -> None:
        with log.open("w") as sink:
            process = subprocess.Popen(
                [COMMANDS / command, *arguments],
                cwd=tmp_path,
                env=inherited | {"UVICORN_PORT": str(port)} | settings,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        wait_until_ready(f"http://127.0.0.1:{port}/auth/openapi.json", process, log)

    yield start
    for process in started:
        process.terminate()
        assert process.wait(timeout=30) in {0, -signal.SIGTERM}, log.read_text()
    assert "Traceback" not in log.read_text()


def test_make_run_is_admit_serve_on_the_port_that_one_asks_for() -> None:
    first = blocks()[0]
    assert first.commands == "make run\n"

    told = subprocess.run(
        [*first.commands.split(), "--dry-run"],
        cwd=ROOT,
        env={"PATH": os.defpath, "PORT": "8123"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told.splitlines()[-1].split() == [".venv/bin/admit", "serve", "--port", "'8123'"]


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="needs curl")
def test_every_command_runs_and_prints_what_is_shown(
    tmp_path: Path, serve: Serve, kept_port: int
) -> None:
    port = kept_port
    # The README waits for as long as a token rests; here that is a tenth of it.
    serve("admit", "serve", "--port", str(port), port=port, ADMIT_LEEWAY="1s")
    assert README.count("sleep 10\n") == 1
    story = blocks()[1:]
    between = "\x1e"
    script = f"set -e -o pipefail\n{AGAIN}" + "".join(
        f"{block.commands.replace('8000', str(port)).replace('sleep 10', 'sleep 1')}\n"
        f"printf '{between}'\n"
        for block in story
    )

    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    printed = done.stdout.split(between)
    assert done.stderr == ""
    assert done.returncode == 0
    for block, text in zip(story, printed, strict=False):
        assert without_what_changes(text) == without_what_changes(block.shows), block.commands
    assert printed[len(story) :] == [""]


def test_the_shown_example_is_the_one_in_the_file() -> None:
    (python,) = (fence["text"] for fence in FENCED.finditer(README) if fence["kind"] == "python")

    example = (ROOT / "examples" / "starlette" / "app.py").read_text(encoding="utf-8")

    assert example.endswith(python)


def test_the_example_guards_its_route(serve: Serve, kept_port: int) -> None:
    command = re.search(r"`uvicorn (.*?)`", README)
    assert command
    port = kept_port
    serve("uvicorn", *command[1].split(), port=port)
    credentials = {"email": "mara@example.com", "password": "seven pale lanterns drift"}

    with httpx.Client(base_url=f"http://localhost:{port}", timeout=START_SECONDS) as client:
        nobody = client.get("/orders")
        user = client.post("/auth/register", json=credentials).json()["user"]
        signed_in = client.post(
            "/auth/login", json={"login": credentials["email"], "password": credentials["password"]}
        ).json()
        bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
        somebody = client.get("/orders", headers=bearer)
        client.post("/auth/logout", headers=bearer)
        gone = client.get("/orders", headers=bearer)

    assert nobody.status_code == 401
    assert nobody.json()["code"] == "unauthenticated"
    assert somebody.json() == {"orders_of": user["id"], "roles": []}
    assert gone.status_code == 401
    assert gone.json()["reason"] == "signed_out"


@pytest.mark.parametrize(
    "mistake", [{"secret": "changeme"}, {"base_url": "http://shop.example.com"}]
)
def test_a_first_mistake_is_told_as_shown(mistake: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as told:
        Settings.load(environ={}, dotenv=None, **mistake)

    assert str(told.value) in " ".join(README.split())
