"""A system that stores sessions, and what is asked of it when it has many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
