"""What can't work stops the start, with one sentence that says what to do."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from admit import Admit, SettingsError
from admit.moving import Express, FastAPIUsers, FlaskJWTExtended, SimpleJWT
from tests.cheap import cheap
from tests.moving.former import SECRET

UNTIL = "2100-01-31"


def public(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


RSA = public(rsa.generate_private_key(65_537, 2_048))
P384 = public(ec.generate_private_key(ec.SECP384R1()))

WRONG: dict[str, Any] = {
    "no secret": ({}, "the secret that the former system signed with"),
    "an empty secret": ({"secret": ""}, "the secret that"),
    "no secrets": ({"secret": []}, "the secret that"),
    "one of two is empty": ({"secret": [SECRET, ""]}, "the secret that"),
    "bytes": ({"secret": SECRET.encode()}, "the secret that"),
    "a weak secret": ({"secret": "super-secret"}, "at least 32 bytes.*allow_weak_secret"),
    "a public key as secret": ({"secret": RSA}, "public_key=… and its algorithm"),
    "an ssh key as secret": ({"secret": "ssh-rsa " + "A" * 64}, "public_key=…"),
    "none": ({"secret": SECRET, "algorithm": "none"}, "one of HS256, HS384, HS512"),
    "no such algorithm": ({"secret": SECRET, "algorithm": "HS1"}, "one of HS256"),
    "another case": ({"secret": SECRET, "algorithm": "hs256"}, "one of HS256"),
    "a secret for RSA": ({"secret": SECRET, "algorithm": "RS256"}, "public_key=… for RS256"),
    "both": ({"secret": SECRET, "public_key": RSA}, "a secret or a public_key, not both"),
    "a public key for HMAC": ({"public_key": RSA}, r"algorithm=… with public_key"),
    "a public key for none": ({"public_key": RSA, "algorithm": "none"}, "algorithm=…"),
    "no key": ({"public_key": "x", "algorithm": "RS256"}, "a public key in PEM"),
    "a key as bytes": ({"public_key": b"x", "algorithm": "RS256"}, "a public key in PEM"),
    "another key": ({"public_key": P384, "algorithm": "RS256"}, "a public_key for RS256"),
    "another curve": ({"public_key": P384, "algorithm": "ES256"}, "a public_key for ES256"),
    "no time": ({"secret": SECRET, "until": "soon"}, "until='2027-01-31'"),
    "nothing as time": ({"secret": SECRET, "until": None}, "until='2027-01-31'"),
    "a number": ({"secret": SECRET, "until": 1_800_000_000}, "until='2027-01-31'"),
    "no offset": ({"secret": SECRET, "until": "2027-01-31T12:00:00"}, "an offset in until"),
    "no way to find": ({"secret": SECRET, "by": "phone"}, "by=… to be"),
    "no function": ({"secret": SECRET, "blacklisted": {"jti"}}, "a function as blacklisted"),
    "a cookie's flags": ({"secret": SECRET, "cookie": "a; Path=/"}, "the name of a cookie"),
    "a path with more": ({"secret": SECRET, "cookie": "a", "cookie_path": "/; x"}, "a cookie's"),
    "a domain of two lines": ({"secret": SECRET, "cookie_domain": "a\r\nb"}, "a cookie's path"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("system", [SimpleJWT, FlaskJWTExtended, FastAPIUsers, Express])
def test_what_cannot_work_stops_the_start(what, system):
    given, sentence = WRONG[what]
    with pytest.raises(SettingsError, match=sentence) as raised:
        system(**{"until": UNTIL, **given})
    assert raised.value.setting == "moving"
    assert str(raised.value).startswith(f"{system.__name__}(…) in moving wants ")
    assert SECRET not in str(raised.value)


def test_a_window_has_to_have_an_end():
    without: dict = {"secret": SECRET}
    with pytest.raises(TypeError, match="until"):
        SimpleJWT(**without)


@pytest.mark.parametrize("moving", [SimpleJWT, {"simplejwt": 1}, ["simplejwt"], "x"])
def test_only_former_systems_are_moved_from(tmp_path, moving):
    with pytest.raises(SettingsError, match=r"wants a list of what admit\.moving has"):
        Admit(cheap(data_dir=tmp_path), moving=moving)


def test_a_weak_secret_is_taken_where_it_is_said_to_be_known():
    given = SimpleJWT(secret="short and known", until=UNTIL, allow_weak_secret=True)
    assert given.allow_weak_secret


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("2027-01-31", datetime(2027, 2, 1, tzinfo=UTC)),
        (date(2027, 1, 31), datetime(2027, 2, 1, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        (datetime(2027, 1, 31, 12, tzinfo=UTC), datetime(2027, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_day_is_taken_whole_and_an_instant_to_the_second(until, last):
    assert SimpleJWT(secret=SECRET, until=until).last_instant == last.timestamp()


def test_no_secret_is_printed():
    assert SECRET not in repr(SimpleJWT(secret=SECRET, until=UNTIL))
