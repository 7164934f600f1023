"""Every system, started once and kept, with people who can sign in and sessions of theirs."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import sessions, wire
from benchmarks.comparisons import Row
from benchmarks.load import Load, drive
from benchmarks.peers import FOR_SPEED
from benchmarks.peers.peer import Person
from benchmarks.seed import PASSWORD, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from benchmarks.load import Script
    from benchmarks.peers.peer import Feature, Peer, Tokens
    from benchmarks.processes import Process
    from benchmarks.sizes import Sizes

HASHING_CLIENTS = 4
"""Enough for two cores that hash; more would only wait."""
SECONDS = 600.0
"""What signing everybody in may take."""
FRESH_SECONDS = 100.0
"""An access token may live for five minutes only, and a part of the benchmark takes two."""


class System:
    """A system that runs."""

    def __init__(self, peer: Peer, process: Process, people: int) -> None:
        self.peer = peer
        self.process = process
        self.people = [Person(address(number), PASSWORD) for number in range(people)]
        self._sessions: list[Tokens] = []
        self._since = 0.0

    def register(self) -> None:
        """Register everybody."""
        people = iter(self.people)
        self._run([self._registering(people) for _ in range(HASHING_CLIENTS)])

    def sessions(self, count: int) -> list[Tokens]:
        """The newest tokens of as many sessions; who refreshes one puts the next in its place."""
        if len(self._sessions) < count or time.monotonic() - self._since > FRESH_SECONDS:
            self._sessions = self._signed_in(count)
            self._since = time.monotonic()
        return self._sessions

    def _signed_in(self, count: int) -> list[Tokens]:
        opened: list[Tokens] = []
        people = islice(cycle(self.people), count)
        speech = self.peer.speech
        self._run(
            [sessions.signing_in(speech, people, opened.append) for _ in range(HASHING_CLIENTS)]
        )
        return opened

    def _registering(self, people: Iterator[Person]) -> Script:
        for person in people:
            yield wire.written(self.peer.speech.register(person))

    def _run(self, clients: Sequence[Script]) -> None:
        drive(Load(port=self.process.port, scripts=clients, seconds=SECONDS))


class Field:
    """All systems; each starts when it is first asked for, and ends with the block."""

    def __init__(self, sizes: Sizes, peers: Sequence[Peer] = FOR_SPEED) -> None:
        self.peers = peers
        self._sizes = sizes
        self._around = ExitStack()
        self._systems: dict[str, System] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool | None:
        return self._around.__exit__(kind, error, at)

    def systems(self, without: Feature | None = None) -> list[System]:
        """Those that run, but for those that lack this."""
        able = [peer for peer in self.peers if not peer.missing() and without not in peer.lacks]
        return [self._system(peer) for peer in able]

    def rows(self, row: Callable[[Peer], Row], feature: Feature | None = None) -> list[Row]:
        """One of each system, with this sentence where it is not there or has none."""
        return [
            Row(system=peer.name, none=none) if (none := self.none(peer, feature)) else row(peer)
            for peer in self.peers
        ]

    @staticmethod
    def none(peer: Peer, feature: Feature | None = None) -> str:
        """Why there is nothing to be measured; empty where there is."""
        if missing := peer.missing():
            return f"not run: {missing}"
        return peer.lacks.get(feature, "") if feature else ""

    def _system(self, peer: Peer) -> System:
        if peer.name not in self._systems:
            home = Path(self._around.enter_context(TemporaryDirectory(prefix="bench-")))
            process = self._around.enter_context(peer.start(home, self._sizes.purpose))
            self._systems[peer.name] = System(peer, process, self._sizes.people)
            self._systems[peer.name].register()
        return self._systems[peer.name]
