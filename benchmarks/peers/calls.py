"""Requests as most adapters make them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.peers.peer import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = {"Content-Type": "application/json"}
NONE: Mapping[str, str] = {}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def post(path: str, given: object, headers: Mapping[str, str] = NONE) -> Call:
    return Call("POST", path, JSON | dict(headers), json.dumps(given).encode())
