"""How the authorizer starts: what it loads, what it draws, and what a wrong setting says."""

import json
import os
import subprocess
import sys

import pytest

from admit.aws.authorizing import Authorizer
from admit.aws.authorizing.settings import read
from admit.errors import SettingsError
from admit.settings import Settings
from tests.aws.guarded import environ, token_event
from tests.verifier.scripted import KEY, NOW, Time, entry, scripted

NEVER_LOADED = (
    "admit.engine",
    "admit.http",
    "admit.revocation",
    "admit.settings",
    "admit.stores",
    "argon2",
    "asyncio",
    "botocore",
    "dotenv",
    "joserfc",
    "limits",
    "mangum",
    "psycopg",
    "pwdlib",
    "sqlite3",
    "starlette",
)
FRESH = """
import json, sys
before = set(sys.modules)
import admit.aws
admit.aws.authorizer
print(json.dumps(sorted(set(sys.modules) - before)))
"""
OTHER_KEY = "the second of two keys 9876543210 abcdef"


def fresh(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.defpath, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_loads_no_store_no_framework_and_nothing_of_the_issuer():
    done = fresh(FRESH, **environ("https://example.com/auth"))
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "admit.verifier" in loaded
    for name in NEVER_LOADED:
        assert not [each for each in loaded if each == name or each.startswith(f"{name}.")], name


def test_the_handler_is_not_loaded_with_it():
    done = fresh(FRESH, **environ("https://example.com/auth"))
    assert "admit.aws.api" not in json.loads(done.stdout)


def test_another_name_is_none_of_it():
    import admit.aws

    with pytest.raises(AttributeError, match="no attribute 'handlers'"):
        admit.aws.handlers  # noqa: B018


def test_a_wrong_setting_stops_the_start_with_one_sentence():
    variables = environ("https://example.com/auth")
    del variables["ADMIT_BASE_URL"]
    done = fresh(FRESH, **variables)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "admit.errors.SettingsError: ADMIT_BASE_URL is not set: set it as it is set for the issuer"
    )


def test_nothing_is_drawn_and_nobody_is_asked_before_the_first_event():
    """A snapshot of the started process is restored many times."""
    with scripted() as issuer:
        authorizer = Authorizer(read(environ(issuer.url)), clocks=Time().clocks)
        assert issuer.asked == []
        assert authorizer._verifier is None
        assert authorizer(token_event(issuer.token()))
        assert issuer.asked
        authorizer.close()


def test_a_restored_copy_that_had_served_looks_before_it_lets_anybody_in():
    """The snapshot may be a day old: its keys, its revocations and its connection are, too."""
    time = Time()
    with scripted() as issuer:
        authorizer = Authorizer(read(environ(issuer.url)), clocks=time.clocks)
        token = issuer.token(exp=int(NOW) + 200_000)
        authorizer(token_event(token))
        time.wall += 86_400
        issuer.revoke(entry("session", "one", until=NOW + 200_000), cursor="2.0")
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer(token_event(token))
        assert (issuer.looks(), issuer.connections) == (2, 2)
        authorizer.close()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ADMIT_BASE_URL": None}, "ADMIT_BASE_URL is not set"),
        ({"ADMIT_BASE_URL": "example.com"}, "ADMIT_BASE_URL wants"),
        ({"ADMIT_PREFIX": "auth"}, "ADMIT_PREFIX wants"),
        ({"ADMIT_AUTHORIZER_URL": "http://example.com"}, "ADMIT_AUTHORIZER_URL wants"),
        ({"ADMIT_BASE_URL": "http://example.com", "ADMIT_AUTHORIZER_URL": None}, "https://"),
        ({"ADMIT_AUTHORIZER_KEY": None}, "ADMIT_AUTHORIZER_KEY is not set"),
        ({"ADMIT_AUTHORIZER_KEY": "short"}, "at least 32 bytes"),
        ({"ADMIT_AUTHORIZER_KEY": f"{KEY}\r\nX: y"}, "no header can carry"),
        ({"ADMIT_AUTHORIZER_KEY": ""}, "ADMIT_AUTHORIZER_KEY is empty"),
        ({"ADMIT_AUTHORIZER_KY": KEY}, "ADMIT_AUTHORIZER_KY is not a setting"),
        ({"ADMIT_AUTHORIZER_LOOK": "11s"}, "longer than"),
        ({"ADMIT_AUTHORIZER_LOOK": "often"}, "ADMIT_AUTHORIZER_LOOK wants a span"),
        ({"ADMIT_AUTHORIZER_ANSWER": "yes"}, "one of simple, policy"),
        ({"ADMIT_AUTHORIZER_REFUSAL": "403"}, "one of unauthorized, deny"),
        ({"ADMIT_REVOCATION_MAX_AGE": "0"}, "at least one second"),
        ({"ADMIT_ACCESS_TTL": "0"}, "at least one second"),
    ],
    ids=str,
)
def test_a_setting_that_can_not_work_is_named_and_its_secret_is_not(variables, said):
    given = environ("https://example.com/auth") | variables
    with pytest.raises(SettingsError) as refusal:
        read({name: value for name, value in given.items() if value is not None})
    assert said in str(refusal.value)
    assert KEY not in str(refusal.value)


def test_what_is_not_set_has_the_issuers_defaults():
    made = read({"ADMIT_BASE_URL": "https://example.com/", "ADMIT_AUTHORIZER_KEY": KEY})
    assert made.issuer == made.url == "https://example.com/auth"
    assert made.audience == "https://example.com"
    assert (made.look, made.max_age, made.access_ttl) == (0.5, 10.0, None)
    assert (made.simple, made.deny) == (True, False)
    assert KEY not in repr(made)


def test_one_block_of_variables_serves_the_issuer_and_the_authorizer():
    shared = {
        "ADMIT_BASE_URL": "https://example.com",
        "ADMIT_PREFIX": "/id",
        "ADMIT_AUDIENCE": "https://api.example.com",
        "ADMIT_ACCESS_TTL": "5m",
        "ADMIT_REVOCATION_MAX_AGE": "20s",
        "ADMIT_VERIFIER_KEYS": f"{KEY},{OTHER_KEY}",
        "ADMIT_AUTHORIZER_URL": "https://internal.example.com/id",
        "ADMIT_AUTHORIZER_LOOK": "1s",
        "ADMIT_SECRET": "a secret of the issuer 0123456789 abcdef",
    }
    issuers, own = Settings.load(environ=shared, dotenv=None), read(shared)
    assert (own.issuer, own.audience) == (issuers.issuer, issuers.audience)
    assert (own.access_ttl, own.max_age) == (issuers.access_ttl, issuers.revocation_max_age)
    assert own.key == issuers.verifier_keys[0]
    assert (own.url, own.look) == ("https://internal.example.com/id", 1.0)


def test_its_own_key_comes_before_the_issuers_list():
    given = environ("https://example.com/auth") | {"ADMIT_VERIFIER_KEYS": OTHER_KEY}
    assert read(given).key == KEY
