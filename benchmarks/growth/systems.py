"""The systems that store sessions, each started on a database that already holds many of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.growth import admit, better_auth, simplejwt
from benchmarks.peers.admit import ADMIT
from benchmarks.peers.better_auth import BETTER_AUTH
from benchmarks.peers.simplejwt import SIMPLEJWT

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.growth.full import Full
    from benchmarks.peers.peer import Call, Peer, Tokens

REFRESH = "a refresh"
READING = "a protected request, which reads the session: there is no refresh"


@dataclass(frozen=True, kw_only=True)
class Growing:
    peer: Peer
    store: str
    start: Callable[[Path, int], AbstractContextManager[Full]]
    """With so many living sessions, in a directory of its own that exists and is empty."""
    what: str = REFRESH

    def ask(self, tokens: Tokens) -> Call:
        speech = self.peer.speech
        return speech.refresh(tokens) if self.what == REFRESH else speech.protected(tokens)


GROWING = (
    Growing(peer=ADMIT, store="SQLite", start=admit.on_sqlite),
    Growing(peer=ADMIT, store="PostgreSQL", start=admit.on_postgres),
    Growing(peer=SIMPLEJWT, store="SQLite", start=simplejwt.on_sqlite),
    Growing(peer=BETTER_AUTH, store="SQLite", start=better_auth.on_sqlite, what=READING),
)


def why_not(peer: Peer) -> str:
    """Why sessions that become many are not asked of it; empty where they are."""
    if any(each.peer is peer for each in GROWING):
        return peer.missing()
    return peer.lacks.get("refresh") or "looks no session up: how many there are is all the same"
