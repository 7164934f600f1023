"""Hashes of other systems: checked as those did, replaced, held to a price.

The vectors are published ones, or were made by the system that is named.
"""

import hashlib
import time
from base64 import b64encode

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pwdlib.hashers.argon2 import Argon2Hasher

from admit.errors import InvalidInput
from admit.passwords import Passwords, forms
from admit.settings import Settings

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"

# README of Firebase's scrypt.
SIGNER_KEY = (
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
)
PROJECT = forms.firebase(rounds=8, mem_cost=14, signer_key=SIGNER_KEY, separator="Bw==")
FIREBASE = forms.of_firebase(
    PROJECT,
    salt="42xEC+ixf3L2lw==",
    result=(
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    ),
)
# Node's own scryptSync with Better Auth's parameters, of the password in NFKC.
BETTER_AUTH = (
    "000102030405060708090a0b0c0d0e0f:39df0c95c9588b892262cfe9cb83006570711b35977ba32ec91daf6ee8f"
    "adddd5fb9fe5389e6f41d8db6a953450837cfeb28a2f3a3a02992354c6caf0cd3ae27"
)
VECTORS = {
    "Django, scrypt": (
        (
            "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkX"
            "FRkdVCBhhY8mx7rQwite/Pw=="
        ),
        "lètmein",
    ),
    "Django, PBKDF2": (
        "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=",
        "lètmein",
    ),
    "Werkzeug, scrypt": (
        (
            "scrypt:32768:8:1$5W4jE3zwEkAGGLYA$a5cd9e4f54d8add88652ef74ba04d29f71af12e4e73ab04b34885cab"
            "07aaea6fa9a0f134fd303b7e6d917ede6d9f7205ec64e9c5d33eb9b64682a1297e73fb10"
        ),
        "lètmein",
    ),
    "passlib, scrypt": (
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        "password",
    ),
    "passlib, PBKDF2 with SHA-1": (
        "$pbkdf2$131000$r5WythYixPgfQ2jt3buXcg$8Kdr.QQEOaZIXNOrrru36I/.6Po",
        "hashcat",
    ),
    "passlib, PBKDF2 with SHA-256": (
        "$pbkdf2-sha256$29000$x9h7j/Ge8x6DMEao1VqrdQ$kra3R1wEnY8mPdDWOpTqOTINaAmZvRMcYd8u5OBQP9A",
        "hashcat",
    ),
    "passlib, PBKDF2 with SHA-512": (
        (
            "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ$1vC5Ohk2mCS9b6akqsEfgeb4l74SF8XjH.SljXf3dMLHdl"
            "Y1GK9ojcCKts6/asR4aPqBmk74nCDddU3tvSCJvw"
        ),
        "hashcat",
    ),
    "Firebase": (FIREBASE, "user1password"),
    "Better Auth": (BETTER_AUTH, "cafe\u0301 ﬁne"),
}


def made(**given):
    return Passwords(Settings.load(environ={}, dotenv=None, **given))


@pytest.fixture
def passwords():
    passwords = made()
    yield passwords
    passwords.close()


def in_base64(data):
    return b64encode(data).decode()


def scrypt_of(password, *, n=16, r=8, p=1):
    """Werkzeug's form."""
    result = hashlib.scrypt(password.encode(), salt=b"salt", n=n, r=r, p=p, dklen=64)
    return f"scrypt:{n}:{r}:{p}$salt${result.hex()}"


def bcrypt_of(password, *, kind="2b", cost=4):
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()
    return hashed.replace("$2b$", f"${kind}$", 1)


def django_bcrypt_of(password):
    """BCryptSHA256PasswordHasher."""
    return "bcrypt_sha256$" + bcrypt_of(hashlib.sha256(password.encode()).hexdigest())


def argon2_of(password, kind="argon2id"):
    from argon2 import Type
    from argon2.low_level import hash_secret

    types = {"argon2id": Type.ID, "argon2i": Type.I, "argon2d": Type.D}
    return hash_secret(password.encode(), b"saltsalt", 1, 64, 1, 32, types[kind]).decode()


def pbkdf2_of(password, digest):
    result = hashlib.pbkdf2_hmac(digest, password.encode(), b"salt", 7)
    return f"pbkdf2:{digest}:7$salt${result.hex()}", (f"pbkdf2_{digest}$7$salt${in_base64(result)}")


def keycloak_of(password):
    """As docs/moving.md puts it together: 64 bytes of PBKDF2-SHA-256, in padded base64."""
    result = hashlib.pbkdf2_hmac("sha256", password.encode(), b"a salt of bytes", 27_500, 64)
    return f"$pbkdf2-sha256$27500${in_base64(b'a salt of bytes')}${in_base64(result)}"


