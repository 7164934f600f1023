"""What a thousand refreshes of one session leave in a database."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import wire
from benchmarks.growth.refreshes import one_session
from benchmarks.kept import in_sqlite
from benchmarks.load import Load, drive
from benchmarks.peers.peer import Person, Tokens

if TYPE_CHECKING:
    from benchmarks.load import Script
    from benchmarks.peers.peer import Peer, Speech
    from benchmarks.processes import Process

REFRESHES = 1_000
SECONDS = 600.0
ADA = Person("ada@example.com", "correct horse battery staple")


def left_behind(peer: Peer, refreshes: int) -> dict[str, Any]:
    """The rows and the bytes of so many refreshes, or why there are none to tell."""
    if reason := peer.missing() or peer.lacks.get("refresh") or _without_database(peer):
        return {"system": peer.name, "none": reason}
    with TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        with peer.start(home, "speed") as process:
            tokens: list[Tokens] = []
            _drive(process, _signing_in(peer.speech, tokens))
            before = in_sqlite(home / peer.database)
            _drive(process, one_session(peer.speech, tokens[0], refreshes))
            after = in_sqlite(home / peer.database)
    return {
        "system": peer.name,
        "rows": after.rows - before.rows,
        "bytes": after.bytes - before.bytes,
        "durability": peer.durability,
    }


def _without_database(peer: Peer) -> str:
    return "" if peer.database else "has no database: what it keeps is in memory"


def _signing_in(speech: Speech, tokens: list[Tokens]) -> Script:
    yield wire.written(speech.register(ADA))
    answer = yield wire.written(speech.sign_in(ADA))
    tokens.append(speech.kept(wire.read(answer), Tokens("")))


def _drive(process: Process, script: Script) -> None:
    drive(Load(port=process.port, scripts=[script], seconds=SECONDS))
