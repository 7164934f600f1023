"""Cookies, as a client keeps them."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.peer import Answer


def set_by(answer: Answer) -> dict[str, str]:
    """What an answer's Set-Cookie lines leave under each name; "" for one that is taken away."""
    told: dict[str, str] = {}
    for name, line in answer.headers:
        if name == "set-cookie":
            told |= {cookie.key: cookie.coded_value for cookie in SimpleCookie(line).values()}
    return told