MADE = [
    *(bcrypt_of(PASSWORD, kind=kind) for kind in ("2a", "2b", "2y")),
    "bcrypt$" + bcrypt_of(PASSWORD),
    django_bcrypt_of(PASSWORD),
    *(argon2_of(PASSWORD, kind) for kind in ("argon2id", "argon2i", "argon2d")),
    "argon2" + argon2_of(PASSWORD, "argon2i"),
    scrypt_of(PASSWORD),
    scrypt_of(PASSWORD, n=1024, r=4, p=3),
    *(each for digest in ("sha1", "sha256", "sha512") for each in pbkdf2_of(PASSWORD, digest)),
    keycloak_of(PASSWORD),
]


def named(hashed):
    """By its form alone: every process that collects the tests has to call it the same."""
    return "$".join(hashed.split("$")[:3])[:20] or "none"


@pytest.mark.parametrize("system", VECTORS)
async def test_a_published_hash_lets_its_password_in_and_no_other(passwords, system):
    hashed, password = VECTORS[system]
    passwords.check_hash(hashed)
    right, better = await passwords.verify(password, hashed)
    assert right
    assert better.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(password, better) == (True, None)
    assert await passwords.verify(password[:-1], hashed) == (False, None)


@pytest.mark.parametrize("hashed", MADE, ids=named)
async def test_every_form_is_checked_and_replaced(passwords, hashed):
    passwords.check_hash(hashed)
    right, better = await passwords.verify(PASSWORD, hashed)
    assert right
    assert better.startswith("$argon2id$")
    assert await passwords.verify("another one", hashed) == (False, None)


async def test_better_auth_s_password_is_one_in_every_normal_form(passwords):
    assert (await passwords.verify("café fine", BETTER_AUTH))[0]


async def test_django_s_digested_bcrypt_sees_all_of_a_long_password(passwords):
    long = "x" * 100
    hashed = django_bcrypt_of(long)
    assert (await passwords.verify(long, hashed))[0]
    assert not (await passwords.verify(long[:72], hashed))[0]


async def test_a_lone_surrogate_is_a_wrong_password_to_every_form(passwords):
    for hashed in (*MADE, FIREBASE, BETTER_AUTH):
        assert not passwords._right("\ud800" * 8, hashed)
        assert await passwords.verify("\ud800" * 8, hashed) == (False, None)


SALT, RESULT = in_base64(bytes(16)), in_base64(bytes(32))
TOO_DEAR = [
    "$2b$16$" + "a" * 53,
    "$2b$31$" + "a" * 53,
    f"$argon2id$v=19$m=262145,t=1,p=1${'a' * 22}${'a' * 43}",
    f"$argon2id$v=19$m=262144,t=5,p=1${'a' * 22}${'a' * 43}",
    f"$argon2id$v=19$m=64,t=99999999,p=1${'a' * 22}${'a' * 43}",
    f"$argon2id$v=19$m=262144,t=1,p=65${'a' * 22}${'a' * 43}",
    f"$scrypt$ln=19,r=8,p=1${SALT}${RESULT}",
    f"$scrypt$ln=14,r=999999999,p=1${SALT}${RESULT}",
    f"$scrypt$ln=14,r=8,p=999999999${SALT}${RESULT}",
    f"$scrypt$ln=17,r=8,p=5${SALT}${RESULT}",
    f"$scrypt$ln=999999999,r=8,p=1${SALT}${RESULT}",
    f"scrypt$4194304$salt$8$1${RESULT}",
    f"scrypt:4194304:8:1$salt${bytes(64).hex()}",
    f"$pbkdf2-sha256$4000001${SALT}${RESULT}",
    f"$pbkdf2-sha256$2500000${SALT}${in_base64(bytes(64))}",
    f"pbkdf2_sha256$999999999$salt${RESULT}",
    f"pbkdf2:sha1:999999999$salt${bytes(20).hex()}",
    FIREBASE.replace("ln=14", "ln=30"),
    FIREBASE.replace("r=8", "r=999999999"),
    f"$scrypt$ln=1,r=1048576,p=2${SALT}${RESULT}",  # few blocks of N, and much beside them
    f"$scrypt$ln=1,r=1,p=2097152${SALT}${RESULT}",
]
BROKEN = [
    "",
    "!",
    "x",
    "hunter2",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
    "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3",
    "$2b$",
    "$2b$03$" + "a" * 53,
    "$2x$10$" + "a" * 53,
    "$2b$10$" + "a" * 52,
    "$2b$10$" + "a" * 53 + "\n",
    f"$argon2id$v=19$m=64,t=0,p=1${'a' * 22}${'a' * 43}",
    f"$argon2id$v=19$m=64,t=1,p=0${'a' * 22}${'a' * 43}",
    f"$argon2id$v=19$m=64,t=1,p=9${'a' * 22}${'a' * 43}",
    f"$argon2x$v=19$m=64,t=1,p=1${'a' * 22}${'a' * 43}",
    f"$scrypt$ln=0,r=8,p=1${SALT}${RESULT}",
    f"$scrypt$ln=14,r=0,p=1${SALT}${RESULT}",
    f"$scrypt$ln=14,r=8,p=0${SALT}${RESULT}",
    f"$scrypt$ln=14,r=8,p=1${SALT}$AAAA",
    f"$scrypt$ln=14,r=8,p=1$A${RESULT}",
    f"scrypt$16383$salt$8$1${RESULT}",
    f"$pbkdf2-sha256$0${SALT}${RESULT}",
    f"$pbkdf2-md5$7${SALT}${RESULT}",
    f"pbkdf2:sha256:7$salt${bytes(15).hex()}",
    f"pbkdf2:sha256:7$salt${bytes(129).hex()}",
    f"pbkdf2_sha256$\uff17$salt${RESULT}",
    FIREBASE[:-2],
    PROJECT,
    "a" * 600,
    f"pbkdf2_sha256$7${'s' * 600}${RESULT}",
]


