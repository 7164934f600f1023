"""Cookies, as a client keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.peers.peer import Answer


def set_by(answer: Answer) -> dict[str, str]:
    """What an answer's Set-Cookie lines leave under each name; "" for one that is taken away."""
    lines = [line for name, line in answer.headers if name == "set-cookie"]
    pairs = [line.split(";", 1)[0].partition("=") for line in lines]
    return {name.strip(): value.strip() for name, _, value in pairs}
