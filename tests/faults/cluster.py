"""Servers that share one store and one secret, each in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from admit import Admit, Settings
from admit.testing import samples
from tests.workers import workers_of

ROOT = Path(__file__).parents[2]
SECRET = "a secret of thirty-two bytes and more that nobody knows"
SERVE = ("-m", "admit.cli", "serve", "--log-format", "text", "--port", "0")
GUARDED = ("-m", "tests.faults.guarded")
START_SECONDS = 180.0
STOP_SECONDS = 120.0


class Place:
    """Where a service lives: a directory, a store and the settings that all of it shares."""

    def __init__(self, directory, **settings):
        self.directory = directory
        self.given = {
            "secret": SECRET,
            "data_dir": str(directory / "data"),
            "base_url": "http://localhost:8000",
            "throttle": "off",
            **settings,
        }

    @property
    def environment(self):
        # Coverage is measured elsewhere: here it would only slow the servers down under load.
        dropped = ("ADMIT_", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        ours = {f"ADMIT_{name.upper()}": str(value) for name, value in self.given.items()}
        paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
        return kept | ours | {"PYTHONPATH": os.pathsep.join(paths)}

    def engine(self):
        """An engine in this process, on the same store."""
        return Admit(Settings.load(environ={}, dotenv=None, **self.given))

    async def sessions(self, *users):
        """The tokens of a session of each of these users, who get accounts where they have none."""
        async with self.engine() as engine:
            for name in sorted(set(users)):
                if await engine.store.find_user("id", f"id-{name}") is None:
                    await samples.add(engine.store, name)
            found = {name: await engine.store.find_user("id", f"id-{name}") for name in set(users)}
            return [await engine.sessions.open(found[name], now=engine.clock()) for name in users]

    async def thefts(self):
        """The sessions for which the audit trail has `reuse_detected`, once for each event."""
        async with self.engine() as engine:
            events = await engine.store.events(kind="reuse_detected", limit=1000)
            return [each.session_id for each in events]

    async def rows(self, session_ids):
        """The sessions as they stand in the store."""
        async with self.engine() as engine:
            return [await engine.store.find_session(each) for each in session_ids]


class Server:
    """One command that serves, on the port that it says; what it prints goes to a file."""

    def __init__(self, place, name, *command):
        self.log = place.directory / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=place.directory,
                env=place.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.port = 0

    def ready(self):
        """Wait until it listens, and answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.said().splitlines():
                if " listens on http://127.0.0.1:" in line:
                    self.port = int(line.rpartition(":")[2])
                    urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=START_SECONDS).close()
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.said()}")

    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def workers(self):
        """The ids of the processes that serve, where `--workers` has more than one."""
        return workers_of(self.process.pid)

    def stop(self):
        """End it by its own id."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextmanager
def serving(place, *commands):
    """A server for each command, all ready, for the length of a block."""
    servers = []
    try:
        for number, command in enumerate(commands):
            servers.append(Server(place, f"server-{number}", *command))
        for server in servers:
            server.ready()
        yield servers
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.process.terminate()
        for server in servers:
            server.stop()


async def until(look, seconds=60.0):
    """What `look()` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if seen := await look():
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")
