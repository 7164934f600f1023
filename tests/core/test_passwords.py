"""Passwords: hashed as typed, checked at one price, upgraded at sign-in, in a bounded queue."""

import asyncio
import threading
from contextlib import contextmanager
from importlib import resources

import bcrypt
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from admit.errors import InvalidInput, Unavailable
from admit.passwords import Passwords
from admit.settings import Settings

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


def made(**given):
    return Passwords(Settings.load(environ={}, dotenv=None, **given))


@pytest.fixture
def passwords():
    passwords = made()
    yield passwords
    passwords.close()


def of_node(password, kind):
    """A hash as bcryptjs and its kin write it: cut off at 72 bytes, without a word."""
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    return hashed.replace("$2b$", f"${kind}$", 1)


async def test_a_hash_is_argon2id_at_the_recommended_cost(passwords):
    hashed = await passwords.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.hash(PASSWORD) != hashed
    assert await passwords.verify(PASSWORD, hashed) == (True, None)
    assert await passwords.verify(PASSWORD + " ", hashed) == (False, None)


@pytest.mark.parametrize(
    "password",
    ["  spaces are kept  ", "pässwörd ☃ 日本", "e\u0301 is not é", "nul\0inside", "x" * 256],
)
async def test_a_password_is_taken_exactly_as_typed(passwords, password):
    hashed = await passwords.hash(password)
    assert (await passwords.verify(password, hashed))[0]
    for other in (password.strip(), password[:-1], password.split("\0")[0], password + "x"):
        if other != password:
            assert not (await passwords.verify(other, hashed))[0]


async def test_two_normal_forms_are_two_passwords(passwords):
    hashed = await passwords.hash("caf\u00e9 caf\u00e9")
    assert not (await passwords.verify("cafe\u0301 cafe\u0301", hashed))[0]


@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
async def test_bcrypt_hashes_are_accepted_and_replaced(passwords, kind):
    hashed = of_node(PASSWORD, kind)
    right, better = await passwords.verify(PASSWORD, hashed)
    assert right
    assert better.startswith("$argon2id$")
    assert await passwords.verify(PASSWORD, better) == (True, None)
    assert await passwords.verify("wrong", hashed) == (False, None)


async def test_a_password_that_bcrypt_cut_off_still_signs_in(passwords):
    """And from then on all of it counts."""
    password = "é" * 40 + " and the rest"
    hashed = of_node(password, "2b")
    right, better = await passwords.verify(password, hashed)
    assert right
    assert (await passwords.verify(password, better))[0]
    assert not (await passwords.verify(password[:-1], better))[0]


async def test_an_argon2_hash_of_another_cost_is_replaced(passwords):
    cheap = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    right, better = await passwords.verify(PASSWORD, cheap)
    assert right
    assert "m=19456,t=2,p=1" in better


@pytest.mark.parametrize(
    "hashed", ["", "x", "$2b$", "$2b$10$short", "$argon2id$broken", "$1$md5$x"]
)
async def test_a_hash_that_is_none_is_a_wrong_password(passwords, hashed):
    assert await passwords.verify(PASSWORD, hashed) == (False, None)


async def test_a_lone_surrogate_is_a_wrong_password_whether_there_is_an_account_or_not(passwords):
    hashed = await passwords.hash(PASSWORD)
    assert await passwords.verify("\ud800" * 8, hashed) == (False, None)
    assert await passwords.verify("\ud800" * 8, None) == (False, None)


async def test_an_unknown_login_costs_the_same_hash(passwords, monkeypatch):
    """The same function runs on a hash of the same cost; the clock is asked of no one."""
    checked = []
    verify = passwords._hashes.verify

    def counted(password, hashed):
        checked.append(hashed.rsplit("$", 2)[0])
        return verify(password, hashed)

    monkeypatch.setattr(passwords._hashes, "verify", counted)
    assert await passwords.verify(PASSWORD, None) == (False, None)
    assert checked == [(await passwords.hash(PASSWORD)).rsplit("$", 2)[0]]


