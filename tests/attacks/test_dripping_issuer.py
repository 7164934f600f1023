"""Somebody in the issuer's place answers without end: slowly, or more than anybody can hold."""

import gzip
import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from time import monotonic

import httpx
import pytest

from admit.client import AdmitAuth, MemoryTokens, NotAdmit
from admit.client import answers as bounds
from admit.client.kept import Kept, written
from admit.errors import SettingsError, Unavailable
from tests.certificates import self_signed
from tests.client.issuer import LOGIN, PASSWORD, PATIENCE

WHOLE = 0.5
"""Seconds that a try may take here; each of its steps may take `PATIENCE`."""
LATE = r"took longer than 0\.5 s"
HEAD = b"HTTP/1.1 200 OK\r\n"
TOKENS = json.dumps({"access_token": "a", "refresh_token": "b", "expires_in": 900}).encode()
SLOWLY = {
    "in the head": HEAD + b"X-Long: ",
    "in the body": HEAD + b"Content-Length: 9999\r\n\r\n" + TOKENS,
    "with no end but that we hang up": HEAD + b"\r\n" + TOKENS,
}


class Answering:
    """An issuer of one answer to one question."""

    def __init__(self, answer, part, pause, tls=None):
        self._answer, self._part, self._pause, self._tls = answer, part, pause, tls
        self._reached, self._gone = threading.Event(), threading.Event()
        self.asked = b""
        self.over = threading.Event()

    def serve(self, server):
        with suppress(OSError):
            plain, _ = server.accept()
            self._reached.set()
            try:
                self._speak(plain)
            except OSError:
                self._gone.set()

    def is_left_alone(self):
        """Whether who asked has hung up; on a slow machine it may not even have come so far."""
        return not self._reached.is_set() or self._gone.wait(PATIENCE)

    def _speak(self, plain):
        plain.settimeout(PATIENCE)
        with self._tls.wrap_socket(plain, server_side=True) if self._tls else plain as talk:
            self.asked = talk.recv(65_536)
            until = monotonic() + PATIENCE
            talk.sendall(self._answer)
            while self._part and monotonic() < until and not self.over.wait(self._pause):
                talk.sendall(self._part)


@contextmanager
def answering(answer, part=b"", pause=0.01, tls=None):
    """Such an issuer; yields it with its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        issuer = Answering(answer, part, pause, tls)
        thread = threading.Thread(target=issuer.serve, args=(server,))
        thread.start()
        try:
            yield issuer, server.getsockname()[1]
        finally:
            issuer.over.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # nobody may have come
            thread.join()


def asked_once(auth):
    """Have the auth refresh, as before a request."""
    next(auth.sync_auth_flow(httpx.Request("GET", f"{auth.issuer}/me")))


def signed_in(url, **options):
    """An auth whose access token is over, and the store that has its tokens."""
    tokens = MemoryTokens()
    old = Kept(issuer=url, access_token="a", expires_in=1, asked_at=0.0, refresh_token="r")
    tokens.write(written(old))
    return AdmitAuth(url, tokens=tokens, patience=0.0, timeout=PATIENCE, **options), tokens


@pytest.fixture
def hurried(monkeypatch):
    """A try is over soon, though none of its steps is."""
    monkeypatch.setattr(bounds, "SHARES", WHOLE / PATIENCE)
    monkeypatch.setattr("admit.client.steps.SHARES", WHOLE / PATIENCE)


@pytest.mark.parametrize("how", SLOWLY)
def test_an_answer_that_drips_holds_no_thread(hurried, how):
    """Also where it would be a good one: cut off by us, it looks as if it had ended."""
    with answering(SLOWLY[how], b" ") as (issuer, port):
        auth, tokens = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(Unavailable, match=LATE):
            asked_once(auth)
        assert issuer.is_left_alone()
    assert '"refresh_token": "r"' in tokens.read()


@pytest.fixture
def no_threads(monkeypatch):
    """Nobody watches: from Python 3.12 on a process that exits starts no thread."""

    def refused(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Timer, "start", refused)


def test_who_signs_out_while_the_process_exits_is_heard(no_threads):
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        assert auth.sign_out()
        assert issuer.asked.startswith(b"POST /auth/logout ")


def test_an_answer_that_drips_while_the_process_exits_holds_it_no_longer(hurried, no_threads):
    with answering(SLOWLY["in the body"], b" ") as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(Unavailable, match=LATE):
            asked_once(auth)
        assert issuer.is_left_alone()


@pytest.mark.anyio
@pytest.mark.parametrize("how", SLOWLY)
async def test_an_answer_that_drips_holds_no_task(hurried, how):
    with answering(SLOWLY[how], b" ") as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(Unavailable, match=LATE):
            await auth.sign_in_async(LOGIN, PASSWORD)
        assert issuer.is_left_alone()


def test_an_answer_that_drips_over_tls_holds_no_thread(hurried, tmp_path):
    """What is cut off is the connection under it."""
    certificate = self_signed(tmp_path, "localhost")
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(certificate)
    here = ssl.create_default_context(cafile=certificate)
    with answering(SLOWLY["in the head"], b"x", tls=there) as (issuer, port):
        auth, _ = signed_in(f"https://localhost:{port}/auth", verify=here)
        with pytest.raises(Unavailable, match=LATE):
            auth.sign_in(LOGIN, PASSWORD)
        assert issuer.is_left_alone()


def test_an_answer_without_end_is_read_up_to_its_bound():
    endless = HEAD + b"Content-Length: 99999999999\r\n\r\n" + TOKENS
    with answering(endless, b" " * 65_536, pause=0) as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(NotAdmit):
            auth.sign_in(LOGIN, PASSWORD)
        assert issuer.is_left_alone()


@pytest.mark.anyio
async def test_an_answer_without_end_is_read_up_to_its_bound_in_a_task():
    endless = HEAD + b"Content-Length: 99999999999\r\n\r\n" + TOKENS
    with answering(endless, b" " * 65_536, pause=0) as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(NotAdmit):
            await auth.sign_in_async(LOGIN, PASSWORD)
        assert issuer.is_left_alone()


def test_an_answer_that_is_packed_is_not_unpacked():
    """A few bytes may unpack to any size; we asked for none that are packed."""
    packed = gzip.compress(TOKENS)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with answering(head + packed) as (issuer, port):
        auth, _ = signed_in(f"http://127.0.0.1:{port}/auth")
        with pytest.raises(NotAdmit):
            auth.sign_in(LOGIN, PASSWORD)
        assert b"accept-encoding: identity" in issuer.asked.lower()


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_wait_without_end_can_not_be_asked_for(timeout):
    with pytest.raises(SettingsError) as told:
        AdmitAuth("https://example.com/auth", tokens=MemoryTokens(), timeout=timeout)
    assert told.value.setting == "timeout"
