"""Real servers, in processes of their own, on a socket that the test has bound for them."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from admit import Admit
from tests.cheap import cheap

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0
KEPT = "120"
"""Seconds that a server keeps a connection on which nothing comes: gunicorn's own are two, and a
machine that stands still for longer has the next request cut off."""
PASSWORD = "correct horse battery"


def prepared(data_dir, *, sessions, ago=0.0, email="ada@example.com", roles=(), **settings):
    """The tokens of so many sessions in that directory, opened so many seconds ago.

    Made here, where hashing is cheap: a server in another process hashes at the full price.
    """

    async def make():
        async with Admit(
            cheap(data_dir=data_dir, **settings), clock=lambda: time.time() - ago
        ) as auth:
            now = auth.clock()
            await auth.accounts.register(email=email, password=PASSWORD, roles=roles, now=now)
            given = {"login": email, "password": PASSWORD, "now": now}
            account = await auth.accounts.check(**given)
            return [await auth.sessions.open(account, now=now) for _ in range(sessions)]

    return asyncio.run(make())


def gunicorn(*options, app="tests.frameworks.forked_app:flask_wsgi"):
    """The command, for the socket with this number."""
    return lambda fd: [
        sys.executable, "-m", "gunicorn", "--bind", f"fd://{fd}", "--no-control-socket",
        "--keep-alive", KEPT, *options, app,
    ]  # fmt: skip


def uvicorn(*options, app="tests.frameworks.forked_app:django_asgi"):
    return lambda fd: [
        sys.executable, "-m", "uvicorn", "--fd", str(fd), "--log-level", "warning",
        "--timeout-keep-alive", KEPT, *options, app,
    ]  # fmt: skip


class Running:
    """A server that answers."""

    def __init__(self, process, port, log):
        self.process = process
        self.port = port
        self._log = log

    @property
    def log(self):
        return self._log.read_text(encoding="utf-8")

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def send(self, method, path, *, connection=None, json_body=None, **headers):
        """The answer: its status, its headers, what its JSON says."""
        using = connection or self.connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None
        if json_body is not None:
            body, named["Content-Type"] = json.dumps(json_body), "application/json"
        using.request(method, path, body=body, headers=named)
        answer = using.getresponse()
        raw = answer.read()
        if connection is None:
            using.close()
        return answer.status, answer.headers, raw

    def children(self):
        """The processes that it forked."""
        pid = self.process.pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(each) for each in text.split()]

    def ended(self):
        """Its exit code, once it was asked to end."""
        self.process.terminate()
        return self.process.wait(DEADLINE)


@contextmanager
def serving(command, data_dir, **environment):
    """A server with its data there, for the length of a block."""
    log = data_dir / "server.log"
    with socket.socket() as listening, log.open("wb") as output:
        # Whoever takes it by its number does not know that it is TCP, and would send late.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        process = subprocess.Popen(
            command(listening.fileno()),
            cwd=ROOT,
            env={
                **os.environ,
                "ADMIT_DATA_DIR": str(data_dir),
                "PYTHONPATH": "src:.",
                **environment,
            },
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        running = Running(process, listening.getsockname()[1], log)
        try:
            await_answer(running)
            yield running
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def await_answer(running):
    """Return once it answers; the socket queues who comes before."""
    status, _, body = running.send("GET", "/open")
    assert status == 200, (body, running.log)


def together(work, number):
    """What each of so many threads comes to."""
    results = [None] * number

    def run(index):
        results[index] = work(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(DEADLINE)
        assert not each.is_alive(), "a request hangs"
    return results


def connections_to(port):
    """The sockets of this machine that are connected to that port, by their inodes."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return {each[9] for each in fields if int(each[2].rpartition(":")[2], 16) == port} - {"0"}


def open_files(pid, name):
    """How many files of this name that process has open."""
    links = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(each.readlink()))
        except OSError:
            continue  # closed meanwhile
    return sum(name in link for link in links)
