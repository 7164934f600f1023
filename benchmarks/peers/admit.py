"""Admit itself, as one of the systems: an app that embeds it."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.peers.calls import bearer, post
from benchmarks.peers.peer import Answer, Call, Peer, Person, Purpose, Tokens
from benchmarks.processes import PORT, started
from benchmarks.servers import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.processes import Process


class Admit:
    def register(self, person: Person) -> Call:
        return post("/auth/register", {"email": person.email, "password": person.password})

    def sign_in(self, person: Person) -> Call:
        given = {"login": person.email, "password": person.password, "delivery": "body"}
        return post("/auth/login", given)

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/guarded", bearer(tokens.access))

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:
        headers = {"Idempotency-Key": retry_key} if retry_key else {}
        return post("/auth/refresh", {"refresh_token": tokens.refresh}, headers)

    def sign_out(self, tokens: Tokens) -> Call:
        return post("/auth/logout", {"refresh_token": tokens.refresh})

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:
        given = {"current_password": person.password, "new_password": new}
        return post("/auth/password", given, bearer(tokens.access))

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        if answer.status != 200:
            return before
        given = json.loads(answer.body)
        return Tokens(given["access_token"], given["refresh_token"])


@contextmanager
def _start(home: Path, purpose: Purpose) -> Iterator[Process]:
    environ = environment(home / "data")
    if purpose == "races":
        del environ["ADMIT_LEEWAY"]
        environ["PEER_RACES"] = "1"
    command = [sys.executable, "-m", "benchmarks.served", PORT]
    with started(command, home=home, environ=environ) as process:
        yield process


def _ahead(seconds: float) -> Call:
    return post("/ahead", {"seconds": seconds})


ADMIT = Peer(
    name="Admit",
    served="uvicorn (uvloop, httptools), one process",
    hashing="argon2id, 19 MiB, 2 passes",
    asks=(
        "the signature once for each token, which is remembered; in memory, what was revoked."
        " Here every token but for its first request was seen before"
    ),
    durability="rotated, and on the disk (SQLite, WAL, synchronous=FULL)",
    speech=Admit(),
    start=_start,
    versions=lambda: {"admit": version("admit")},
    grace=10.0,
    database="data/admit.db",
    ahead=_ahead,
    keys="/.well-known/jwks.json",
)
