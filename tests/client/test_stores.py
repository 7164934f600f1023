"""Where tokens are kept, and what is refused as a place for them."""

import contextlib
import json
import os
import stat
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.errors import KeyringLocked

from admit import SettingsError
from admit.client import (
    AdmitAuth,
    FileTokens,
    KeyringTokens,
    MemoryTokens,
    SignedOut,
    TokensError,
    keychain,
    locks,
)
from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENCE, stored
from tests.client.keychain import Keychain


@pytest.fixture(params=["file", "keychain", "memory"])
def tokens(request, tmp_path):
    if request.param == "file":
        return FileTokens(tmp_path / "deep" / "er" / "tokens")
    if request.param == "keychain":
        return KeyringTokens("mytool", backend=Keychain(), locks_in=tmp_path / "locks")
    return MemoryTokens()


def test_a_store_keeps_one_text(tokens):
    assert tokens.read() is None
    tokens.remove()
    for text in ("first", "second"):
        tokens.write(text)
        assert tokens.read() == text
    tokens.remove()
    assert tokens.read() is None


def test_a_turn_is_one_at_a_time(tokens):
    release = tokens.locks.turn()
    assert tokens.locks.turn() is None
    with tokens.locks.guard():  # which is not held up by it
        assert tokens.locks.turn() is None
    release()
    release = tokens.locks.turn()
    assert release is not None
    release()


def test_a_guard_is_one_at_a_time(tokens):
    inside = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with tokens.locks.guard():
            entered = threads.submit(enter, tokens, inside)
            assert not inside.wait(0.05)
        assert inside.wait(PATIENCE)
        entered.result(PATIENCE)


def enter(tokens, inside):
    with tokens.locks.guard():
        inside.set()


def test_a_new_run_goes_on_where_the_last_one_stopped(issuer, tokens):
    _, device = issuer.signed_in(tokens)
    for _ in range(2):
        issuer.passes(ACCESS_TTL, device)
        again, _ = issuer.made(tokens, device)
        assert issuer.me(again) == 200
        assert len(issuer.line.refreshes) == 1
        once_more, _ = issuer.made(tokens, device)
        assert issuer.me(once_more) == 200
        assert issuer.line.refreshes == []


def test_the_key_is_stored_before_the_server_sees_it_and_gone_with_the_answer(issuer, tokens):
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    found = []
    issuer.line.instead = lambda: found.append(stored(tokens)["retry_key"])
    assert issuer.me(auth) == 200
    assert found == issuer.line.refreshes
    assert found[0]
    assert stored(tokens)["retry_key"] is None


def test_what_is_stored_is_what_is_needed_and_no_more(issuer, tokens):
    issuer.signed_in(tokens)
    assert sorted(stored(tokens)) == [
        "access_token",
        "asked_at",
        "expires_in",
        "form",
        "issuer",
        "refresh_token",
        "retry_key",
    ]
    assert PASSWORD not in tokens.read()


DAMAGED = [
    "",
    "{",
    "[]",
    '{"form": 2}',
    '{"form": 1}',
    '{"form": 1, "issuer": "x", "reason": "y", "more": 1}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_text_is_told_and_replaced_by_a_sign_in(issuer, text):
    tokens = MemoryTokens()
    tokens.write(text)
    auth, _ = issuer.made(tokens)
    with pytest.raises(TokensError, match="sign in again"):
        issuer.me(auth)
    auth.sign_in(LOGIN, PASSWORD)
    assert issuer.me(auth) == 200


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": "a\r\nX-Evil: b"},
        {"refresh_token": 1},
        {"expires_in": "900"},
        {"retry_key": "a\nb"},
        {"another": "member"},
    ],
)
def test_a_text_with_one_wrong_value_is_not_used(issuer, change):
    tokens = MemoryTokens()
    issuer.signed_in(tokens)
    tokens.write(json.dumps(stored(tokens) | change))
    again, _ = issuer.made(tokens)
    with pytest.raises(TokensError):
        issuer.me(again)


def test_the_file_and_what_is_beside_it_are_the_owners_alone(issuer, tmp_path):
    mask = os.umask(0)
    try:
        tokens = FileTokens(tmp_path / "own" / "tokens")
        auth, _ = issuer.signed_in(tokens)
        assert issuer.me(auth) == 200
    finally:
        os.umask(mask)
    directory = tmp_path / "own"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert found["tokens"] == 0o600
    assert set(found.values()) == {0o600}
    assert auth.sign_out()
    for path in directory.iterdir():
        assert path.read_bytes() == b""


def test_every_text_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    tokens = FileTokens(tmp_path / "tokens")
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(opened):
        done.append("directory" if stat.S_ISDIR(os.fstat(opened).st_mode) else "file")
        fsync(opened)

    def replaced(*paths):
        done.append("name")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    tokens.write("text")
    assert done == ["file", "name", "directory"]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    tokens = FileTokens(tmp_path / "tokens")
    tokens.write("old")
    half = tmp_path / ".tokens.new"
    half.write_text("ne")
    tokens.write("new")
    assert tokens.read() == "new"
    half.write_text("ne")
    tokens.remove()
    assert not half.exists()


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path, monkeypatch):
    tokens = FileTokens(tmp_path / "tokens")
    tokens.write("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokensError, match="No space left"):
        tokens.write("new")
    monkeypatch.undo()
    assert tokens.read() == "old"


def test_a_guard_that_hangs_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "GUARD_SECONDS", 0.0)
    tokens = FileTokens(tmp_path / "tokens")
    with tokens.locks.guard(), pytest.raises(TokensError, match="Another process holds"):
        tokens.locks.guard().__enter__()


