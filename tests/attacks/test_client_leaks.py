"""Somebody wants the Python client's tokens: by a redirect, another host, a log or a file."""

import json
import logging
import os
import traceback
from contextlib import suppress

import httpx
import pytest

from admit.client import (
    AdmitAuth,
    FileTokens,
    KeyringTokens,
    MemoryTokens,
    NotAdmit,
    SignedOut,
    TokensError,
)
from admit.client import renewal as renewing
from admit.errors import SettingsError, Unavailable
from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENT, issuing, stored
from tests.client.keychain import Keychain


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with issuing(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def issuer(running):
    running.line.seen.clear()
    yield running
    running.line.restore()


@pytest.fixture
def elsewhere(issuer):
    """The same server under another name: another origin, which is not meant."""
    return issuer.live.url.replace("127.0.0.1", "localhost")


def tokens_that_came(issuer, path):
    return [headers.get("authorization") for each, headers in issuer.line.seen if each == path]


def test_another_host_gets_no_token(issuer, elsewhere):
    auth, _ = issuer.signed_in()
    assert issuer.client.get(f"{elsewhere}/echo", auth=auth).status_code == 200
    assert issuer.client.get(f"{issuer.live.url}/echo", auth=auth).status_code == 200
    nobodys, bearer = tokens_that_came(issuer, "/echo")
    assert nobodys is None
    assert bearer.startswith("Bearer ")


@pytest.mark.parametrize(
    "lookalike",
    [
        "https://auth.example.com.evil.test",
        "https://auth.example.com@evil.test",
        "https://auth.example.com:8443",
        "https://auth.example.co",
        "https://xauth.example.com",
        "http://auth.example.com",
        "https://example.com",
    ],
)
def test_an_address_that_looks_like_the_issuers_gets_no_token(lookalike):
    """Not even the store is asked: there is nobody signed in, and nothing is raised."""
    auth = AdmitAuth(
        "https://auth.example.com/auth",
        tokens=MemoryTokens(),
        send_to=["https://api.example.com:444"],
    )
    sent = next(auth.sync_auth_flow(httpx.Request("GET", f"{lookalike}/auth/me")))
    assert "authorization" not in sent.headers


@pytest.mark.parametrize(
    "meant",
    [
        "https://auth.example.com/",
        "https://AUTH.example.com:443/orders",
        "https://api.example.com:444/x",
    ],
)
def test_the_origins_that_are_meant_are_those_that_were_named(meant):
    auth = AdmitAuth(
        "https://auth.example.com/auth/",
        tokens=MemoryTokens(),
        send_to=["https://api.example.com:444/"],
    )
    with pytest.raises(SignedOut):
        next(auth.sync_auth_flow(httpx.Request("GET", meant)))


def test_a_redirect_to_another_host_takes_no_token_along(issuer, elsewhere):
    auth, _ = issuer.signed_in()
    away = f"{issuer.live.url}/away?{elsewhere}/echo"
    assert issuer.client.get(away, auth=auth, follow_redirects=True).status_code == 200
    assert tokens_that_came(issuer, "/away")[0].startswith("Bearer ")
    assert tokens_that_came(issuer, "/echo") == [None]


def test_a_redirect_away_whose_end_refuses_starts_no_refresh(issuer, elsewhere):
    """Or any host that an app asks could make it use up its refresh tokens."""
    auth, _ = issuer.signed_in()
    away = f"{issuer.live.url}/away?{elsewhere}/refuse"
    for address in (away, f"{elsewhere}/refuse"):
        answer = issuer.client.get(address, auth=auth, follow_redirects=True)
        assert answer.status_code == 401
    assert issuer.line.refreshes == []


def test_a_server_that_refuses_every_token_gets_each_request_twice_and_no_more(issuer):
    auth, _ = issuer.signed_in()
    assert issuer.client.get(f"{issuer.live.url}/refuse", auth=auth).status_code == 401
    assert len(tokens_that_came(issuer, "/refuse")) == 2
    assert len(issuer.line.refreshes) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_refresh_follows_no_redirect(issuer, elsewhere, status):
    """A 307 keeps the body, and the refresh token is in it."""
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    issuer.line.instead = lambda: (status, {"location": f"{elsewhere}/echo"}, b"")
    with pytest.raises(NotAdmit):
        issuer.client.get(f"{issuer.url}/me", auth=auth, follow_redirects=True)
    assert "/echo" not in [path for path, _ in issuer.line.seen]
    issuer.line.restore()
    assert issuer.me(auth) == 200


def test_the_apps_own_client_never_sees_the_refresh_token(issuer):
    """Its hooks may write down whatever it sends."""
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    sent = []
    hooks = {"request": [lambda request: sent.append(str(request.url))]}
    with httpx.Client(auth=auth, event_hooks=hooks, **PATIENT) as client:
        assert client.get(f"{issuer.url}/me").status_code == 200
        assert dict(client.cookies) == {}
    assert sent == [f"{issuer.url}/me"]
    assert len(issuer.line.refreshes) == 1


def test_an_app_that_is_pointed_at_another_issuer_sends_it_nothing(issuer, elsewhere):
    tokens = MemoryTokens()
    issuer.signed_in(tokens)
    kept = tokens.read()
    auth = AdmitAuth(f"{elsewhere}/auth", tokens=tokens)
    issuer.line.seen.clear()
    url = f"{elsewhere}/auth/me"
    for use in (
        lambda: issuer.client.get(url, auth=auth),
        auth.sign_out,
        lambda: auth.sign_in(LOGIN, PASSWORD),
    ):
        with pytest.raises(TokensError, match="a place of its own"):
            use()
    assert issuer.line.seen == []
    assert tokens.read() == kept


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("issuer", "http://auth.example.com/auth"),
        ("issuer", "http://localhost.example.com/auth"),
        ("issuer", "http://127.0.0.1.example.com/auth"),
        ("issuer", "ftp://auth.example.com"),
        ("issuer", "auth.example.com"),
        ("issuer", "https:///auth"),
        ("issuer", "https://ada:secret@auth.example.com"),
        ("issuer", "https://auth.example.com/auth?to=x"),
        ("issuer", "https://auth.example.com/auth#x"),
        ("issuer", "https://auth.example.com:port"),
        ("send_to", "http://api.example.com"),
        ("send_to", "https://api.example.com/v1"),
        ("send_to", "*"),
    ],
)
def test_an_address_where_others_could_read_along_is_refused(setting, address):
    issuer = address if setting == "issuer" else "https://auth.example.com/auth"
    send_to = [address] if setting == "send_to" else []
    with pytest.raises(SettingsError) as told:
        AdmitAuth(issuer, tokens=MemoryTokens(), send_to=send_to)
    assert told.value.setting == setting
    assert "secret" not in str(told.value)


