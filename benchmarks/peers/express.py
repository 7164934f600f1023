"""What the tutorials on Express build: express, jsonwebtoken, bcryptjs, cookie-parser."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.peers import node
from benchmarks.peers.calls import bearer, post
from benchmarks.peers.cookies import set_by
from benchmarks.peers.peer import Answer, Call, Peer, Person, Purpose, Tokens
from benchmarks.processes import PORT, started

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.peers.peer import Feature
    from benchmarks.processes import Process

PACKAGES = ("express", "jsonwebtoken", "bcryptjs", "cookie-parser")
COOKIE = "refreshToken"
ROUNDS, CHEAPEST_ROUNDS = "10", "4"
"""Of bcrypt: the tutorials', and the fewest that it takes."""


class Express:
    def register(self, person: Person) -> Call:
        return post("/register", {"email": person.email, "password": person.password})

    def sign_in(self, person: Person) -> Call:
        return post("/login", {"email": person.email, "password": person.password})

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/protected", bearer(tokens.access))

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:  # noqa: ARG002 # it takes none
        return _with_cookie("/refresh", tokens)

    def sign_out(self, tokens: Tokens) -> Call:
        return _with_cookie("/logout", tokens)

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:
        raise NotImplementedError(LACKS["change_password"])

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        access = json.loads(answer.body)["accessToken"] if answer.status == 200 else before.access
        return Tokens(access, set_by(answer).get(COOKIE, before.refresh))


def _start(
    home: Path, purpose: Purpose, *, older: bool = False, key_once: bool = False
) -> AbstractContextManager[Process]:
    environ = node.production(
        ACCESS_TOKEN_SECRET=secrets.token_hex(64),
        REFRESH_TOKEN_SECRET=secrets.token_hex(64),
        BCRYPT_ROUNDS=CHEAPEST_ROUNDS if purpose == "races" else ROUNDS,
        KEY_ONCE="1" if key_once else "",
    )
    return started(node.command("express.js", PORT, older=older), home=home, environ=environ)


def _with_cookie(path: str, tokens: Tokens) -> Call:
    return Call("POST", path, {"Cookie": f"{COOKIE}={tokens.refresh}"})


LACKS: Mapping[Feature, str] = {
    "rotation": "has no rotation: a refresh token is the same for its 7 days",
    "reuse_detection": "notices no reuse: a stolen refresh token works as the owner's does",
    "change_password": "has no way to change a password",
}
GOES_ON = "what was revoked goes on until the token expires"

EXPRESS = Peer(
    name="Express tutorial",
    served="Node's own HTTP server, one process",
    hashing="bcrypt (bcryptjs), 10 rounds",
    asks=f"the signature, its secret handed as text; {GOES_ON}",
    durability="not rotated, and kept in memory: nothing is on the disk",
    speech=Express(),
    start=_start,
    versions=lambda: node.versions(*PACKAGES),
    lacks=LACKS,
    missing=lambda: node.missing(*PACKAGES),
)
EXPRESS_KEY_ONCE = replace(
    EXPRESS,
    name="Express tutorial, its key made once",
    asks=f"the signature; {GOES_ON}",
    start=partial(_start, key_once=True),
)
"""The same with a line that no tutorial has. It behaves alike, and takes half the time."""
EXPRESS_OLDER = replace(
    EXPRESS,
    name="Express tutorial, older Node",
    asks=f"the signature, its secret handed as text, which is most of it there; {GOES_ON}",
    start=partial(_start, older=True),
    versions=lambda: node.versions(*PACKAGES, older=True),
    missing=lambda: node.missing(*PACKAGES, older=True),
)
"""The same on the Node of the PATH. It behaves alike, and jsonwebtoken is slower there by a factor:
handed a secret as text, it first lets OpenSSL try to read it as a public key."""
