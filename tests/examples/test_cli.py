"""The command-line client, run as people run it: a process for each command."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENCE, issuing

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "cli"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    with issuing(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture
def run(issuer, tmp_path):
    """Runs the example with these arguments; what it printed, and its exit code."""

    def command(*arguments, given=""):
        done = subprocess.run(
            [sys.executable, FOLDER / "whoami.py", *arguments],
            env=os.environ | {"ISSUER": issuer.url, "TOKENS": str(tmp_path / "own" / "tokens")},
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    return command


def test_it_signs_in_stays_signed_in_and_signs_out(issuer, run):
    assert run("sign-in", LOGIN, given=f"{PASSWORD}\n") == (0, f"You are {LOGIN}.")
    issuer.passes(ACCESS_TTL + 60)  # the second run does not know, and is refused first
    issuer.line.refreshes.clear()
    assert run("me") == (0, f"You are {LOGIN}.")
    assert len(issuer.line.refreshes) == 1
    assert run("sign-out") == (0, "Signed out.")
    assert run("me") == (1, "Nobody is signed in: sign in first.")


def test_its_readme_names_its_commands():
    commands = re.findall(
        r"^python examples/cli/whoami.py (\S+)", (FOLDER / "README.md").read_text(), re.MULTILINE
    )

    assert commands == ["sign-in", "me", "sign-out"]
    assert len((FOLDER / "whoami.py").read_text().splitlines()) <= 60