def test_a_machine_that_slept_meanwhile_gives_who_holds_a_guard_the_time_to_let_go(
    tmp_path, monkeypatch
):
    """Its clock is far ahead when it wakes, and neither has done anything in the meantime."""
    tokens = FileTokens(tmp_path / "tokens")
    held = contextlib.ExitStack()
    held.enter_context(tokens.locks.guard())
    passed = []

    def sleep(_):
        passed.append(3_600.0)
        if len(passed) == 3:
            held.close()

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: sum(passed))
    monkeypatch.setattr(locks, "time", clock)
    with tokens.locks.guard():
        assert len(passed) == 3


def test_a_place_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TokensError, match="can't be used"):
        FileTokens(tmp_path / "file" / "tokens")
    tokens = FileTokens(tmp_path / "tokens")
    (tmp_path / ".tokens.turn").mkdir()
    with pytest.raises(TokensError, match="can't be opened"):
        tokens.locks.turn()


def test_the_home_directory_is_written_as_people_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileTokens("~/tokens").path == tmp_path / "tokens"
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    KeyringTokens("mytool", backend=Keychain())
    assert stat.S_IMODE((tmp_path / ".local/state/admit").stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    KeyringTokens("mytool", backend=Keychain())
    assert (tmp_path / "state" / "admit").is_dir()


def test_two_accounts_of_one_keychain_are_two(tmp_path):
    chain = Keychain()
    one = KeyringTokens("mytool", "one", backend=chain, locks_in=tmp_path)
    two = KeyringTokens("mytool", "two", backend=chain, locks_in=tmp_path)
    one.write("1")
    assert two.read() is None
    assert one.locks.turn()
    assert two.locks.turn()


@pytest.mark.parametrize(
    ("backend", "told"),
    [(keyring.backends.null.Keyring(), "keeps nothing"), (None, "NoKeyringError")],
)
def test_a_keychain_that_keeps_nothing_opens_no_session(issuer, tmp_path, backend, told):
    backend = backend or keyring.backends.fail.Keyring()
    auth, _ = issuer.made(KeyringTokens("mytool", backend=backend, locks_in=tmp_path))
    issuer.line.seen.clear()
    with pytest.raises(TokensError, match=told):
        auth.sign_in(LOGIN, PASSWORD)
    assert [path for path, _ in issuer.line.seen] in ([], ["/auth/login", "/auth/logout"])


@pytest.mark.parametrize("error", [KeyringLocked, ConnectionResetError])
def test_a_locked_keychain_is_told_and_signs_nobody_out(issuer, tmp_path, error):
    chain = Keychain()
    auth, device = issuer.signed_in(KeyringTokens("mytool", backend=chain, locks_in=tmp_path))
    issuer.passes(ACCESS_TTL, device)
    chain.locked = error
    with pytest.raises(TokensError, match=error.__name__):
        issuer.me(auth)
    chain.locked = None
    assert issuer.me(auth) == 200


def test_an_error_of_the_keychain_is_not_held(tmp_path):
    """It may say what was to be stored."""

    class Talkative(Keychain):
        def set_password(self, service, username, password):
            raise ValueError(f"could not store {password}")

    tokens = KeyringTokens("mytool", backend=Talkative(), locks_in=tmp_path)
    with pytest.raises(TokensError, match="ValueError") as told:
        tokens.write("text")
    assert told.value.__context__ is None


def test_the_keychain_is_the_one_that_keyring_chooses(tmp_path, monkeypatch):
    chain = Keychain()
    monkeypatch.setattr(keyring, "get_keyring", lambda: chain)
    KeyringTokens("mytool", locks_in=tmp_path).write("text")
    assert chain.entries == {("mytool", "tokens"): "text"}


def test_without_keyring_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(TokensError, match="admit\\[client\\]"):
        keychain.KeyringTokens("mytool", locks_in=tmp_path)


def test_a_fork_does_not_use_the_memory_of_its_parent(issuer, monkeypatch):
    """Both would present the same refresh token, and one of them would be taken for a thief."""
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    ours = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: ours + 1)
    for use in (lambda: issuer.me(auth), auth.sign_out, lambda: auth.sign_in(LOGIN, PASSWORD)):
        with pytest.raises(TokensError, match="sign in after the fork"):
            use()
    monkeypatch.undo()
    assert issuer.me(auth) == 200


def test_a_fork_in_the_midst_of_a_refresh_holds_no_lock(issuer):
    """It would wait for a thread that only its parent has."""
    shared = locks.ThreadLocks()
    auth, _ = issuer.made(MemoryTokens())
    held = auth._renewal._gate, shared._guard, shared._turn
    with contextlib.ExitStack() as stack:
        for each in held:
            stack.enter_context(each)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
        if child == 0:
            os._exit(any(each.locked() for each in held))
    assert os.waitpid(child, 0)[1] == 0


def test_nobody_is_signed_in_where_nobody_ever_was(tokens):
    auth = AdmitAuth("https://auth.example.com", tokens=tokens)
    assert repr(auth) == "AdmitAuth('https://auth.example.com')"
    assert auth.sign_out()
    with pytest.raises(SignedOut) as told:
        next(auth.sync_auth_flow(httpx.Request("GET", "https://auth.example.com")))
    assert told.value.reason is None


def test_a_path_is_no_place_for_tokens_yet():
    path: Any = "~/.config/mytool/tokens"
    with pytest.raises(SettingsError, match="FileTokens"):
        AdmitAuth("https://auth.example.com", tokens=path)
