"""A forked process begins anew: with threads, locks and connections that are all its own."""

import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from admit.forks import CALM
from admit.verifier import issuer as asking
from admit.verifier.held import Ended, Held
from admit.verifier.instants import Clocks
from tests.certificates import self_signed
from tests.verifier.scripted import AUDIENCE, ISSUER, KEY, NOW, PATIENCE, soon

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


AT_WORK = """
import os, sys, threading, time, warnings
from admit import forks

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: they are the test
forks.BUSY_SECONDS, which = float(sys.argv[1]), sys.argv[2]
calm, began, go = forks.CALM, threading.Event(), threading.Event()
inside = False

def work():
    global inside
    with calm.at_work():
        inside = True
        began.set()
        go.wait()
        if which == "own":
            forked(inside)
        inside = False

def pass_by():
    with calm.at_work():
        pass

def forked(expected):
    pid = os.fork()
    if pid == 0:
        threads = [threading.Thread(target=pass_by)]  # whoever follows there is held up by nobody
        threads[0].start()
        threads[0].join()
        os._exit(inside != expected)
    assert os.waitpid(pid, 0)[1] == 0, "forked too early, or too late"

def let_go():
    while not calm._forking:  # until the fork waits
        time.sleep(0.001)
    go.set()

threads = [threading.Thread(target=work, daemon=True)]
threads[0].start()
began.wait()
if which == "other":
    threads.append(threading.Thread(target=let_go))
    threads[1].start()
    forked(False)
elif which == "stuck":
    forked(True)
    go.set()
else:
    go.set()
for each in threads:
    each.join()
with calm.at_work():  # and none in the parent
    print("ok")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize(("seconds", "which"), [(3600, "other"), (0.05, "stuck"), (3600, "own")])
def test_a_fork_waits_for_a_thread_that_may_hold_a_lock_of_openssl(seconds, which):
    """Not for one that stays there, and not for itself."""
    command = [sys.executable, "-c", AT_WORK, str(seconds), which]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


LOCKED = """
import os, threading, time, warnings

warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: they are the test
lock, held = threading.Lock(), threading.Event()
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)

from admit import forks  # whose hook comes before theirs then

forks.BUSY_SECONDS = 0.05

def work():
    with lock:
        held.set()
        while not forks.CALM._forking:
            time.sleep(0.001)
        with forks.CALM.at_work():
            pass

thread = threading.Thread(target=work, daemon=True)
thread.start()
held.wait()
pid = os.fork()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
thread.join()
print("ok")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_fork_that_waits_for_a_lock_of_the_app_keeps_its_holder_from_nothing():
    """Neither would ever go on: the app's own hook waits for whoever waits for the fork."""
    command = [sys.executable, "-c", LOCKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


@contextmanager
def silent(*, tls=None, hears=True):
    """A server that hears one question and never answers; yields its port and when it has it."""
    heard, over = threading.Event(), threading.Event()

    def serve():
        with suppress(OSError), server.accept()[0] as plain:
            plain.settimeout(PATIENCE)
            with tls.wrap_socket(plain, server_side=True) if tls and hears else plain as talk:
                talk.recv(65_536)  # the question, or that somebody wants to shake hands
                heard.set()
                over.wait(2 * PATIENCE)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("how", ["plain", "tls", "no handshake"])
def test_a_thread_that_waits_for_the_issuer_keeps_no_fork_waiting(tmp_path, monkeypatch, how):
    """It holds no lock then; an answer may take half a minute."""
    monkeypatch.setattr(asking, "SECONDS", 4 * PATIENCE)
    certificate = self_signed(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(certificate)
    scheme = "http" if how == "plain" else "https"
    tls = None if how == "plain" else there
    with silent(tls=tls, hears=how != "no handshake") as (port, heard):
        issuer = Held(f"{scheme}://localhost:{port}", clocks=Clocks())

        def ask():
            with suppress(Ended, asking.Away):
                issuer.get("/x")

        thread = threading.Thread(target=ask)
        thread.start()
        assert heard.wait(PATIENCE)
        soon(lambda: thread.ident not in CALM._at_work)
        assert thread.is_alive()
        issuer.end()
    thread.join()


STEPS = ("wrap_socket", "do_handshake", "sendall", "recv", "recv_into", "close")


@pytest.fixture
def outside(monkeypatch):
    """The steps into OpenSSL that a thread took where a fork would not have waited for it."""
    found = set()

    def watching(name, step):
        def watched(self, *given, **named):
            if threading.get_ident() not in CALM._at_work and not named.get("server_side"):
                found.add(name)
            return step(self, *given, **named)

        return watched

    class Watched(ssl.SSLSocket):
        pass

    for name in STEPS[1:]:
        setattr(Watched, name, watching(name, getattr(ssl.SSLSocket, name)))
    monkeypatch.setattr(ssl.SSLContext, "sslsocket_class", Watched)
    wrap = ssl.SSLContext.wrap_socket
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", watching("wrap_socket", wrap))
    return found


def answered_over_tls(server, tls):
    """Answer two questions on one connection, and hang up at the third."""
    with server.accept()[0] as plain:
        plain.settimeout(PATIENCE)
        with tls.wrap_socket(plain, server_side=True) as talk:
            for _ in range(2):
                talk.recv(65_536)
                talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            talk.recv(65_536)


def test_a_fork_waits_at_each_step_into_openssl(tmp_path, monkeypatch, outside):
    """From the first, which makes the session, to the last, which lets go of it."""
    certificate = self_signed(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.sslsocket_class = ssl.SSLSocket
    tls.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answered_over_tls, args=(server, tls))
        thread.start()
        issuer = asking.Issuer(f"https://localhost:{server.getsockname()[1]}", clocks=Clocks())
        for _ in range(2):
            assert issuer.get("/x").body == b"{}"
        issuer.close()
        thread.join()
    assert outside == set()
