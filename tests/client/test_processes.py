"""Several real processes with one file of tokens, one of them killed in the middle of a refresh."""

import contextlib
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from admit.client import FileTokens, SignedOut
from tests.client.issuer import ACCESS_TTL, PATIENCE, Held, stored

HOUR = 3_600
ASK = """
import sys, time
import httpx
from admit.client import AdmitAuth, FileTokens
url, path, patience, passed = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
auth = AdmitAuth(
    url,
    tokens=FileTokens(path),
    patience=patience,
    timeout=patience,
    verify=False,  # there is no TLS here: nothing is read that nobody needs
    wall=lambda: time.time() + passed,
)
with httpx.Client(auth=auth, timeout=patience, verify=False) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    print(client.get(url + "/me").status_code)
"""


class Asking:
    """A process that asks `GET /auth/me` once it is told to."""

    def __init__(self, issuer, tokens, passed):
        arguments = [issuer.url, str(tokens.path), str(PATIENCE), str(passed)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASK, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.told, self.says = self.process.stdin, self.process.stdout

    def ready(self):
        assert self.says.readline() == "ready\n"

    def go(self):
        self.told.write("\n")
        self.told.flush()

    def status(self):
        out, _ = self.process.communicate(timeout=PATIENCE)
        return out.strip()


@contextlib.contextmanager
def processes(issuer, tokens, passed, number):
    """So many of them, started at once: starting takes longer than all that they do."""
    started = [Asking(issuer, tokens, passed) for _ in range(number)]
    try:
        for each in started:
            each.ready()
        yield started
    finally:
        for each in started:
            each.process.kill()
            each.process.wait()
            each.told.close()
            each.says.close()


def test_two_processes_refresh_once_and_a_killed_ones_refresh_is_taken_up(issuer, tmp_path):
    tokens = FileTokens(tmp_path / "tokens")
    _, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    with processes(issuer, tokens, ACCESS_TTL, 3) as (killed, one, two):
        former = stored(tokens)["refresh_token"]
        held = issuer.line.spoil = Held()
        killed.go()
        held.arrived()  # the server has committed, and its answer is not out
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        held.go.set()
        issuer.line.restore()
        issuer.passes(HOUR)
        for each in (one, two):
            each.go()
        assert [one.status(), two.status()] == ["200", "200"]
    first, second = issuer.line.refreshes
    assert first == second
    again = issuer.refresh(former, **{"Idempotency-Key": first})
    assert again["refresh_token"] == stored(tokens)["refresh_token"]


def test_two_auths_with_one_file_refresh_once(issuer, tmp_path):
    """As two processes would: each has opened the locks for itself."""
    one, device = issuer.signed_in(FileTokens(tmp_path / "tokens"))
    two, _ = issuer.made(FileTokens(tmp_path / "tokens"), device)
    issuer.passes(ACCESS_TTL, device)
    held = issuer.line.spoil = Held()
    with contextlib.ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(held.go.set)
        first = threads.submit(issuer.me, one)
        held.arrived()
        second = threads.submit(issuer.me, two)
        with pytest.raises(TimeoutError):
            second.result(0.1)
        held.go.set()
        assert [first.result(PATIENCE), second.result(PATIENCE)] == [200, 200]
    assert len(issuer.line.refreshes) == 1


def test_a_sign_out_in_one_process_is_one_in_the_other(issuer, tmp_path):
    one, device = issuer.signed_in(FileTokens(tmp_path / "tokens"))
    two, _ = issuer.made(FileTokens(tmp_path / "tokens"), device)
    assert issuer.me(two) == 200
    assert one.sign_out()
    with pytest.raises(SignedOut) as told:
        issuer.me(two)
    assert told.value.reason == "signed_out"
    assert issuer.line.refreshes == []
