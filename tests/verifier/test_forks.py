"""A forked process begins anew: with threads, locks and connections that are all its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifier.scripted import AUDIENCE, ISSUER, KEY, NOW, soon

CHILDREN = 3
FORKING = """
import os, stat, sys, threading, time, warnings
from concurrent.futures import ThreadPoolExecutor
from admit import Verifier
from admit.verifier import issuer as asking, service
from admit.verifier.instants import Clocks

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: they are the test
url, token, issuer, audience, key, now, children = sys.argv[1:]
asking.SECONDS = asking.PATIENT_SECONDS = 60.0  # the machine may be slow
service.FIRST_SECONDS = 120.0
clocks = Clocks(lambda: float(now), time.monotonic)
verifier = Verifier(issuer=issuer, audience=audience, verifier_key=key, url=url, clocks=clocks)

def sockets():
    return [fd for fd in map(int, os.listdir("/proc/self/fd")) if is_socket(fd)]

def is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False

def child():
    assert verifier._following is None
    assert sockets() == [], "a socket of the parent's is open"
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(verifier.verify, [token] * 1000))
    assert {each.user_id for each in found} == {"ada"}
    names = sorted(each.name for each in threading.enumerate() if "admit" in each.name)
    assert names == ["admit-verifier-feed", "admit-verifier-keys"], names
    assert not verifier.stale

def forked():
    pid = os.fork()
    if pid:
        return pid
    try:
        child()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\\n")
        os._exit(1)
    os._exit(0)

verifier.verify(token)
following = verifier._following
while following._issuers[1]._talking is None:  # until it waits for news
    time.sleep(0.01)
held, over = threading.Event(), threading.Event()

def hold():  # whatever a thread may be in the midst of
    with verifier._starting, following._calls, following._checker._remembering:
        held.set()
        over.wait()

threading.Thread(target=hold).start()
held.wait()
assert len(sockets()) == 2
pids = [forked() for _ in range(int(children))]
over.set()
assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * int(children)
assert verifier._following is following
assert len(sockets()) == 2
verifier.verify(token)
print("ok")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the script reads /proc")
def test_forked_processes_share_nothing_with_their_parent_and_none_hangs(issuer):
    """Forked while a question waits and every lock is held; and no thread keeps one from ending."""
    issuer.holds = True
    given = [issuer.url, issuer.token(), ISSUER, AUDIENCE, KEY, str(NOW), str(CHILDREN)]
    command = [sys.executable, "-c", FORKING, *given]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as running:
        said, complained = running.communicate(timeout=300)
    assert (running.returncode, said.strip()) == (0, "ok"), complained
    soon(lambda: issuer.connections == 2 * (CHILDREN + 1))
