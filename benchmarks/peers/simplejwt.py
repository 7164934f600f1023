"""Django REST framework with simplejwt: rotation and blacklist are on."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.peers.calls import bearer, post
from benchmarks.peers.peer import Answer, Call, Peer, Person, Purpose, Tokens
from benchmarks.processes import started
from benchmarks.servers import gunicorn, python_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.processes import Process

SETTINGS = "benchmarks.peers.apps.simplejwt.settings"
APP = "django.core.wsgi:get_wsgi_application()"
MEASURED = ("Django", "djangorestframework", "djangorestframework-simplejwt", "gunicorn")


class SimpleJwt:
    def register(self, person: Person) -> Call:
        return post("/register", {"username": person.email, "password": person.password})

    def sign_in(self, person: Person) -> Call:
        return post("/api/token/", {"username": person.email, "password": person.password})

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/protected", bearer(tokens.access))

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:  # noqa: ARG002  it takes none
        return post("/api/token/refresh/", {"refresh": tokens.refresh})

    def sign_out(self, tokens: Tokens) -> Call:
        return post("/api/token/blacklist/", {"refresh": tokens.refresh})

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:
        given = {"old_password": person.password, "new_password": new}
        return post("/password", given, bearer(tokens.access))

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        if answer.status != 200:
            return before
        given = json.loads(answer.body)
        return Tokens(given["access"], given["refresh"])


def environment_of(purpose: Purpose, replica: str = "") -> dict[str, str]:
    """What its processes are started with."""
    environ = python_environment() | {"DJANGO_SETTINGS_MODULE": SETTINGS, "PEER_REPLICA": replica}
    return environ | {"PEER_RACES": "1"} if purpose == "races" else environ


@contextmanager
def _start(home: Path, purpose: Purpose, replica: str = "") -> Iterator[Process]:
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    environ = environment_of(purpose, replica)
    subprocess.run(migrate, cwd=home, env=environ, check=True)
    with migrated(home, purpose, replica) as process:
        yield process


def migrated(home: Path, purpose: Purpose, replica: str = "") -> AbstractContextManager[Process]:
    """It on a database whose tables are there."""
    command = [sys.executable, *gunicorn(APP)]
    return started(command, home=home, environ=environment_of(purpose, replica))


def _start_reading(home: Path, replica: Path) -> AbstractContextManager[Process]:
    return _start(home, "races", str(replica))


SIMPLEJWT = Peer(
    name="Django + simplejwt",
    served="gunicorn (gthread), one process, 4 threads",
    hashing="PBKDF2-SHA256, 1,000,000 rounds",
    asks=(
        "the signature; in the database, the user, whose password is compared"
        " (JWTStatelessUserAuthentication does neither, and is faster)"
    ),
    durability=(
        "rotated, written but not yet on the disk (SQLite, WAL, synchronous=NORMAL),"
        " in several transactions"
    ),
    speech=SimpleJwt(),
    start=_start,
    versions=lambda: {name: version(name) for name in MEASURED},
    grace=0.0,
    lacks={
        "reuse_detection": "has no detection of reuse: a token that was used is refused, no more"
    },
    database="db.sqlite3",
    start_reading=_start_reading,
    notes={
        "refresh and logout": (
            "a sign-out takes one token off; where the refresh was first, that token is used up,"
            " the sign-out is answered 401, and the new token lives on"
        ),
        "refresh and password change": (
            "whoever changes it is given new tokens; where the refresh is answered after that, its"
            " tokens are kept, and open nothing (CHECK_REVOKE_TOKEN; as it comes it is off: then"
            " nobody is signed out, and the second device stays in)"
        ),
    },
)