def test_one_origin_in_place_of_a_list_is_refused():
    with pytest.raises(SettingsError, match="brackets"):
        AdmitAuth("https://a.example.com", tokens=MemoryTokens(), send_to="https://b.example.com")


def all_of(error):
    """Everything that hangs on an error, as a collector of errors would look through it.

    What functions held when it was raised is a part of that, but for those of this test.
    """
    found = []
    while error is not None:
        seen = traceback.TracebackException.from_exception(error, capture_locals=True)
        held = [repr(each.locals) for each in seen.stack if "admit/client" in each.filename]
        found += [*held, *seen.format_exception_only(), repr(vars(error))]
        if isinstance(error, httpx.RequestError):
            found.append(error.request.content.decode())
        error = error.__cause__ or error.__context__
    return "\n".join(found)


def test_no_token_is_in_a_log_a_repr_or_an_error(issuer, caplog, monkeypatch):
    monkeypatch.setattr(renewing, "PAUSES", (0.01,))
    caplog.set_level(logging.DEBUG)
    tokens = MemoryTokens()
    auth, device = issuer.signed_in(tokens, patience=0.0)
    secrets = [value for value in stored(tokens).values() if isinstance(value, str)]
    issuer.passes(ACCESS_TTL, device)
    told = []
    for answer, kind in (
        ("drop", Unavailable),
        ((503, {}, b""), Unavailable),
        ((200, {}, b"{}"), NotAdmit),
        ((401, {}, b'{"code": "refresh_refused", "reason": "expired"}'), SignedOut),
    ):
        issuer.line.instead = lambda answer=answer: answer
        with pytest.raises(kind) as raised:
            issuer.me(auth)
        told.append(all_of(raised.value))
    secrets += [*issuer.line.refreshes, PASSWORD]
    book = auth._renewal._book
    shown = "\n".join([*told, caplog.text, repr(auth), repr(tokens), repr(vars(auth))])
    for secret in [each for each in secrets if each != issuer.url]:
        assert secret not in shown
    auth.sign_in(LOGIN, PASSWORD)
    kept = book.look()
    shown = repr(kept.with_key()) + repr(book.held) + repr(vars(book))
    for secret in (kept.access_token, kept.refresh_token):
        assert secret not in shown


