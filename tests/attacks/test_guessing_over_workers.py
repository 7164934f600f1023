"""Guessing through all the processes of one service at once: each sees but a part of it."""

import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import ADA, PASSWORD, Server, no_settings, soon
from tests.workers import workers_of

GUESSES = 32
LIMIT = {"ADMIT_THROTTLE_LOGIN": "5/hour", "ADMIT_HASH_QUEUE": "1000"}


@pytest.fixture
def serving(tmp_path):
    """Starts servers in a directory of their own; what still runs at the end is ended."""
    servers = []

    def start(*args, **environment):
        (tmp_path / "tmp").mkdir(exist_ok=True)
        environment = {"TMPDIR": str(tmp_path / "tmp"), **LIMIT, **environment}
        server = Server("--port", "0", *args, cwd=tmp_path, environment=environment)
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        server.client.close()
        assert server.process.stderr is not None
        server.process.stderr.close()


def guess(servers, count=GUESSES, login=ADA, at_once=16):
    """The statuses of as many guesses, each on a connection of its own."""

    def one(n):
        server = servers[n % len(servers)]
        body = {"login": login, "password": f"guess {n}"}
        return httpx.post(f"{server.address}/auth/login", json=body, timeout=60).status_code

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize(("store", "count"), [("sqlite", "4"), ("postgresql", "2")])
def test_several_workers_give_no_more_guesses_than_one(serving, store, count, request):
    more = {}
    if store == "postgresql":
        more["ADMIT_DATABASE_URL"] = request.getfixturevalue("database_url")
    server = serving("--workers", count, **more)
    server.register()

    statuses = guess([server])

    assert sorted(statuses) == [401] * 5 + [429] * (GUESSES - 5)
    body = {"login": ADA, "password": PASSWORD}
    answer = server.client.post("/login", json=body)  # the right one, from the guesser's address
    assert answer.status_code == 429


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux says who started whom")
def test_a_worker_that_is_killed_brings_no_new_guesses_and_leaves_nothing_broken(serving, tmp_path):
    server = serving("--workers", "2")
    server.register()
    (directory,) = (tmp_path / "tmp").iterdir()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert guess([server]).count(401) == 5

    supervisor = server.process.pid
    soon(lambda: len(workers_of(supervisor)) == 2)
    killed, _ = workers_of(supervisor)
    os.kill(killed, signal.SIGKILL)
    soon(lambda: len(set(workers_of(supervisor)) - {killed}) == 2)

    assert set(guess([server], 16)) == {429}
    assert guess([server], 16, "bob").count(401) == 5
    server.stop()
    assert not list((tmp_path / "tmp").iterdir())


def test_two_servers_on_one_redis_give_no_more_guesses_than_one(serving, redis_server):
    shared = {"ADMIT_REDIS_URL": redis_server.url, "ADMIT_BASE_URL": "http://localhost:8000"}
    servers = [serving(**shared), serving(**shared)]
    servers[0].register()

    # Few at once: a server that is too busy to read within half a second goes on without Redis.
    assert guess(servers, at_once=4).count(401) == 5
    assert "limits  counted together, in Redis at 127.0.0.1:" in servers[0].banner


def test_a_variable_of_ours_is_no_setting():
    """Or the workers would refuse to start on it."""
    from admit.cli.worker import COUNTERS
    from admit.settings import PREFIX

    assert not COUNTERS.startswith(PREFIX)
    assert COUNTERS not in no_settings()
