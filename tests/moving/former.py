"""The former systems: tokens that the tests move, made by those systems' own libraries.

Each library runs in a process of its own, started once: Django can be set up only once in a
process, and in this one other tests do. It is asked in lines of JSON.
"""

import atexit
import json
import shutil
import subprocess
import sys
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
NODE = HERE.parent / "node"
SECRET = "the former system's own secret, 0123456789 abcdef"
REFRESH_SECRET = "the tutorial's REFRESH_TOKEN_SECRET, 0123456789 abcdef"
ACCESS_SECRET = "the tutorial's ACCESS_TOKEN_SECRET, 0123456789 abcdef"
USER_ID = uuid.UUID("6f1c9b7e-3a52-4d0e-9c41-2f8f5f6f7a10")
"""Ada's id there, which an import keeps."""
JSONWEBTOKEN = """
const jwt = require('jsonwebtoken');
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const [claims, secret, options] = JSON.parse(line);
  console.log(JSON.stringify(jwt.sign(claims, secret, options)));
});
"""


class Maker:
    """A process that answers each line with a token."""

    def __init__(self, *command, cwd=None):
        self._process: Any = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self._end)

    def __call__(self, *asked):
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def _end(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@cache
def python():
    return Maker(sys.executable, str(HERE / "libraries.py"))


@cache
def node():
    if not (NODE / "node_modules" / "jsonwebtoken").exists() or not shutil.which("node"):
        pytest.skip("jsonwebtoken is not installed: make servers")
    return Maker("node", "-e", JSONWEBTOKEN, cwd=NODE)


def simplejwt(kind="refresh", *, user_id=str(USER_ID), secret=SECRET, **given):
    """djangorestframework-simplejwt: `RefreshToken.for_user(user)`."""
    return python()("simplejwt", kind, user_id, secret, given)


def flask(kind="refresh", *, user_id=str(USER_ID), secret=SECRET, **config):
    """Flask-JWT-Extended: `create_refresh_token(identity=…)`, under this configuration."""
    return python()("flask", kind, user_id, secret, config)


def fastapi_users(kind="refresh", *, user_id=str(USER_ID), secret=SECRET, **given):
    """fastapi-users: `JWTStrategy(…).write_token(user)`; else what resets a password."""
    return python()("fastapi-users", kind, user_id, secret, given)


def express(kind="refresh", *, username="ada", secret=None, claims=None, **options):
    """jsonwebtoken, as the tutorials use it: `jwt.sign({username}, REFRESH_TOKEN_SECRET, …)`."""
    usual = REFRESH_SECRET if kind == "refresh" else ACCESS_SECRET
    options = {"expiresIn": "1d", **options}
    return node()(claims or {"username": username}, secret or usual, options)


MAKE = {
    "SimpleJWT": simplejwt,
    "FlaskJWTExtended": flask,
    "FastAPIUsers": fastapi_users,
    "Express": express,
}
