"""Flask-JWT-Extended: a refresh token that stays the same, and a blocklist for signing out."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.peers.calls import bearer, post
from benchmarks.peers.peer import Answer, Call, Feature, Peer, Person, Purpose, Tokens
from benchmarks.processes import started
from benchmarks.servers import gunicorn, python_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.processes import Process

APP = "benchmarks.peers.apps.flask_jwt_extended:app"
MEASURED = ("Flask", "Flask-JWT-Extended", "PyJWT", "SQLAlchemy", "gunicorn")
LACKS: dict[Feature, str] = {
    "rotation": "has no rotation: a refresh token is the same for its 30 days",
    "reuse_detection": "has no detection of reuse: a stolen refresh token works as the owner's",
    "change_password": "has no passwords of its own, and no way to change one",
}


class FlaskJwtExtended:
    def register(self, person: Person) -> Call:
        return post("/register", {"username": person.email, "password": person.password})

    def sign_in(self, person: Person) -> Call:
        return post("/login", {"username": person.email, "password": person.password})

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/protected", bearer(tokens.access))

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:  # noqa: ARG002  it takes none
        return Call("POST", "/refresh", bearer(tokens.refresh))

    def sign_out(self, tokens: Tokens) -> Call:
        """Each token is revoked with a request of its own; this is the one that lives longer."""
        return Call("DELETE", "/logout", bearer(tokens.refresh))

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:
        raise NotImplementedError(LACKS["change_password"])

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        if answer.status != 200:
            return before
        given = json.loads(answer.body)
        return Tokens(given["access_token"], given.get("refresh_token", before.refresh))


@contextmanager
def _start(home: Path, purpose: Purpose) -> Iterator[Process]:
    environ = python_environment() | ({"PEER_RACES": "1"} if purpose == "races" else {})
    with started([sys.executable, *gunicorn(APP)], home=home, environ=environ) as process:
        yield process


FLASK_JWT_EXTENDED = Peer(
    name="Flask-JWT-Extended",
    served="gunicorn (gthread), one process, 4 threads",
    hashing="scrypt (n = 32,768, r = 8, p = 1)",
    asks="the signature; in the database, whether the token is on the blocklist",
    durability="not rotated: a refresh writes nothing",
    speech=FlaskJwtExtended(),
    start=_start,
    versions=lambda: {name: version(name) for name in MEASURED},
    lacks=LACKS,
    database="app.db",
)
