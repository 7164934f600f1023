"""The built wheel, installed alone in an empty environment, is what people get: it must do.

It installs packages; nothing is compiled that is not imported.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
EMAIL = "mara@example.com"
PASSWORD = "seven pale lanterns drift"
START_SECONDS = 60


class Alone(NamedTuple):
    """How an import and the command ended where only the wheel is installed."""

    imported: subprocess.CompletedProcess[str]
    commanded: subprocess.CompletedProcess[str]


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def must(*command: str | Path, **options: Any) -> str:
    """What the command printed; it must succeed."""
    done = run(*command, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def install(commands: Path, what: str) -> None:
    """Install `what` into the environment that has these commands."""
    must(
        *(commands / "python", "-m", "pip", "install", "--quiet"),
        *("--no-input", "--disable-pip-version-check", "--no-compile"),
        *("-c", ROOT / "constraints.txt", what),
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )


def stranger(home: Path) -> dict[str, str]:
    """The variables of somebody who has set nothing."""
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    must(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist),
        cwd=ROOT,
    )
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def without_extras(wheel: Path, on_disk: Path) -> Path:
    """The commands of a new environment in which only the wheel is installed."""
    must(sys.executable, "-m", "venv", on_disk / "venv")
    commands = on_disk / "venv" / "bin"
    install(commands, str(wheel))
    return commands


@pytest.fixture(scope="module")
def alone(without_extras: Path, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """What the package and the command say before anything else is installed beside them."""
    place = tmp_path_factory.mktemp("alone")
    imported = run(without_extras / "python", "-c", "import admit", cwd=place)
    commanded = run(without_extras / "admit", cwd=place, env=stranger(place / "home"))
    return Alone(imported, commanded)


@pytest.fixture(scope="module")
def with_server(wheel: Path, without_extras: Path, alone: Alone) -> Path:
    """The same commands, with the extra installed into that environment; first it is seen alone."""
    install(without_extras, f"{wheel}[server]")
    return without_extras


@pytest.fixture
def server(with_server: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `admit serve`, started in an empty directory by somebody with a new home."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tmp_path / "place"
    place.mkdir()
    log = tmp_path / "log"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [with_server / "admit", "serve", "--port", str(port)],
            cwd=place,
            env=stranger(tmp_path / "home"),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        status = process.wait(timeout=30)
    assert status in {0, -signal.SIGTERM}, log.read_text()
    assert "Traceback" not in log.read_text()


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{address}/readyz", timeout=5):
                return
        except OSError:  # who connects early may wait for longer than that
            time.sleep(0.05)  # a process that starts has no event to wait for
    pytest.fail(f"admit serve was not ready:\n{log.read_text()}")


def post(address: str, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
    request = Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def test_the_wheel_contains_what_the_package_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    read = {".sql", ".txt", ".html", ".json", ".js", ".css", ".svg"}
    data = {path for path in (ROOT / "src" / "admit").rglob("*") if path.suffix in read}

    assert {str(path.relative_to(ROOT / "src")) for path in data} <= names
    assert any(name.endswith(".sql") for name in names)
    assert not any(name.endswith(".d.ts") for name in names)
    assert {
        "admit/py.typed",
        "admit/common_passwords.txt",
        "admit/common_passwords.LICENSE",
        "admit/web/static/client.js",
        "admit/web/templates/base.html",
        "admit/web/texts/de.json",
    } <= names


def test_the_wheel_contains_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"admit", next(top for top in tops if top.endswith(".dist-info"))}


def test_the_command_explains_itself(with_server: Path, tmp_path: Path) -> None:
    printed = must(with_server / "admit", "--help", cwd=tmp_path, env=stranger(tmp_path / "home"))

    assert "serve" in printed


def test_one_can_register_sign_in_and_stay_signed_in(server: str) -> None:
    status, registered = post(f"{server}/auth/register", {"email": EMAIL, "password": PASSWORD})
    assert status == HTTPStatus.CREATED
    assert registered["user"]["email"] == EMAIL

    status, first = post(
        f"{server}/auth/login", {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
    )
    assert status == HTTPStatus.OK

    status, second = post(f"{server}/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert status == HTTPStatus.OK
    assert second["token_type"] == "Bearer"
    assert second["refresh_token"] != first["refresh_token"]


def test_the_pages_are_there_with_their_scripts_and_styles(server: str) -> None:
    with urlopen(f"{server}/auth/sign-in", timeout=30) as answer:
        page = answer.read().decode()
    for name in ("client.js", "style.css", "sign-in.js"):
        with urlopen(f"{server}/auth/static/{name}", timeout=30) as answer:
            assert answer.status == HTTPStatus.OK
            assert f"/auth/static/{name}?v=" in page


def test_the_package_can_be_imported_without_its_extras(alone: Alone) -> None:
    assert alone.imported.returncode == 0, alone.imported.stderr


def test_the_command_without_its_extra_says_what_to_install(alone: Alone) -> None:
    done = alone.commanded

    assert done.returncode != 0
    assert "admit[server]" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
