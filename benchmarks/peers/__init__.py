"""Admit and what people use today, each in a small set-up written from its public documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.admit import ADMIT
from benchmarks.peers.better_auth import BETTER_AUTH, BETTER_AUTH_CACHED
from benchmarks.peers.express import EXPRESS, EXPRESS_KEY_ONCE, EXPRESS_OLDER
from benchmarks.peers.fastapi_users import FASTAPI_USERS
from benchmarks.peers.flask_jwt_extended import FLASK_JWT_EXTENDED
from benchmarks.peers.simplejwt import SIMPLEJWT

if TYPE_CHECKING:
    from benchmarks.peers.peer import Peer

PEERS: tuple[Peer, ...] = (
    ADMIT,
    EXPRESS,
    BETTER_AUTH,
    BETTER_AUTH_CACHED,
    SIMPLEJWT,
    FLASK_JWT_EXTENDED,
    FASTAPI_USERS,
)
"""Each behaves in a way of its own."""
FOR_SPEED: tuple[Peer, ...] = (*PEERS[:2], EXPRESS_KEY_ONCE, EXPRESS_OLDER, *PEERS[2:])
"""And what behaves as another does, at another speed."""
