"""better-auth on SQLite: a session in a cookie, looked up each time or, cached, every 5 minutes."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.peers import node
from benchmarks.peers.calls import post
from benchmarks.peers.cookies import set_by
from benchmarks.peers.peer import Answer, Call, Peer, Person, Purpose, Tokens
from benchmarks.processes import PORT, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.peers.peer import Feature
    from benchmarks.processes import Process

ORIGIN = "https://app.example.com"
"""Where people find it: it answers behind a proxy, and takes cookies from its own pages alone."""
FROM_ITS_PAGES = {"Origin": ORIGIN}
SECRET = secrets.token_urlsafe(32)
"""The same for each start, as a server's is."""
LEAST_NODE = (22, 13)
"""With SQLite in it."""


class BetterAuth:
    """Its cookies are in `Tokens.access`, as a client sends them."""

    def register(self, person: Person) -> Call:
        given = {"name": person.email, "email": person.email, "password": person.password}
        return _auth("/sign-up/email", given)

    def sign_in(self, person: Person) -> Call:
        return _auth("/sign-in/email", {"email": person.email, "password": person.password})

    def hello(self) -> Call:
        return Call("GET", "/hello")

    def protected(self, tokens: Tokens) -> Call:
        return Call("GET", "/protected", {"Cookie": tokens.access})

    def refresh(self, tokens: Tokens, retry_key: str = "") -> Call:
        raise NotImplementedError(LACKS["refresh"])

    def sign_out(self, tokens: Tokens) -> Call:
        return _auth("/sign-out", {}, tokens)

    def change_password(self, tokens: Tokens, person: Person, new: str) -> Call:
        given = {"currentPassword": person.password, "newPassword": new}
        return _auth("/change-password", given | {"revokeOtherSessions": True}, tokens)

    def kept(self, answer: Answer, before: Tokens) -> Tokens:
        held = dict(pair.split("=", 1) for pair in before.access.split("; ") if "=" in pair)
        now = held | set_by(answer)
        return Tokens("; ".join(f"{name}={value}" for name, value in now.items() if value))


@contextmanager
def _start(home: Path, purpose: Purpose, *, cookie_cache: bool) -> Iterator[Process]:
    environ = node.production(
        BETTER_AUTH_SECRET=SECRET,
        BETTER_AUTH_URL=ORIGIN,
        CHEAP_PASSWORDS="1" if purpose == "races" else "",
        COOKIE_CACHE="1" if cookie_cache else "",
    )
    with started(node.command("better_auth.js", PORT), home=home, environ=environ) as process:
        yield process


def _auth(path: str, given: object, tokens: Tokens | None = None) -> Call:
    cookies = {"Cookie": tokens.access} if tokens else {}
    return post(f"/api/auth{path}", given, FROM_ITS_PAGES | cookies)


LACKS: Mapping[Feature, str] = {
    "refresh": (
        "has no refresh token: its session slides"
        " (its OAuth provider plugin, for signing in to other apps, has rotating ones)"
    ),
    "rotation": "has no rotation: a session's cookie is the same for as long as it lasts",
    "reuse_detection": "notices no reuse: a stolen cookie works as the owner's does",
}
CACHED_ASKS = "the cookie's signature; every 5 minutes, in the database, the session and its user"
CACHED = dict.fromkeys(
    ("refresh and logout", "refresh and password change"),
    "what was revoked goes on for the 5 minutes of its cookie cache at most",
)


def _peer(name: str, *, cookie_cache: bool) -> Peer:
    return Peer(
        name=name,
        served="Node's own HTTP server, one process",
        hashing="scrypt, N = 16,384, r = 16, p = 1",
        asks=CACHED_ASKS if cookie_cache else "in the database, the session and its user",
        durability="a session is on the disk (SQLite, WAL, synchronous=FULL)",
        speech=BetterAuth(),
        start=partial(_start, cookie_cache=cookie_cache),
        versions=partial(node.versions, "better-auth"),
        lacks=LACKS,
        missing=partial(node.missing, "better-auth", least=LEAST_NODE),
        database="better-auth.db",
        notes=CACHED if cookie_cache else {},
    )


BETTER_AUTH = _peer("better-auth", cookie_cache=False)
BETTER_AUTH_CACHED = _peer("better-auth, cookie cache", cookie_cache=True)
"""What was revoked goes on working for the 5 minutes of its cache."""
