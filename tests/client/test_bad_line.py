"""The line is bad, or the server: valid tokens are never thrown away, and nobody is signed out."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from admit.client import FileTokens, MemoryTokens, NotAdmit, SignedOut, TokensError
from admit.client import renewal as renewing
from admit.client.clocks import MARGIN
from admit.client.errors import LostError
from admit.client.steps import Post, Sleep
from admit.errors import Unavailable
from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENCE, Held, stored

HOUR = 3_600
OUT = (503, {"retry-after": "0"}, b"")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """What stands between two tries is left out, not waited for."""
    monkeypatch.setattr(renewing, "PAUSES", (0.01,))


def in_turn(*answers):
    """Spoils one refresh after the other like this; those that come after are let through."""
    left = list(answers)
    return lambda: left.pop(0) if left else None


def test_answers_that_are_lost_are_fetched_again_with_the_same_key(issuer):
    """An hour apart, with the server's commits in between: the session law knows the key."""
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    former = stored(tokens)["refresh_token"]

    def lost():
        if len(issuer.line.refreshes) == 3:
            return None
        issuer.passes(HOUR)
        return "drop"

    issuer.line.spoil = lost
    assert issuer.me(auth) == 200
    first, *others = issuer.line.refreshes
    assert others == [first, first]
    issuer.line.restore()
    assert (
        issuer.refresh(former, **{"Idempotency-Key": first})["refresh_token"]
        == (stored(tokens)["refresh_token"])
    )


def test_a_server_that_is_away_for_a_while_is_waited_for(issuer):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL, device)
    issuer.line.instead = in_turn(OUT, "drop", (502, {}, b"<html>"), (500, {}, b""))
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 5
    assert len(set(issuer.line.refreshes)) == 1


def test_a_server_that_stays_away_is_told_and_signs_nobody_out(issuer):
    auth, device = issuer.signed_in(patience=0.05)
    issuer.passes(ACCESS_TTL, device)
    issuer.line.instead = lambda: "drop"
    with pytest.raises(Unavailable, match="gave no answer"):
        issuer.me(auth)
    issuer.line.restore()
    assert issuer.me(auth) == 200
    assert len(set(issuer.line.refreshes)) == 1


def test_a_server_that_is_not_there_at_all_signs_nobody_out(issuer, free_port):
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens, patience=0.05)
    issuer.passes(ACCESS_TTL, device)
    wire = auth._renewal._wire
    object.__setattr__(wire, "issuer", f"http://127.0.0.1:{free_port}/auth")
    with pytest.raises(Unavailable, match="ConnectError"):
        issuer.me(auth)
    object.__setattr__(wire, "issuer", issuer.url)
    assert issuer.me(auth) == 200


def test_retry_after_is_waited_for_within_the_patience_and_told_beyond_it(issuer):
    auth, device = issuer.signed_in(patience=30.0)
    issuer.passes(ACCESS_TTL, device)
    issuer.line.instead = lambda: (503, {"retry-after": "3600"}, b"")
    with pytest.raises(Unavailable) as told:
        issuer.me(auth)
    assert told.value.retry_after == 3600
    assert len(issuer.line.refreshes) == 1

    began = device.steady()
    issuer.line.instead = in_turn((503, {"retry-after": "1"}, b""))
    assert issuer.me(auth) == 200
    assert device.steady() - began >= 1


def test_a_token_that_is_still_good_is_used_while_the_server_is_away(issuer, caplog):
    """Nobody waits for it, and it is not asked again with every request."""
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL - MARGIN + 1, device)
    issuer.line.instead = lambda: "drop"
    assert [issuer.me(auth) for _ in range(3)] == [200] * 3
    assert len(issuer.line.refreshes) == 1
    assert "is still good, but not refreshed" in caplog.text

    issuer.line.restore()
    device.passed += renewing.EARLY_PAUSE
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 2
    assert len(set(issuer.line.refreshes)) == 1


