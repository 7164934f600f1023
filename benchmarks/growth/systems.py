"""The systems that store sessions, each started on a database that already holds many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.growth import admit, better_auth, simplejwt
from benchmarks.growth.growing import READING, Growing
from benchmarks.peers.admit import ADMIT
from benchmarks.peers.better_auth import BETTER_AUTH
from benchmarks.peers.simplejwt import SIMPLEJWT

if TYPE_CHECKING:
    from benchmarks.peers.peer import Peer

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
