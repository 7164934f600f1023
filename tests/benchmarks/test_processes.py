"""No server outlives what started it, however that ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks import processes
from benchmarks.processes import PORT, ROOT, started
from tests.servers import PATIENCE

STUBBORN = """
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()
"""
BENCHMARK = f"""
import signal, sys, time
from pathlib import Path
from benchmarks.processes import PORT, clearing_up, started
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever these tests run under, such as nohup
clearing_up()
command = [sys.executable, "-c", {STUBBORN.replace("SIG_IGN", "SIG_DFL")!r}, PORT]
with started(command, home=Path.cwd(), environ={{}}) as process:
    Path("new").write_text(str(process.pid))
    Path("new").rename("pid")
    time.sleep({PATIENCE})
"""


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def read(file):
    until = time.monotonic() + PATIENCE
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return int(file.read_text())


def ended(pid):
    """Whether it ends; nobody waits for a server whose own parent is gone."""
    until = time.monotonic() + PATIENCE
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not lives(pid)


def test_a_server_that_will_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    command = [sys.executable, "-c", STUBBORN, PORT]
    with started(command, home=tmp_path, environ={}) as process:
        assert lives(process.pid)
    assert not lives(process.pid)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_benchmark_that_is_told_to_end_takes_its_servers_along(tmp_path, name):
    command, environ = [sys.executable, "-c", BENCHMARK], {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environ) as benchmark:
        server = read(tmp_path / "pid")
        benchmark.send_signal(getattr(signal, name))
        assert benchmark.wait(PATIENCE)
    try:
        assert ended(server)
    finally:
        if lives(server):
            os.kill(server, signal.SIGKILL)


def test_under_nohup_a_benchmark_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        processes.clearing_up()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGTERM, terminated)
