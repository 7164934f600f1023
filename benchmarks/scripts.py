"""What the clients of a load say: requests as bytes, made as cheaply as can be."""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING

from benchmarks.load import request
from benchmarks.seed import PASSWORD, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.load import Script

TOKEN = b'"refresh_token":"'


def hello() -> Script:
    raw = request("GET", "/hello")
    while True:
        yield raw


def guarded(path: str, access_tokens: Iterable[str]) -> Script:
    """A guarded route with one token after the other."""
    headers = [{"Authorization": f"Bearer {token}"} for token in access_tokens]
    for raw in cycle([request("GET", path, headers=each) for each in headers]):  # noqa: UP028
        yield raw  # an iterator behind `yield from` could not be sent the answers


def refreshing(token: str, keep: Callable[[str], object]) -> Script:
    """One session, refreshed without end with its newest token; each successor is handed on."""
    while True:
        token = refreshed((yield refresh(token)))
        keep(token)


def signing_in(users: Iterable[int], keep: Callable[[str], object] = str) -> Script:
    """These users sign in one after the other, without pause."""
    for number in users:
        login = {"login": address(number), "password": PASSWORD, "delivery": "body"}
        keep(refreshed((yield request("POST", "/auth/login", body=json.dumps(login).encode()))))


def refresh(token: str) -> bytes:
    return request("POST", "/auth/refresh", body=b'{"refresh_token":"%b"}' % token.encode())


def refreshed(answer: bytes) -> str:
    """The refresh token in an answer."""
    start = answer.index(TOKEN) + len(TOKEN)
    return answer[start : answer.index(b'"', start)].decode()
