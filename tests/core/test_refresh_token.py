"""The refresh token: a pure function of handle and row, which only Admit can write."""

import base64
import hashlib
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admit.testing import samples
from admit.tokens import refresh
from admit.tokens.refresh import RefreshTokens
from admit.tokens.secret import derived_keys
from tests.core.conftest import FORMER, SECRET

HANDLE = "h" * 43
ROW = samples.session(generation=7, expires_at=1_800_000_123.9)


@pytest.fixture
def tokens():
    return RefreshTokens((SECRET,))


def key(secret=SECRET, purpose="refresh token"):
    (derived,) = derived_keys((secret,), purpose)
    return derived


def forged(payload, *, secret=SECRET, **header):
    header = {"typ": "refresh+jwt"} | header
    return jwt.encode(payload, key(secret), algorithm="HS256", headers=header)


def test_the_same_row_has_the_same_text_in_every_process(tokens):
    text = tokens.of(HANDLE, ROW)
    assert text == RefreshTokens((SECRET,)).of(HANDLE, ROW)
    assert text != tokens.of("i" * 43, ROW)
    assert text != tokens.of(HANDLE, samples.session(generation=8, expires_at=ROW.expires_at))


def test_what_was_written_is_read(tokens):
    held = tokens.read(tokens.of(HANDLE, ROW))
    assert (held.h, held.n, held.exp) == (HANDLE, 7, 1_800_000_123)
    assert held.session_id == refresh.session_id(HANDLE)


def test_any_jwt_library_can_read_it_with_the_key(tokens):
    text = tokens.of(HANDLE, ROW)
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "typ": "refresh+jwt"}
    claims = jwt.decode(text, key(), algorithms=["HS256"], options={"verify_exp": False})
    assert claims == {"h": HANDLE, "n": 7, "exp": 1_800_000_123}


def test_a_session_id_is_a_hash_that_reveals_nothing():
    digest = hashlib.sha256(HANDLE.encode()).digest()[:16]
    assert refresh.session_id(HANDLE) == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert len(refresh.session_id(HANDLE)) == 22


def test_every_handle_is_256_new_bits():
    handles = {refresh.new_handle() for _ in range(1_000)}
    assert len(handles) == 1_000
    assert {len(base64.urlsafe_b64decode(each + "=")) for each in handles} == {32}


def test_the_newest_secret_writes_and_every_listed_one_reads():
    old, both, new = (RefreshTokens(each) for each in ((FORMER,), (SECRET, FORMER), (SECRET,)))
    assert both.of(HANDLE, ROW) == new.of(HANDLE, ROW) != old.of(HANDLE, ROW)
    assert both.read(old.of(HANDLE, ROW)) == both.read(new.of(HANDLE, ROW))
    assert new.read(old.of(HANDLE, ROW)) is None


def test_retry_keys_are_hashes_and_an_absent_one_is_none():
    assert refresh.retry_key("a key") == hashlib.sha256(b"a key").digest()[:16]
    assert refresh.retry_key("a key") != refresh.retry_key("a key ")
    assert refresh.retry_key(None) is None
    assert refresh.retry_key("") is None
    assert refresh.retry_key("\ud800") is not None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "..",
        "a.b.c",
        "a.b.c.d",
        "é.b.c",
        "a" * 600,
        forged({"h": HANDLE, "n": 7, "exp": 1}, secret=FORMER),
        forged({"h": HANDLE, "n": 7, "exp": 1}, typ="at+jwt"),
        forged({"h": HANDLE, "n": 7, "exp": 1}, kid="x"),
        forged({"h": HANDLE, "n": 7}),
        forged({"h": HANDLE, "n": "7", "exp": 1}),
        forged({"h": HANDLE, "n": 7, "exp": 1, "more": 1}),
        forged({"h": 7, "n": 7, "exp": 1}),
        jwt.encode({"h": HANDLE, "n": 7, "exp": 1}, "", algorithm="none"),
        jwt.encode(
            {"h": HANDLE, "n": 7, "exp": 1},
            key(purpose="signing key encryption"),
            algorithm="HS256",
            headers={"typ": "refresh+jwt"},
        ),
    ],
    ids=lambda token: token[-24:] or "empty",
)
def test_what_is_not_ours_is_none(tokens, token):
    assert tokens.read(token) is None


@given(st.text(), st.integers(0, 400))
def test_no_text_and_no_damage_is_read(text, at):
    tokens = RefreshTokens((SECRET,))
    good = tokens.of(HANDLE, ROW)
    at %= len(good)
    damaged = good[:at] + text + good[at + 1 :]
    # The last character of a signature has two bits that say nothing (RFC 4648 section 3.5).
    same = damaged[:-1] == good[:-1]
    assert tokens.read(text) is None
    assert same or tokens.read(damaged) is None


def test_a_token_is_short(tokens):
    assert len(tokens.of(HANDLE, samples.session(generation=10**9))) < 250
    payload = tokens.of(HANDLE, ROW).split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == {
        "h": HANDLE,
        "n": 7,
        "exp": 1_800_000_123,
    }
