"""`admit serve --workers 2`: one scrape shows all, and what a dead one counted stays counted."""

import os
import re
import signal
from pathlib import Path

import pytest

from admit.telemetry.workers import ROOM
from tests.cli.conftest import ADA, soon
from tests.workers import workers_of

from .conftest import KEY, Numbers

pytestmark = pytest.mark.usefixtures("measured_processes")


def scraped(server):
    """The answer of whichever process takes the connection."""
    headers = {"Authorization": f"Bearer {KEY}", "Connection": "close"}
    return Numbers(server.client.get(f"{server.address}/metrics", headers=headers).text)


def workers(server):
    """The processes that serve, and the directory where they count."""
    found = workers_of(server.process.pid)
    environment = Path(f"/proc/{found[0]}/environ").read_bytes().split(b"\0")
    named = next(each for each in environment if each.startswith(b"PROMETHEUS_MULTIPROC_"))
    return found, Path(os.fsdecode(named.partition(b"=")[2]))


def test_all_workers_are_counted_together_and_a_killed_one_is_replaced(server):
    serving = server("--workers", "2", ADMIT_METRICS_KEYS=KEY)
    soon(lambda: scraped(serving)("admit_workers") == 2)
    processes, directory = workers(serving)
    assert len(processes) == 2
    for path in (directory, directory.parent):
        assert path.stat().st_mode & 0o777 == 0o700

    serving.register(ADA)
    tokens = serving.login()
    headers = {"Connection": "close", "Authorization": f"Bearer {tokens['access_token']}"}
    for _ in range(20):  # whichever process takes each connection
        serving.client.get("/me", headers=headers).raise_for_status()

    def counted():
        seen = scraped(serving)
        return (
            seen("admit_http_requests_total", route="/auth/me") == 20
            and seen("admit_registrations_total") == 1
            and seen("admit_access_tokens_verified_total") == 20
        )

    soon(counted)
    os.kill(processes[0], signal.SIGKILL)
    soon(lambda: set(workers_of(serving.process.pid)) - set(processes))
    soon(lambda: scraped(serving)("admit_workers") == 2)
    assert counted()
    assert not [*directory.glob(f"gauge_live*_{processes[0]}.db")]
    assert [*directory.glob(f"counter_{processes[0]}.db")]

    said, status = serving.stop()
    assert status == 0
    gone = rf"Worker {processes[0]} is gone \(exit code -9\): another one starts in its place\."
    assert re.fullmatch(f".*{gone}.*", said), said  # one line, and nothing else
    assert not directory.parent.exists()


def test_a_single_process_counts_in_its_own_memory(server):
    serving = server(ADMIT_METRICS_KEYS=KEY)
    serving.register(ADA)

    seen = scraped(serving)

    assert seen("admit_workers") == seen("admit_registrations_total") == 1
    assert "_created" not in seen.text


def test_a_worker_has_the_room_for_its_numbers_from_the_start(server):
    """A write to a page that has no room on the disk would end it."""
    serving = server("--workers", "2", ADMIT_METRICS_KEYS=KEY)
    soon(lambda: scraped(serving)("admit_workers") == 2)
    processes, directory = workers(serving)

    for process in processes:
        files = [*directory.glob(f"*_{process}.db")]
        assert len(files) == 5
        for file in files:
            assert file.stat().st_blocks * 512 >= ROOM, file.name
