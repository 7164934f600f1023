"""fastapi-users: an access token, and nothing to refresh it with."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.peers.calls import JSON, bearer, post
from benchmarks.peers.peer import Answer, Call, Feature, Peer, Person, Purpose, Tokens
from benchmarks.processes import started
from benchmarks.servers import python_environment, uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.processes import Process

APP = "benchmarks.peers.apps.fastapi_users:app"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MEASURED = (
    "fastapi-users",
    "fastapi-users-db-sqlalchemy",
    "fastapi",
    "SQLAlchemy",
    "aiosqlite",
    "uvicorn",
)
LACKS: dict[Feature, str] = {
    "refresh": "has no refresh token",
    "rotation": "has no refresh token, so nothing rotates",
    "reuse_detection": "has no refresh token, so none can be used again",
    "sign_out": "has no signing out with its JWT strategy: a token enters until it expires",
}


class FastapiUsers:
    def register(self, person: Person) -> Call:
        return post("/auth/register", {"email": person.email, "password": person.password})

    def sign_in(self, person: Person) -> Call:
        form = urlencode({"username": person.email, "password": person.password})
        return Call("POST", "/auth/jwt/login", FORM, form.encode())

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/protected", bearer(tokens.access))

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:
        raise NotImplementedError(LACKS["refresh"])

    def sign_out(self, tokens: Tokens) -> Call:
        raise NotImplementedError(LACKS["sign_out"])

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:  # noqa: ARG002
        """It does not ask for the current one."""
        body = json.dumps({"password": new}).encode()
        return Call("PATCH", "/users/me", JSON | bearer(tokens.access), body)

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        if answer.status != 200:
            return before
        return Tokens(json.loads(answer.body).get("access_token", before.access))


@contextmanager
def _start(home: Path, purpose: Purpose) -> Iterator[Process]:
    environ = python_environment() | ({"PEER_RACES": "1"} if purpose == "races" else {})
    with started([sys.executable, *uvicorn(APP)], home=home, environ=environ) as process:
        yield process


FASTAPI_USERS = Peer(
    name="fastapi-users",
    served="uvicorn (uvloop, httptools), one process",
    hashing="argon2id, 64 MiB, 3 passes, 4 lanes",
    asks="the signature; in the database, the user",
    durability="has no refresh; what it keeps is in SQLite (WAL, synchronous=NORMAL)",
    speech=FastapiUsers(),
    start=_start,
    versions=lambda: {name: version(name) for name in MEASURED},
    lacks=LACKS,
    database="app.db",
    notes={"refresh and password change": "a JWT enters until it expires"},
)
