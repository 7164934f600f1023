"""`admit keys`."""

import time

import msgspec
import pytest

from admit.cli.keys import states
from admit.stores.base import SigningKey

from .conftest import ADA

DAY = 86_400.0


@pytest.fixture
def key(engine, answer):
    """The first key, which the first start made."""

    async def nothing(_):
        return None

    engine(nothing)
    return answer("keys", "list")["keys"][0]


def row(kid, **instants):
    made = {"created_at": 0.0, "signs_from": 0.0} | instants
    return SigningKey(kid=kid, algorithm="ES256", public="", private="", **made)


def test_a_key_s_state_follows_from_its_instants():
    rows = [
        row("gone", signs_from=1.0, retires_at=99.0),
        row("old", signs_from=2.0, retires_at=101.0),
        row("off", signs_from=3.0, retires_at=200.0, withdrawn_at=50.0),
        row("now", signs_from=100.0, retires_at=200.0),
        row("next", signs_from=101.0),
    ]

    assert states(rows, 100.0) == {
        "gone": "retired",
        "old": "verifying",
        "off": "withdrawn",
        "now": "signing",
        "next": "waiting",
    }


def test_before_the_first_start_there_are_no_keys(run, ada):
    result = run("keys", "list")

    assert (result.stdout, "no keys yet" in result.stderr) == ("", True)


def test_a_rotation_publishes_a_key_that_waits(run, answer, key):
    said = run("keys", "rotate").stdout

    old, new = answer("keys", "list")["keys"]
    assert said.startswith(f"Key {new['kid']} is published, and signs in ")
    assert (old["state"], new["state"]) == ("signing", "waiting")
    assert (old["kid"], old["algorithm"]) == (key["kid"], "ES256")
    assert old["retires_at"] > new["signs_from"] > new["created_at"]
    assert new["retires_at"] is new["withdrawn_at"] is None


def test_a_rotation_as_json_is_the_new_key(answer, key):
    made = answer("keys", "rotate")

    assert made == answer("keys", "list")["keys"][1]


def test_the_table_of_keys_shows_states_and_instants(run, key):
    run("keys", "rotate")

    head, old, new = run("keys", "list").stdout.splitlines()

    at = head.index("STATE")
    assert [line[at:].split()[0] for line in (old, new)] == ["signing", "waiting"]
    assert new.endswith(" -")
    assert old.startswith(key["kid"])


def test_the_first_rotation_of_all_signs_at_once(run, ada):
    assert run("keys", "rotate").stdout.endswith("is published, and signs from now on.\n")


def test_a_rotation_changes_the_algorithm_and_rotates_once(answer, key, monkeypatch):
    monkeypatch.setenv("ADMIT_ALGORITHM", "Ed25519")

    assert answer("keys", "rotate")["algorithm"] == "Ed25519"
    assert len(answer("keys", "list")["keys"]) == 2


def test_other_commands_make_and_rotate_nothing(run, answer, ada, key, monkeypatch):
    monkeypatch.setenv("ADMIT_ALGORITHM", "Ed25519")
    for args in (("user", "list"), ("keys", "list"), ("session", "list", ADA), ("events",)):
        run(*args)
    run("doctor")
    run("token", "inspect", stdin="e30.e30.e30", code=1)

    assert answer("keys", "list")["keys"] == [key]


def test_the_withdrawn_key_stops_and_another_signs(run, answer, key):
    said = run("keys", "withdraw", key["kid"]).stdout

    off, new = answer("keys", "list")["keys"]
    assert said == (f"Key {key['kid']} is withdrawn.\nKey {new['kid']} signs in its place.\n")
    assert (off["state"], new["state"]) == ("withdrawn", "signing")


def test_withdrawing_twice_is_withdrawing_once(run, answer, key):
    run("keys", "withdraw", key["kid"])
    before = answer("keys", "list")

    assert run("keys", "withdraw", key["kid"]).stdout.endswith("was withdrawn already.\n")
    assert answer("keys", "withdraw", key["kid"]) == {
        "kid": key["kid"],
        "withdrawn": True,
        "signs_instead": None,
    }
    assert answer("keys", "list") == before


@pytest.mark.parametrize("kid", ["-abc", "--abc", "nope"])
def test_a_key_that_is_not_there_is_not_found(run, key, kid):
    said = run("keys", "withdraw", kid, code=1).stderr

    assert said.startswith(f"Error: There is no key {kid!r}: ")


def test_a_kid_that_starts_like_an_option_is_a_kid(run, answer, engine, key):
    async def add(auth):
        (first,) = await auth.store.keys()
        named = msgspec.structs.replace(first, kid="-json", signs_from=time.time() + DAY)
        await auth.store.save_keys([named], seen=[first])

    engine(add)

    assert run("keys", "withdraw", "-json").stdout.startswith("Key -json is withdrawn.\n")


def test_a_secret_that_does_not_open_the_keys_is_named(run, key, monkeypatch):
    monkeypatch.setenv("ADMIT_SECRET", "another secret that nobody has seen before")

    said = run("keys", "rotate", code=1).stderr

    assert said.startswith(
        f"Error: ADMIT_SECRET (secret) does not open the signing key {key['kid']}"
    )
    assert len(said.splitlines()) == 1
