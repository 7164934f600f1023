"""DynamoDB for the tests, emulated twice: by moto's server, and by dynalite as a second opinion."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PATIENCE, free_port, missing

HERE = Path(__file__).parent
REGION = "eu-west-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAEMULATED",
    "AWS_SECRET_ACCESS_KEY": "emulated",
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""An emulator takes any; nothing of the machine's own is ever found."""

_names = itertools.count()


class Emulator:
    """An emulator of DynamoDB in a process of its own, on a free port.

    Arguments:
        command: what starts it.
        address: finds its address in the first line that it prints.
    """

    def __init__(self, command, address):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **CREDENTIALS},
            cwd=HERE.parent,
        )
        self._printed = self.process.stdout
        assert self._printed is not None
        line = self._printed.readline()
        found = re.search(address, line)
        assert found, f"{command[0]} did not start: {line!r}"
        self.endpoint = f"http://127.0.0.1:{found[1]}"

    @property
    def port(self):
        return int(self.endpoint.rpartition(":")[2])

    def url(self, table=None, *, endpoint=None):
        """The URL of a table; of a new one where none is named."""
        table = table or f"admit-{os.getpid()}-{next(_names)}"
        return f"dynamodb://{table}?region={REGION}&endpoint={endpoint or self.endpoint}"

    def close(self):
        self.process.kill()
        self.process.wait()
        self._printed.close()


def moto():
    """Moto's server, as `make run-lambda` starts it."""
    return Emulator(
        [sys.executable, "-m", "desk.table", "--port", "0"], r"http://127\.0\.0\.1:(\d+)"
    )


def dynalite():
    """Dynalite, whose tables are ready at once."""
    program = HERE / "node/node_modules/.bin/dynalite"
    if not program.exists():
        missing("dynalite")
    port = str(free_port())
    options = ["--host", "127.0.0.1", "--port", port, "--createTableMs", "0"]
    return Emulator([str(program), *options], r"http://127\.0\.0\.1:(\d+)")


@pytest.fixture
def aws_credentials(monkeypatch):
    """What an emulator takes, and nothing of whoever runs the tests."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto_server():
    """One for all the tests that leave it running."""
    with contextlib.closing(moto()) as server:
        yield server


@pytest.fixture(scope="session")
def dynalite_server():
    with contextlib.closing(dynalite()) as server:
        yield server


@pytest.fixture
def dynamodb_url(moto_server, aws_credentials):
    """A table that is not there yet, on the emulator that the tests share."""
    return moto_server.url()


@pytest.fixture
def patient_dynamodb(monkeypatch):
    """However busy this machine is, nobody gives DynamoDB up."""
    from admit.stores import patience
    from admit.stores.dynamodb import table

    monkeypatch.setattr(patience, "SECONDS", PATIENCE)
    monkeypatch.setattr(table, "CONNECT_SECONDS", PATIENCE)
    monkeypatch.setattr(table, "ANSWER_SECONDS", PATIENCE)
