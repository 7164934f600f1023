"""DynamoDB for the tests, emulated twice: by moto's server, and by dynalite as a second opinion."""

import contextlib
import functools
import http.client
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import PATIENCE, KeptPort, missing

if TYPE_CHECKING:
    from collections.abc import Callable

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

Does = str | tuple[Any, ...] | threading.Event | None
"""What happens to a request; see `Wire`."""

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
        printed = self._printed = self.process.stdout
        assert printed is not None
        line = printed.readline()
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
        if self._printed:
            self._printed.close()


def moto():
    """Moto's server, as `make run-lambda` starts it."""
    return Emulator(
        [sys.executable, "-m", "desk.table", "--port", "0"], r"http://127\.0\.0\.1:(\d+)"
    )


def dynalite():
    """Dynalite, whose tables are ready at once."""
    program = HERE / "node/node_modules/.bin/dynalite"
    if not program.exists() or not shutil.which("node"):
        missing("dynalite")
    with KeptPort() as port:  # until it listens there
        options = ["--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
        return Emulator([str(program), *options], r"http://127\.0\.0\.1:(\d+)")


class Wire:
    """A line to an emulator that counts what goes over it, and can fail as a network does.

    `rule` is asked for each request by its operation (`UpdateItem`), and says what happens to it:
    None lets it pass; "lose" cuts the line unsent, "lose answer" once it was carried out; a status
    and a code, with the reasons of a cancelled transaction, answer so; an Event holds it, unsent,
    until that is set.
    """

    def __init__(self, endpoint):
        self._to = endpoint.removeprefix("http://")
        self.rule: Callable[[str], Does] = lambda _: None
        self.seen: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                wire.carry(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def carry(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        self.seen.append(operation)
        self.bodies.append(json.loads(body))
        does = self.rule(operation)
        if isinstance(does, threading.Event):
            assert does.wait(PATIENCE)
        elif isinstance(does, tuple):
            status, code, *reasons = does
            said = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code}
            said |= {"CancellationReasons": [{"Code": each} for each in reasons]}
            return self._answer(request, status, json.dumps(said).encode())
        if does == "lose":
            return None
        with contextlib.closing(http.client.HTTPConnection(self._to, timeout=PATIENCE)) as to:
            to.request("POST", "/", body, dict(request.headers))
            answer = to.getresponse()
            told = answer.read()
        if does == "lose answer":
            return None
        return self._answer(request, answer.status, told)

    def _answer(self, request, status, body):
        with contextlib.suppress(OSError):  # who asked may have gone
            request.send_response(status)
            request.send_header("Content-Type", "application/x-amz-json-1.0")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

    def count(self, *operations):
        """How many of these were asked for."""
        return sum(each in operations for each in self.seen)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.asynccontextmanager
async def opened(url, prepare=None):
    """Opens a store, as one process would, and closes it.

    Arguments:
        url: the table's.
        prepare: does something to the store's `Table` before it is used.
    """
    from admit.stores.dynamodb import DynamoDBStore

    store = DynamoDBStore(url)
    if prepare is not None:
        prepare(store.table)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def wire(moto_server):
    with contextlib.closing(Wire(moto_server.endpoint)) as wire:
        yield wire


@pytest.fixture(scope="session")
def botocores_descriptions():
    """What botocore knows of AWS's services, read once: each of its clients reads it again."""
    import botocore.session

    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", read)
        yield


@pytest.fixture
def aws_credentials(monkeypatch, botocores_descriptions):
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
