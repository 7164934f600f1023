"""The memory of every system: at rest, and after an hour's work squeezed into minutes.

One system runs at a time, started anew. What those do who lack something is all the rest of it.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import sessions, wire
from benchmarks.comparisons import Beside, Comparison, Found, Row
from benchmarks.field import SECONDS, System
from benchmarks.load import Load, drive
from benchmarks.peers.peer import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.field import Field
    from benchmarks.load import Script
    from benchmarks.peers.peer import Peer, Person, Speech
    from benchmarks.processes import Process
    from benchmarks.sizes import Sizes

CONNECTIONS = 8


def measure(sizes: Sizes, field: Field) -> Found:
    rows = field.rows(lambda peer: _row(peer, sizes))
    comparison = Comparison(
        topic="memory",
        title="Memory after an hour's work",
        unit=" MB",
        better="lower",
        told=_told(sizes),
        rows=rows,
    )
    return Found(comparisons=[comparison])


def _told(sizes: Sizes) -> str:
    refreshes = sizes.visits * sizes.visit_refreshes
    requests = refreshes * sizes.visit_requests
    return (
        f"{sizes.visits:,} sign-ins, {refreshes:,} refreshes and {requests:,} requests of a"
        f" protected route over {CONNECTIONS} connections, as {refreshes // 4:,} people cause in"
        " an hour who each refresh every 15 minutes, squeezed into the time that it takes."
    )


def _row(peer: Peer, sizes: Sizes) -> Row:
    with ExitStack() as around:
        home = Path(around.enter_context(TemporaryDirectory(prefix="bench-")))
        process = around.enter_context(peer.start(home, "speed"))
        rest = _at_rest(process, peer.speech)
        if not rest:
            return Row(system=peer.name, none="not run: memory is only measured on Linux")
        system = System(peer, process, min(sizes.people, sizes.visits))
        system.register()
        _work(system, sizes, sizes.visits // 2)
        middle = process.memory()
        _work(system, sizes, sizes.visits - sizes.visits // 2)
        after = process.memory()
    beside = {
        "at rest": Beside([rest["VmRSS"]]),
        "half-way": Beside([middle["VmRSS"]]),
        "the most there ever was": Beside([after["VmHWM"]]),
    }
    note = peer.lacks.get("refresh", "")
    return Row(system=peer.name, rounds=[after["VmRSS"]], beside=beside, note=note)


def _at_rest(process: Process, speech: Speech) -> dict[str, float]:
    """After the first answer: a port may be open before what serves it has loaded all it needs."""

    def once() -> Script:
        yield wire.written(speech.hello())

    drive(Load(port=process.port, scripts=[once()], seconds=SECONDS))
    return process.memory()


def _work(system: System, sizes: Sizes, visits: int) -> None:
    people = islice(cycle(system.people), visits)
    scripts = [_visiting(system.peer, people, sizes) for _ in range(CONNECTIONS)]
    drive(Load(port=system.process.port, scripts=scripts, seconds=SECONDS))


def _visiting(peer: Peer, people: Iterator[Person], sizes: Sizes) -> Script:
    """Whoever is next signs in, and works for a while."""
    speech = peer.speech
    for person in people:
        opened = [Tokens("")]
        yield from sessions.signing_in(speech, [person], opened.append)
        tokens = opened.pop()
        for _ in range(sizes.visit_refreshes):
            for _ in range(sizes.visit_requests):
                yield wire.written(speech.protected(tokens))
            if "refresh" not in peer.lacks:
                answer = yield wire.written(speech.refresh(tokens))
                tokens = speech.kept(wire.read(answer), tokens)