@pytest.mark.parametrize("change", [{"issuer": "https://another.test"}, {"more": 1}, None], ids=str)
def test_no_token_is_in_what_functions_held_when_the_store_failed(
    issuer, tmp_path, monkeypatch, change
):
    """Another issuer's tokens, a damaged text, a full disk."""
    tokens = FileTokens(tmp_path / "tokens")
    auth, device = issuer.signed_in(tokens)
    issuer.passes(ACCESS_TTL, device)
    kept = stored(tokens)
    tokens.write(json.dumps(kept | (change or {})))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokensError) as raised:
        issuer.me(auth)
    told = all_of(raised.value)
    for secret in (kept["access_token"], kept["refresh_token"]):
        assert secret not in told


def test_a_file_that_others_can_read_is_not_used(issuer, tmp_path):
    tokens = FileTokens(tmp_path / "tokens")
    issuer.signed_in(tokens)
    again, _ = issuer.made(FileTokens(tmp_path / "tokens"))
    for mode in (0o640, 0o604, 0o620, 0o602, 0o666):
        tokens.path.chmod(mode)
        with pytest.raises(TokensError, match="can be read by others"):
            issuer.me(again)
        with pytest.raises(TokensError):
            again.sign_in(LOGIN, PASSWORD)
    tokens.path.chmod(0o600)
    assert issuer.me(again) == 200


def test_a_link_is_not_followed_neither_to_read_nor_to_write(issuer, tmp_path):
    """Somebody put it there, to have tokens used that are theirs, or another file overwritten."""
    planted = FileTokens(tmp_path / "planted")
    issuer.signed_in(planted)
    before = planted.path.read_bytes()
    (tmp_path / "tokens").symlink_to(planted.path)
    auth, _ = issuer.made(FileTokens(tmp_path / "tokens"))
    for use in (lambda: issuer.me(auth), lambda: auth.sign_in(LOGIN, PASSWORD)):
        with pytest.raises(TokensError, match="symbolic link"):
            use()
    assert planted.path.read_bytes() == before


@pytest.mark.parametrize("name", [".tokens.guard", ".tokens.turn", ".tokens.new"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_beside_the_file_is_not_followed(issuer, tmp_path, name, there):
    target = tmp_path / "target"
    if there:
        target.write_text("mine")
    (tmp_path / name).symlink_to(target)
    auth, device = issuer.made(FileTokens(tmp_path / "tokens"))
    with suppress(TokensError):
        auth.sign_in(LOGIN, PASSWORD)
        issuer.passes(ACCESS_TTL, device)
        issuer.me(auth)
    assert target.exists() == there
    assert not there or target.read_text() == "mine"


def test_a_pipe_in_the_place_of_the_file_is_told_and_not_waited_for(issuer, tmp_path):
    os.mkfifo(tmp_path / "tokens", 0o600)
    auth, _ = issuer.made(FileTokens(tmp_path / "tokens"))
    with pytest.raises(TokensError, match="is not a file"):
        issuer.me(auth)


def test_a_directory_where_others_can_write_is_refused(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode in (0o770, 0o707, 0o1777):
        shared.chmod(mode)
        with pytest.raises(TokensError, match="Others can write"):
            FileTokens(shared / "tokens")
        with pytest.raises(TokensError, match="Others can write"):
            KeyringTokens("mytool", backend=Keychain(), locks_in=shared)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_and_directory_are_refused(tmp_path):
    tokens = FileTokens(tmp_path / "own" / "tokens")
    tokens.write("text")
    os.chown(tokens.path, 12_345, -1)
    with pytest.raises(TokensError, match="another user"):
        tokens.read()
    os.chown(tokens.path.parent, 12_345, -1)
    with pytest.raises(TokensError, match="Others can write"):
        FileTokens(tmp_path / "own" / "tokens")
