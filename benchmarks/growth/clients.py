"""What clients ask over HTTP, each answer kept as a client of that system keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import wire
from benchmarks.load import Load, drive
from benchmarks.peers.peer import Person, Tokens

if TYPE_CHECKING:
    from collections import deque

    from benchmarks.growth.growing import Growing
    from benchmarks.load import Script
    from benchmarks.peers.peer import Speech
    from benchmarks.processes import Process

ADA = Person("ada@example.com", "correct horse battery staple")
SECONDS = 600.0
"""At most, for what ends by itself."""


def signed_in(process: Process, speech: Speech) -> Tokens:
    """What the first user holds, who registers first."""
    held: list[Tokens] = []

    def script() -> Script:
        yield wire.written(speech.register(ADA))
        answer = yield wire.written(speech.sign_in(ADA))
        held.append(speech.kept(wire.read(answer), Tokens("")))

    _drive(process, script())
    return held[0]


def refresh(process: Process, speech: Speech, tokens: Tokens, times: int) -> None:
    """One session, so many times with its newest token."""

    def script(tokens: Tokens) -> Script:
        for _ in range(times):
            answer = yield wire.written(speech.refresh(tokens))
            tokens = speech.kept(wire.read(answer), tokens)

    _drive(process, script(tokens))


def in_turn(system: Growing, held: deque[Tokens]) -> Script:
    """One session after the other: each is taken out of what all hold, and put back behind."""
    while True:
        tokens = held.popleft()
        try:
            answer = wire.read((yield wire.written(system.ask(tokens))))
            tokens = system.peer.speech.kept(answer, tokens)
        finally:
            held.append(tokens)


def _drive(process: Process, script: Script) -> None:
    drive(Load(port=process.port, scripts=[script], seconds=SECONDS))