def test_a_token_that_is_still_good_is_used_while_another_thread_refreshes(issuer):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL - MARGIN + 1, device)
    with holding(issuer) as held, ThreadPoolExecutor(1) as threads:
        first = threads.submit(issuer.me, auth)
        held.arrived()
        assert issuer.me(auth) == 200
        assert not first.done()
        held.go.set()
        assert first.result(PATIENCE) == 200
    assert len(issuer.line.refreshes) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"content-type": "text/html"}, b"<html>Welcome to our wireless network</html>"),
        (200, {}, b'{"access_token": "a\\r\\nb", "refresh_token": "c", "expires_in": 1}'),
        (200, {}, b'{"access_token": "a", "expires_in": 1}'),
        (200, {}, b'{"access_token": "a", "refresh_token": "c", "expires_in": true}'),
        (200, {}, b'{"access_token": "a", "refresh_token": "c", "expires_in": NaN}'),
        (200, {}, b'{"access_token": "a", "refresh_token": "c", "expires_in": 1%s}' % (b"0" * 400)),
        (200, {}, b"[]"),
        (200, {}, b"[" * 100_000),
        (401, {}, b"<html>Log in to this proxy</html>"),
        (401, {}, b'{"code": "invalid_input"}'),
        (404, {}, b"no such page"),
    ],
)
def test_an_answer_that_is_not_admits_ends_nothing(issuer, answer):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL, device)
    issuer.line.instead = lambda: answer
    with pytest.raises(NotAdmit, match="check the issuer's address"):
        issuer.me(auth)
    assert len(issuer.line.refreshes) == 1
    issuer.line.restore()
    assert issuer.me(auth) == 200


@pytest.mark.parametrize("reason", ["signed_out", "password_changed", "reuse_detected", "expired"])
def test_a_refusal_says_why_to_every_process_and_is_asked_for_once(issuer, tmp_path, reason):
    auth, device = issuer.signed_in(FileTokens(tmp_path / "tokens"))
    issuer.passes(ACCESS_TTL, device)
    problem = b'{"code": "refresh_refused", "reason": "%s"}' % reason.encode()
    issuer.line.instead = lambda: (401, {}, problem)
    another, _ = issuer.made(FileTokens(tmp_path / "tokens"), device)
    for each in (auth, auth, another):
        with pytest.raises(SignedOut) as told:
            issuer.me(each)
        assert told.value.reason == reason
    assert len(issuer.line.refreshes) == 1
    issuer.line.restore()
    another.sign_in(LOGIN, PASSWORD)
    assert [issuer.me(auth), issuer.me(another)] == [200, 200]


def test_a_session_that_ended_elsewhere_is_told_with_its_reason(issuer):
    """The access token is refused within a second; the refresh says why."""
    auth, _ = issuer.signed_in()
    other, _ = issuer.signed_in()
    issuer.client.post(f"{issuer.url}/logout/all", auth=other)
    with pytest.raises(SignedOut) as told:
        issuer.me(auth)
    assert told.value.reason == "signed_out"


@contextmanager
def holding(issuer):
    """The server has done what was asked, and its answers do not come yet."""
    held = Held()
    issuer.line.spoil = held
    try:
        yield held
    finally:
        held.go.set()


def test_an_answer_that_comes_after_a_sign_out_brings_nobody_back(issuer, tmp_path):
    """And signing out waits for no answer."""
    tokens = FileTokens(tmp_path / "tokens")
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    former = stored(tokens)["refresh_token"]
    with holding(issuer) as held, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(issuer.me, auth)
        held.arrived()
        assert auth.sign_out()
        held.go.set()
        with pytest.raises(SignedOut) as told:
            asked.result(PATIENCE)
    assert told.value.reason == "signed_out"
    assert tokens.read() is None
    issuer.line.restore()
    assert issuer.refresh(former)["reason"] == "signed_out"
    with pytest.raises(SignedOut):
        issuer.me(auth)


def test_an_answer_that_comes_after_another_sign_in_takes_nobodys_place(issuer):
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    with holding(issuer) as held, ThreadPoolExecutor(1) as threads:
        url = f"{issuer.url}/me"
        asked = threads.submit(issuer.client.get, url, auth=auth)
        held.arrived()
        auth.sign_in("noa@example.com", PASSWORD)
        noas = stored(tokens)
        held.go.set()
        assert asked.result(PATIENCE).json()["user"]["email"] == "noa@example.com"
    assert stored(tokens) == noas


