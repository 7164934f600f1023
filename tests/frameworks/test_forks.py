"""gunicorn with preload and forked workers, uvicorn's workers, threads: each process for itself."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from admit.forks import INHERITED
from tests.frameworks.processes import (
    DEADLINE,
    ROOT,
    connections_to,
    gunicorn,
    open_files,
    prepared,
    serving,
    together,
    uvicorn,
)

THREADS = 4
EACH = 250
DATABASE = "admit.db"

GTHREAD = (
    "--preload", "--workers", "2", "--worker-class", "gthread", "--threads", "4",
    "--timeout", "120", "--graceful-timeout", "60",
)  # fmt: skip


def await_workers(running, access, opened):
    """Return once both workers have served, each with something open: whoever is free takes."""
    deadline = time.monotonic() + DEADLINE
    while sum(opened(pid) > 0 for pid in running.children()) < 2:
        assert time.monotonic() < deadline, running.log
        together(
            lambda _: running.send("GET", "/guarded", Authorization=f"Bearer {access}"), THREADS
        )


def mixed(running, tokens, each=EACH):
    """Guarded requests and refreshes, of four clients at once; what they were answered."""

    def work(index):
        statuses: Counter[int] = Counter()
        access, refresh = tokens[index].access_token, tokens[index].refresh_token
        connection = running.connection()
        for number in range(each):
            if number % 10 == 5:
                answer = running.send(
                    "POST", "/auth/refresh", connection=connection, Refresh_Token=refresh
                )
                if answer[0] == 200:
                    made = json.loads(answer[2])
                    access, refresh = made["access_token"], made["refresh_token"]
            else:
                answer = running.send(
                    "GET", "/guarded", connection=connection, Authorization=f"Bearer {access}"
                )
            statuses[answer[0]] += 1
        connection.close()
        return statuses

    return sum(together(work, THREADS), Counter())


def six_at_once(running, expired):
    """Six pages at once, whose access cookie is over."""
    cookies = f"admit-access={expired.access_token}; admit-refresh={expired.refresh_token}"
    answers = together(lambda _: running.send("GET", "/guarded", Cookie=cookies), 6)
    assert [status for status, *_ in answers] == [200] * 6, running.log
    given = {line.partition(";")[0] for _, headers, _ in answers for line in all_cookies(headers)}
    [successor] = [each for each in given if each.startswith("admit-refresh=")]
    for _ in range(2):  # by either worker
        status, *_ = running.send("POST", "/auth/refresh", Cookie=successor)
        assert status == 200


def all_cookies(headers):
    return headers.get_all("set-cookie") or []


@pytest.mark.parametrize(
    ("command", "started"),
    [
        pytest.param(gunicorn(*GTHREAD), True, id="flask-preload-started"),
        pytest.param(
            gunicorn(*GTHREAD, app="tests.frameworks.forked_app:django_wsgi"),
            False,
            id="django-preload",
        ),
        pytest.param(uvicorn("--workers", "2"), False, id="django-uvicorn-workers"),
    ],
)
def test_a_thousand_requests_through_forked_workers(command, started, tmp_path):
    """None fails or hangs; each worker has connections of its own, and who forked it has none.

    Also where a token was verified while the app was imported: what was open is closed before
    gunicorn forks.
    """
    tokens = prepared(tmp_path, sessions=THREADS)
    [expired] = prepared(tmp_path, sessions=1, ago=1_000, email="bob@example.com")
    environment = {"VERIFIED": tokens[0].access_token} if started else {}
    with serving(command, tmp_path, ADMIT_ACCESS_COOKIE="true", **environment) as running:
        await_workers(running, tokens[0].access_token, lambda pid: open_files(pid, DATABASE))
        assert mixed(running, tokens) == {200: THREADS * EACH}, running.log
        six_at_once(running, expired)
        assert open_files(running.process.pid, DATABASE) == 0
        workers = [pid for pid in running.children() if open_files(pid, DATABASE)]
        assert running.ended() == 0, running.log
        assert "Traceback" not in running.log
    if running.process.args[2] == "gunicorn":  # uvicorn ends by the signal, without an end of ours
        said = [(tmp_path / f"ended-{pid}").read_text(encoding="ascii") for pid in workers]
        assert said == ["closed", "closed"]


def held(pid, port):
    """How many connections to that port this process has."""
    return sum(open_files(pid, f"[{each}]") for each in connections_to(port))


def test_no_connection_to_postgresql_is_shared_across_a_fork(tmp_path, postgres, database_url):
    """Each is one process's own, though a token was verified before the fork."""
    tokens = prepared(tmp_path, sessions=THREADS, database_url=database_url)
    given = {"ADMIT_DATABASE_URL": database_url, "VERIFIED": tokens[0].access_token}
    with serving(gunicorn(*GTHREAD), tmp_path, **given) as running:
        await_workers(running, tokens[0].access_token, lambda pid: held(pid, postgres.port))
        assert mixed(running, tokens, each=20) == {200: THREADS * 20}, running.log
        assert held(running.process.pid, postgres.port) == 0
        processes = [running.process.pid, *running.children()]
        sockets = connections_to(postgres.port)
        holders = [sum(open_files(pid, f"[{each}]") for pid in processes) for each in sockets]
        assert max(holders) == 1
        assert running.ended() == 0, running.log


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    """What was seen by processes that were forked while Admit was in use."""
    place = tmp_path_factory.mktemp("forking")
    done = subprocess.run(
        [sys.executable, "-m", "tests.frameworks.forking", str(place)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "log": done.stderr}


def test_what_is_open_is_closed_before_a_fork(forked):
    """The child has no file of the database open, and then its own; the parent goes on."""
    assert forked["used_by_the_bridge"] == [[0, 200, 200], 200, 200]


def test_a_fork_in_the_middle_of_requests_fails_none(forked):
    assert forked["while_others_ask"] == [[200] * 5, [200], False]


def test_no_lock_stays_held_by_a_thread_that_is_not_there(forked):
    assert forked["with_a_lock_held"] == 200, forked["log"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system tells of no threads")
def test_a_thread_of_ours_is_gone_before_a_fork(forked):
    """Also from C: at its end OpenSSL holds a lock, without which a child can verify nothing."""
    assert forked["while_a_thread_ends"] is False


def test_what_another_event_loop_has_open_is_refused_after_a_fork(forked):
    """With one sentence, which says what to do; the requests get 503, and the log has it."""
    assert forked["used_by_another_loop"] == [[INHERITED, INHERITED], 503, 503]
    assert INHERITED in forked["log"]
