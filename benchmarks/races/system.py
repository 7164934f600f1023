"""A system that runs: its adapter, its server, and its time, which is moved on or waited for."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Self

from joserfc.jwk import KeySet, OctKey

from benchmarks import kept
from benchmarks.peers.peer import Call, Tokens
from benchmarks.processes import LoadError
from benchmarks.races.lines import Lines

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from benchmarks.peers.peer import Answer, Peer
    from benchmarks.processes import Process

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Between the tries of a client whose system is in trouble, in seconds."""
ORDINARY = 900.0
"""Between two refreshes of a client whose access tokens live for 15 minutes, in seconds."""


class System:
    """Used as a context manager, within a running event loop: it starts and stops the server."""

    def __init__(self, peer: Peer, home: Path, *, beyond: float) -> None:
        """
        Arguments:
            peer: its adapter.
            home: an empty directory.
            beyond: how much longer than the grace passes where it has to be over, in seconds.
        """
        self.peer = peer
        self.speech = peer.speech
        self.refreshes = "refresh" not in peer.lacks
        self.grace = peer.grace or 0.0
        self.past_grace = self.grace + beyond
        self.ordinary = max(ORDINARY, self.past_grace) if peer.ahead else self.past_grace
        self.waited = 0.0
        """Seconds that were really waited for."""
        self._moved = 0.0
        self._keys: list[bytes] | None = None
        self._home = home
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lines.close()
        self._running.__exit__(kind, error, trace)

    @property
    def restarts(self) -> bool:
        """Whether it can be stopped and started again: it is not somebody else's that runs."""
        return self._process.pid > 0

    def now(self) -> float:
        """The system's time, in seconds since whenever."""
        return time.monotonic() + self._moved

    def renewal(self, tokens: Tokens, retry_key: str = "") -> Call:
        """A refresh; where it has none, what the token is for."""
        if self.refreshes:
            return self.speech.refresh(tokens, retry_key)
        return self.speech.protected(tokens)

    async def surely(self, call: Call) -> Answer:
        """Ask for what a race needs before it begins.

        Raises:
            LoadError: it was refused.
        """
        answer = await self.lines.ask(call)
        for pause in PAUSES:
            if not in_trouble(answer):
                break
            await asyncio.sleep(pause)
            answer = await self.lines.ask(call)
        if answer.status // 100 != 2:
            raise LoadError(f"{call.method} {call.path} was answered {told(answer)}")
        return answer

    async def let_pass(self, seconds: float) -> None:
        """Move its clock on where that can be done, and wait where not."""
        if seconds <= 0:
            return
        if self.peer.ahead:
            await self.surely(self.peer.ahead(seconds))
            self._moved += seconds
        else:
            await asyncio.sleep(seconds)
            self.waited += seconds

    async def public_keys(self) -> list[bytes]:
        """Each as PEM; asked for once."""
        if self._keys is None and self.peer.keys:
            answer = await self.surely(Call("GET", self.peer.keys))
            found = KeySet.import_key_set(json.loads(answer.body)).keys
            self._keys = [key.as_pem(private=False) for key in found if not isinstance(key, OctKey)]
        return self._keys or []

    def rows(self) -> int | None:
        """How many rows all its tables have; None where it keeps them elsewhere."""
        if not self.peer.database:
            return None
        with closing(self._database()) as database:
            return kept.rows(database)

    def copy(self) -> None:
        """Copy its database as it is now: for `fail_over`, or to a replica that is behind."""
        with closing(self._database()) as database, closing(sqlite3.connect(self._copy)) as copy:
            database.backup(copy)

    def read_from_copy(self) -> None:
        """Start it again, so that it reads from a copy, which hears of nothing until `copy`."""
        assert self.peer.start_reading
        self.copy()
        self.lines.close()
        self._running.close()
        self._opened(self.peer.start_reading(self._home, self._copy))

    async def fail_over(self) -> None:
        """Stop it, and start it on what `copy` kept: whatever was written since is lost."""
        self.lines.close()
        self._running.close()
        file = self._home / self.peer.database
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        self._copy.rename(file)
        self._start()
        if self.peer.ahead and self._moved:
            await self.surely(self.peer.ahead(self._moved))

    def _start(self) -> None:
        self._opened(self.peer.start(self._home, "races"))

    def _opened(self, server: AbstractContextManager[Process]) -> None:
        self._process = self._running.enter_context(server)
        self.lines = Lines(self._process.host, self._process.port)

    @property
    def _copy(self) -> Path:
        return self._home / "copy.db"

    def _database(self) -> sqlite3.Connection:
        file = self._home / self.peer.database
        return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def told(answer: Answer) -> str:
    """An answer, for who wonders about it."""
    return f"{answer.status} {answer.body[:300]!r}" if answer.status else "nothing"


def in_trouble(answer: Answer) -> bool:
    """Whether it says nothing about who asks, and a client tries again."""
    return answer.status in {0, 429} or answer.status >= 500


def takes_retry_key(peer: Peer) -> bool:
    """Whether a retry can say which exchange it repeats."""
    some = Tokens("access", "refresh")
    return peer.speech.refresh(some, "key") != peer.speech.refresh(some)