def test_who_waits_for_a_refresh_waits_no_longer_than_its_patience(issuer):
    auth, device = issuer.signed_in(patience=0.2)
    issuer.passes(ACCESS_TTL, device)
    with holding(issuer) as held, ThreadPoolExecutor(1) as threads:
        first = threads.submit(issuer.me, auth)
        held.arrived()
        with pytest.raises(Unavailable, match="Another thread or task"):
            issuer.me(auth)
        held.go.set()
        assert first.result(PATIENCE) == 200


def test_patience_is_for_all_that_a_request_waits_for(issuer, monkeypatch):
    """Whoever waited for another's refresh, in vain, does not wait as long again for its own."""
    auth, device = issuer.signed_in(patience=30.0)
    issuer.passes(ACCESS_TTL, device)
    began, gate = device.passed, auth._renewal._gate
    assert gate.acquire(blocking=False)
    held = [gate.release]

    def sleep(step):
        device.passed += step.seconds
        if held and device.passed - began > 20:
            held.pop()()

    def lose(_):
        raise LostError("nobody is there")

    monkeypatch.setattr(Sleep, "do", sleep)
    monkeypatch.setattr(Post, "do", lose)
    with pytest.raises(Unavailable, match="nobody is there"):
        issuer.me(auth)
    assert not held
    assert device.passed - began <= 30


def test_what_stays_on_this_machine_goes_through_no_proxy_of_the_environment(
    issuer, monkeypatch, free_port
):
    """Without TLS, the proxy would read the password and the tokens."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{free_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    auth, _ = issuer.signed_in()
    assert auth.sign_out()


def test_a_sign_out_that_the_server_does_not_hear_of_is_one_here(issuer, monkeypatch, caplog):
    monkeypatch.setattr(renewing, "GOODBYE_SECONDS", 0.0)
    tokens = MemoryTokens()
    auth, _ = issuer.signed_in(tokens)
    wire = auth._renewal._wire
    object.__setattr__(wire, "issuer", f"{issuer.url}/nothing/here")
    assert not auth.sign_out()
    assert tokens.read() is None
    assert "goes on at the server until it expires" in caplog.text
    with pytest.raises(SignedOut):
        issuer.me(auth)


class FullDisk(MemoryTokens):
    """Has room for so many more texts."""

    room = 1_000

    def write(self, text):
        if self.room == 0:
            raise TokensError("no space left on device")
        self.room -= 1
        super().write(text)


def test_nothing_is_sent_whose_key_could_not_be_stored(issuer):
    tokens = FullDisk()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    tokens.room = 0
    with pytest.raises(TokensError, match="no space left"):
        issuer.me(auth)
    assert issuer.line.refreshes == []
    tokens.room = 2
    assert issuer.me(auth) == 200


def test_new_tokens_that_could_not_be_stored_are_used_and_fetched_again(issuer, caplog):
    """The store says how the refresh began; the next one, an hour later, begins so again."""
    tokens = FullDisk()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    tokens.room = 1
    assert issuer.me(auth) == 200
    assert "will be fetched again" in caplog.text
    issuer.passes(HOUR, device)
    tokens.room = 1
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 2
    assert len(set(issuer.line.refreshes)) == 1
    issuer.passes(HOUR, device)
    tokens.room = 2
    assert issuer.me(auth) == 200


def test_a_session_whose_tokens_could_not_be_stored_is_ended(issuer):
    tokens = FullDisk()
    tokens.room = 0
    auth, _ = issuer.made(tokens)
    issuer.line.seen.clear()
    with pytest.raises(TokensError):
        auth.sign_in(LOGIN, PASSWORD)
    assert [path for path, _ in issuer.line.seen] == ["/auth/login", "/auth/logout"]


def test_a_request_that_is_cancelled_gives_its_turn_back(issuer):
    import asyncio

    import httpx

    from tests.client.issuer import PATIENT

    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL, device)

    async def cancelled(held):
        async with httpx.AsyncClient(auth=auth, **PATIENT) as client:
            task = asyncio.create_task(client.get(f"{issuer.url}/me"))
            await asyncio.to_thread(held.arrived)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with holding(issuer) as held:
        asyncio.run(cancelled(held))
    issuer.line.restore()
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 2
    assert len(set(issuer.line.refreshes)) == 1
