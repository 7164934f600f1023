"""Private keys: what they sign other libraries verify, and what closes them no other row opens."""

import base64
import functools
import json

import jwt
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from admit.tokens import sealed
from admit.tokens.making import closed, made
from admit.tokens.private import signer

ALGORITHMS = ("ES256", "Ed25519", "HS256", "RS256")
THEIRS = {"Ed25519": "EdDSA"}
"""How PyJWT names what RFC 9864 renamed."""
KEY, OTHER = b"k" * 32, b"o" * 32
MADE = {algorithm: made(algorithm) for algorithm in ALGORITHMS}


@functools.cache  # RSA's halves are checked for a tenth of a second
def key_of(algorithm):
    return signer(algorithm, json.loads(MADE[algorithm].private))


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_library_verifies_what_is_signed(algorithm):
    name = THEIRS.get(algorithm, algorithm)
    head = encoded(json.dumps({"alg": name, "typ": "JWT"}).encode())
    message = f"{head}.{encoded(b'{}')}"
    token = f"{message}.{encoded(key_of(algorithm).sign(message.encode()))}"
    public = json.loads(MADE[algorithm].public or MADE[algorithm].private)
    theirs = jwt.PyJWK({**public, "alg": name})
    assert jwt.decode(token, theirs, algorithms=[name]) == {}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@settings(deadline=None)
@given(message=st.binary(max_size=100), bit=st.integers(0, 255))
def test_a_key_verifies_what_it_signed_and_nothing_else(algorithm, message, bit):
    key = key_of(algorithm)
    signature = key.sign(message)
    assert key.verify(message, signature)
    assert not key.verify(message + b"x", signature)
    changed = bytearray(signature)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    assert not key.verify(message, bytes(changed))
    for wrong in (b"", signature[:-1], signature + b"\0"):
        assert not key.verify(message, wrong)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_of_another_kind_is_refused(algorithm):
    for other in set(ALGORITHMS) - {algorithm}:
        with pytest.raises((msgspec.ValidationError, ValueError)):
            signer(other, json.loads(MADE[algorithm].private))


def test_halves_that_do_not_belong_together_are_refused():
    one, two = (json.loads(made("ES256").private) for _ in range(2))
    with pytest.raises(ValueError):
        signer("ES256", {**one, "d": two["d"]})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_prints_a_private_half(algorithm):
    new = MADE[algorithm]
    private = json.loads(new.private)
    shown = f"{new!r} {new} {key_of(algorithm)!r}"
    assert private.get("d", private.get("k")) not in shown


def test_what_is_closed_is_opened_under_its_key_and_its_name():
    text = closed(b"plain", KEY, kid="a")
    assert sealed.opened(text, KEY, kid="a") == b"plain"
    assert sealed.opened(text, OTHER, kid="a") is None
    assert sealed.opened(text, KEY, kid="b") is None


def test_another_library_opens_what_is_closed():
    opened = jwe.decrypt_compact(closed(b"plain", KEY, kid="a"), OctKey.import_key(KEY))
    assert opened.plaintext == b"plain"
    assert opened.headers() == sealed.header("a")


@settings(deadline=None)
@given(at=st.integers(0, 10_000), instead=st.sampled_from("AQgwZ09_-.=+/é"))
def test_one_character_changed_opens_nothing(at, instead):
    at %= len(CLOSED)
    changed = CLOSED[:at] + instead + CLOSED[at + 1 :]
    assert (sealed.opened(changed, KEY, kid="a") is None) == (changed != CLOSED)


@settings(deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(["", "AAAA", "é"])).map(".".join))
def test_no_text_is_an_error(text):
    assert sealed.opened(text, KEY, kid="a") is None


@pytest.mark.parametrize("part", range(5))
def test_a_part_that_is_left_out_or_cut_opens_nothing(part):
    parts = CLOSED.split(".")
    for instead in ("", parts[part][:-4], parts[part] + "AAAA"):
        changed = [*parts[:part], instead, *parts[part + 1 :]]
        if changed != parts:
            assert sealed.opened(".".join(changed), KEY, kid="a") is None


CLOSED = closed(b"plain", KEY, kid="a")
