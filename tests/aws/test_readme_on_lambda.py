"""The README's commands against `make run-lambda`, word for word, and how that starts and ends."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.test_readme import AGAIN, blocks, without_what_changes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
"""Seconds after which what should come about has not, however slow the machine."""


@contextmanager
def running(directory, *arguments, **settings):
    """`python -m desk`, from when it says that it listens; its process and what it said."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("ADMIT_")}
    with subprocess.Popen(
        [sys.executable, "-m", "desk", *arguments],
        cwd=directory,
        env=inherited | {"PYTHONPATH": str(ROOT)} | settings,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("    -d "):  # the end of what to try
                break
        try:
            yield process, said
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)


def asked_for(directory, *arguments, **settings):
    """What `python -m desk` comes to, where it can't be started."""
    return subprocess.run(
        [sys.executable, "-m", "desk", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def children(pid):
    """The processes that this one has started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in listed.split()]


def gone(pids):
    """Wait until none of them is left."""
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() and not defunct(pid) for pid in pids):
        assert time.monotonic() < deadline, "what it started is still there"
        time.sleep(0.05)


def defunct(pid):
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_make_run_lambda_is_the_desk_as_one_asks_for_it():
    """By each of the names that docs/aws.md gives."""
    page = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
    section = page.partition("## On your desk")[2].partition("\n## ")[0]
    names = {name.strip("`=") for name in re.findall(r"`[A-Z]+=", section)}
    assert names == {"PORT", "PROCESSES", "FORM"}
    told = subprocess.run(
        ["make", "run-lambda", "--dry-run"],
        cwd=ROOT,
        env={"PATH": os.defpath, "PORT": "8123", "PROCESSES": "8", "FORM": "rest"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    command = told.splitlines()[-1].replace("'", "").split()
    wanted = ["--port", "8123", "--processes", "8", "--form", "rest"]
    assert command == [".venv/bin/python", "-m", "desk", *wanted]


@pytest.mark.parametrize(
    "asked",
    [("--processes", "0"), ("--port", "70000"), ("--form", "fax")],
    ids=lambda each: each[0],
)
def test_what_cannot_be_is_refused_at_once(asked, tmp_path):
    """No process would answer nobody, and a port that there is not is no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "desk", "--port", "0", *asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert f"argument {asked[0]}: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="needs curl")
def test_every_command_of_the_readme_prints_what_is_shown(tmp_path, kept_port):
    """Through three processes, which are frozen between two requests, whoever asks them."""
    port = kept_port
    between = "\x1e"
    story = blocks()[1:]
    # The README waits for as long as a token rests; here that is a tenth of it.
    script = f"set -e -o pipefail\n{AGAIN}" + "".join(
        f"{block.commands.replace('8000', str(port)).replace('sleep 10', 'sleep 1')}\n"
        f"printf '{between}'\n"
        for block in story
    )
    arguments = ("--port", str(port), "--processes", "3")
    with running(tmp_path, *arguments, ADMIT_LEEWAY="1s") as (_, said):
        assert f"listens on http://localhost:{port}" in said
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    printed = done.stdout.split(between)
    assert done.stderr == ""
    assert done.returncode == 0, done.stdout
    for block, text in zip(story, printed, strict=False):
        assert without_what_changes(text) == without_what_changes(block.shows), block.commands
    assert printed[len(story) :] == [""]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_that_it_started_is_left(how, tmp_path):
    """Not after Ctrl-C, and not where it was killed and could clean up nothing."""
    with running(tmp_path, "--port", "0") as (process, _):
        started = children(process.pid)
        assert len(started) == 3  # the table, and two of the function
        process.send_signal(how)
        code = process.wait(timeout=PATIENCE)
        gone(started)
    assert code == (-how if how == signal.SIGKILL else 0)


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = asked_for(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"Error: Port {port} is in use: stop what listens there, or take another with PORT=….\n"
    )


def test_settings_that_cannot_work_are_one_sentence(tmp_path):
    done = asked_for(tmp_path, "--port", "0", ADMIT_SECRET="changeme")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ADMIT_SECRET (secret) wants at least 32 bytes")
    assert done.stderr.count("\n") == 1
    assert "changeme" not in done.stderr


def test_where_the_secret_is_kept_elsewhere_none_is_made_up(tmp_path):
    """Both together are refused, though one had set but one of them."""
    with running(tmp_path, "--port", "0", ADMIT_SECRET_SOURCE="ssm:/admit") as (_, said):
        assert "listens on" in said


@pytest.mark.parametrize("arguments", [("--port", "99999"), ("--port", "-1"), ("--processes", "0")])
def test_what_cannot_be_asked_for_is_one_sentence(arguments, tmp_path):
    """No process would answer nobody, for ever."""
    done = asked_for(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        f"python -m desk: error: argument {arguments[0]}: "
    )
    assert "Traceback" not in done.stderr
