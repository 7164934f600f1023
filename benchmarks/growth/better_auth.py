"""better-auth with many sessions: it has no refresh, but reads the session for each request.

It makes the first user, account and session itself, and all others are like those.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchmarks.filling import SAMPLE, first_row, insert_like, name, sqlite_url
from benchmarks.growth import full
from benchmarks.growth.clients import signed_in
from benchmarks.kept import in_sqlite
from benchmarks.peers.better_auth import BETTER_AUTH, SECRET
from benchmarks.peers.peer import Tokens
from benchmarks.seed import address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.growth.full import Full

SIZE = 24
"""Bytes of a name, which make as many characters as its own ids and tokens have."""


@contextmanager
def on_sqlite(home: Path, sessions: int) -> Iterator[Full]:
    database = home / BETTER_AUTH.database
    url = sqlite_url(database)
    with BETTER_AUTH.start(home, "speed") as process:
        first = signed_in(process, BETTER_AUTH.speech)
    _fill(url, sessions)
    sample = min(SAMPLE, sessions)
    held = [_cookie(first, _token(number * (sessions // sample))) for number in range(sample)]
    assert _cookie(first, first_row(url, "session")["token"]) == first  # it is signed as theirs
    kept = in_sqlite(database)
    with BETTER_AUTH.start(home, "speed") as process:
        yield full.of(process, held, kept)


def _fill(url: str, sessions: int) -> None:
    numbers = range(sessions)
    users = ({"id": _user(each), "email": address(each)} for each in numbers)
    insert_like(url, "user", users)
    accounts = (
        {"id": name("account", each, SIZE), "accountId": _user(each), "userId": _user(each)}
        for each in numbers
    )
    insert_like(url, "account", accounts)
    living = (
        {"id": name("session", each, SIZE), "token": _token(each), "userId": _user(each)}
        for each in numbers
    )
    insert_like(url, "session", living)


def _user(number: int) -> str:
    return name("user", number, SIZE)


def _token(number: int) -> str:
    return name("token", number, SIZE)


def _cookie(like: Tokens, token: str) -> Tokens:
    """The cookie of a session: its token, and a signature of it."""
    cookie = like.access.partition("=")[0]
    signature = hmac.new(SECRET.encode(), token.encode(), hashlib.sha256).digest()
    return Tokens(f"{cookie}={quote(f'{token}.{base64.b64encode(signature).decode()}', safe='')}")
