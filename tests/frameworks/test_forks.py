"""gunicorn with preload and forked workers, uvicorn's workers, threads: each process for itself."""

import json
import time
from collections import Counter

import pytest

from tests.frameworks.processes import (
    DEADLINE,
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

GTHREAD = ("--preload", "--workers", "2", "--worker-class", "gthread", "--threads", "4")


def await_workers(running, access):
    """Return once both workers have served, each with the database open: whoever is free takes."""
    deadline = time.monotonic() + DEADLINE
    while sum(open_files(pid, DATABASE) > 0 for pid in running.children()) < 2:
        assert time.monotonic() < deadline, running.log
        together(
            lambda _: running.send("GET", "/guarded", Authorization=f"Bearer {access}"), THREADS
        )


def mixed(running, tokens):
    """A thousand requests, guarded ones and refreshes; what each was answered, and by whom."""

    def work(index):
        statuses = Counter()
        access, refresh = tokens[index].access_token, tokens[index].refresh_token
        connection = running.connection()
        for number in range(EACH):
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


@pytest.mark.parametrize(
    ("command", "started"),
    [
        pytest.param(gunicorn(*GTHREAD), None, id="flask-preload"),
        pytest.param(gunicorn(*GTHREAD), "guard", id="flask-preload-started"),
        pytest.param(
            gunicorn(*GTHREAD, app="tests.frameworks.forked_app:django_wsgi"),
            None,
            id="django-preload",
        ),
        pytest.param(uvicorn("--workers", "2"), None, id="django-uvicorn-workers"),
    ],
)
def test_a_thousand_requests_through_forked_workers(command, started, tmp_path):
    """None fails or hangs; each worker has connections of its own, and who forked it has none."""
    tokens = prepared(tmp_path, sessions=THREADS)
    environment = {"STARTED": started, "TOKEN": tokens[0].access_token} if started else {}
    with serving(command, tmp_path, **environment) as running:
        await_workers(running, tokens[0].access_token)
        assert mixed(running, tokens) == {200: THREADS * EACH}, running.log
        assert open_files(running.process.pid, DATABASE) == 0
        assert running.ended() == 0, running.log
        assert "Traceback" not in running.log
    if running.process.args[2] == "gunicorn":  # uvicorn ends by the signal, without an end of ours
        assert not (tmp_path / f"{DATABASE}-wal").exists()  # whoever closed it last has tidied up