@pytest.mark.parametrize("hashed", TOO_DEAR + BROKEN)
def test_what_is_too_dear_or_broken_is_refused_and_not_repeated(passwords, hashed):
    with pytest.raises(InvalidInput) as refused:
        passwords.check_hash(hashed)
    (wants,) = (refused.value.fields or {}).values()
    assert hashed not in wants or len(hashed) < 2


@pytest.mark.parametrize("hashed", [each for each in TOO_DEAR if "argon2" not in each])
def test_what_is_too_dear_is_not_run_even_where_it_stands_in_the_store(passwords, hashed):
    """Nothing is derived: `read` refuses first. Argon2 in the store is ours, or came in bounded."""
    with pytest.raises(forms.Unusable):
        forms.read(hashed)
    assert passwords._verify(PASSWORD, hashed) == (False, None)


def test_our_own_price_is_always_good_whatever_it_is():
    passwords = made(argon2_memory=524_288, argon2_time=4)
    ours = f"$argon2id$v=19$m=524288,t=4,p=1${'a' * 22}${'a' * 43}"
    passwords.check_hash(ours)
    with pytest.raises(InvalidInput):
        made().check_hash(ours)
    with pytest.raises(InvalidInput):
        passwords.check_hash("$argon2id$v=19$m=524288,t=4,p=1$")


@pytest.fixture
def hashes(passwords, monkeypatch):
    """What argon2 of ours was computed against, without salt and result."""
    seen = []
    verify, make = passwords._hashes.verify, passwords._hashes.hash

    def counted(password, hashed):
        seen.append(hashed.rsplit("$", 2)[0])
        return verify(password, hashed)

    def counted_too(password):
        hashed = make(password)
        seen.append(hashed.rsplit("$", 2)[0])
        return hashed

    monkeypatch.setattr(passwords._hashes, "verify", counted)
    monkeypatch.setattr(passwords._hashes, "hash", counted_too)
    return seen


@pytest.mark.parametrize(
    "hashed", [*MADE[3:11], FIREBASE, "", "!", "broken", TOO_DEAR[1]], ids=named
)
async def test_a_wrong_password_never_costs_less_than_an_unknown_login(passwords, hashes, hashed):
    """A cheap hash of another system must not show by its quickness that there is an account."""
    ours = (await passwords.hash(PASSWORD)).rsplit("$", 2)[0]
    for password in ("wrong one", PASSWORD):
        hashes.clear()
        await passwords.verify(password, hashed)
        assert ours in hashes


async def test_ours_at_a_former_price_is_checked_at_that_and_costs_the_present_one(
    passwords, hashes
):
    former = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    right, better = await passwords.verify(PASSWORD, former)
    assert right
    assert "m=19456,t=2,p=1" in better
    hashes.clear()
    assert await passwords.verify("wrong one", former) == (False, None)
    assert len(hashes) == 2


@given(st.text(max_size=80) | st.from_regex(r"\A\$?(scrypt|pbkdf2|argon2|2b)[$:].{0,40}\Z"))
def test_whatever_stands_there_is_read_or_refused(text):
    """Nothing else is ever raised, and reading takes no time to speak of."""
    began = time.process_time()
    try:
        forms.read(text)
    except forms.Unusable as refused:
        assert len(text) < 8 or text not in str(refused)  # noqa: PT017
    assert time.process_time() - began < 1
