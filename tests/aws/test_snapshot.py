"""SnapStart restores one memory many times: nothing in it is unique, or a secret."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]
SETTINGS = {
    "ADMIT_BASE_URL": "https://id.example.com",
    "ADMIT_AUTHORIZER_KEY": "a key of a verifier in the tests 0123456789",
}
"""What the authorizer insists on while it is imported; the handler reads nothing then."""

WATCHED = """
import os, random, secrets, ssl, sys, traceback, uuid

draws = []


def watched(name, draw):
    def drawn(*given, **named):
        frames = traceback.extract_stack(sys._getframe(1))
        draws.append(f"{name} by {frames[-1].filename}:{frames[-1].lineno}")
        return draw(*given, **named)

    return drawn


def watch(holder, *names):
    for name in names:
        setattr(holder, name, watched(f"{holder.__name__}.{name}", getattr(holder, name)))


watch(os, "urandom", "getrandom")
random._urandom = os.urandom  # what SystemRandom and secrets draw from
watch(ssl, "RAND_bytes")
watch(uuid, "uuid1", "uuid4", "getnode")
watch(random.Random, "seed")
watch(random, *(name for name in random.__all__ if name[0].islower() and name != "getstate"))
sys.path.insert(0, {root!r})
"""
"""Run before anything of ours is loaded; `random` itself is seeded by then, as always."""

RESTORED = """
import json, os, random, sys

import admit.aws

admit.aws.handler

state = random.getstate()


def post(path, body):
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "localhost:8000"},
        "requestContext": {
            "http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1"},
            "stage": "$default", "requestId": "same", "domainName": "localhost",
        },
        "body": json.dumps(body), "isBase64Encoded": False,
    }
    return admit.aws.handler(event, None)


def instance(directory):
    random.setstate(state)  # Python seeds it anew after a fork, and SnapStart does not
    os.environ.update(ADMIT_DATA_DIR=directory, ADMIT_SECRET="the secret of all 0123456789 abcdef")
    account = {"email": "ada@example.com", "password": "seven pale lanterns drift"}
    made = post("/auth/register", account)
    login = {"login": account["email"], "password": account["password"], "delivery": "body"}
    answer = post("/auth/login", login)
    tokens = json.loads(answer["body"])
    print(json.dumps({**tokens, "request": answer["headers"]["x-request-id"]}), flush=True)


for directory in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            instance(directory)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def run(code, *arguments, **environment):
    """What this code prints, in a process whose environment sets nothing else."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADMIT_", "COVERAGE"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=clean | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def drawn(code, **environment):
    """What is drawn while this runs, a line for each."""
    watched = WATCHED.replace("{root!r}", repr(str(HERE)))
    return run(f"{watched}\n{code}\nprint(*draws, sep='\\n')", **environment).split("\n")[:-1]


def test_nothing_is_drawn_while_the_handler_is_imported_and_nothing_need_be_set():
    assert drawn("import admit.aws; admit.aws.handler") == [""]


def test_nothing_is_drawn_while_the_authorizer_is_imported():
    assert drawn("import admit.aws; admit.aws.authorizer", **SETTINGS) == [""]


@pytest.mark.parametrize(
    "draw",
    [
        "import os; os.urandom(1)",
        "import secrets; secrets.token_hex(1)",
        "import uuid; uuid.uuid4()",
        "from random import random; random()",
        "import random; random.Random()",
        "import random; random.SystemRandom().random()",
    ],
)
def test_whatever_is_drawn_would_be_seen(draw):
    """Or the tests above would show nothing."""
    assert " by " in drawn(draw)[0]


def claims(token):
    part = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(each + "==")) for each in part[:2]]


def test_two_restores_of_one_memory_share_no_handle_no_id_and_no_key(tmp_path):
    printed = run(RESTORED, str(tmp_path / "one"), str(tmp_path / "two"))
    one, two = [json.loads(line) for line in printed.splitlines()]
    access = [claims(each["access_token"]) for each in (one, two)]
    refresh = [claims(each["refresh_token"]) for each in (one, two)]
    assert access[0][0]["kid"] != access[1][0]["kid"]
    for name in ("jti", "sid", "sub"):
        assert access[0][1][name] != access[1][1][name]
    assert refresh[0][1]["h"] != refresh[1][1]["h"]
    assert one["request"] != two["request"]