@contextmanager
def blocked(passwords, most):
    """As many as these are being hashed or wait, until the block is left."""
    go = threading.Event()
    try:
        yield [asyncio.create_task(passwords._run(go.wait)) for _ in range(most)]
    finally:
        go.set()


async def test_past_the_queue_a_password_is_unavailable_and_others_are_served():
    passwords = made(hash_queue=2)
    most = passwords._cores + 2
    with blocked(passwords, most) as waiting:
        await asyncio.sleep(0)
        for work in (passwords.hash(PASSWORD), passwords.verify(PASSWORD, None)):
            refused = asyncio.ensure_future(work)
            await asyncio.sleep(0)
            assert refused.done()  # at once: nothing waits for a place
            with pytest.raises(Unavailable) as raised:
                refused.result()
            assert raised.value.retry_after is not None
    assert await asyncio.gather(*waiting) == [True] * most
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")
    passwords.close()


async def test_one_who_gives_up_leaves_the_place_to_another():
    passwords = made(hash_queue=0)
    with blocked(passwords, passwords._cores) as waiting:
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")
    passwords.close()


async def test_hashing_leaves_the_event_loop_alone(passwords):
    """Others get their turns while a password is hashed."""
    turns = 0
    work = asyncio.create_task(passwords.hash(PASSWORD))
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 2


async def test_closing_may_be_repeated_and_hashing_begins_anew(passwords):
    await passwords.hash(PASSWORD)
    passwords.close()
    passwords.close()
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$")


def wants(passwords, password, *own_words):
    """What the policy wants of this password; None where it is fine."""
    try:
        passwords.check_policy(password, field="password", own_words=own_words)
    except InvalidInput as refused:
        return (refused.fields or {})["password"]
    return None


def test_the_policy_is_about_length_and_nothing_about_composition(passwords):
    for password in ("qzx vjk w", "84621973", "ÄÖÜÄÖÜQX", "        x", "x" * 255 + "y"):
        assert wants(passwords, password) is None
    assert wants(passwords, "qzxvjkw") == "at least 8 characters"
    assert wants(passwords, "q" * 257) == "at most 256 characters"
    assert wants(passwords, "\ud800qzxvjkwp") == "valid Unicode text"


def test_the_shortest_length_is_a_setting():
    assert wants(made(password_min_length=15), "qzxvjkwqzxvjkw") == "at least 15 characters"


@pytest.mark.parametrize("password", ["password", "12345678", "PASSWORD", "Password1", "iloveyou"])
def test_common_passwords_are_refused_whatever_their_case(passwords, password):
    assert "most common" in wants(passwords, password)


def test_the_list_of_common_passwords_is_a_real_one(passwords):
    """Each of its lines is refused, in whatever case, and at least 3,000 meet the length."""
    listed = (resources.files("admit") / "common_passwords.txt").read_text("utf-8").splitlines()
    meeting = [each for each in listed if len(each) >= 8]
    assert len(set(meeting)) >= 3_000
    assert all("most common" in (wants(passwords, each.upper()) or "") for each in meeting)
    assert wants(passwords, f"{meeting[0]}\n{meeting[1]}") is None


@pytest.mark.parametrize(
    ("password", "own_words"),
    [
        ("ada@example.com", ("ada@example.com", None)),
        ("ADA@example.com", ("ada@Example.com", None)),
        ("lovelace1", ("lovelace@example.com", None)),
        ("1lovelace1", ("x@example.com", "Lovelace")),
        ("example.com1", ("ada@example.com", None)),
        ("admit123", (None, None)),
        ("lovelacelovelace", ("lovelace@x.org", None)),
    ],
)
def test_what_is_made_of_the_users_own_words_is_refused(passwords, password, own_words):
    assert "your own address or name" in wants(passwords, password, *own_words)


def test_a_password_may_hold_an_own_word(passwords):
    assert wants(passwords, "lovelace and much more", "lovelace@example.com") is None
    assert wants(passwords, "unrelated zebra", "al@example.com", "al") is None
