"""The systems that store sessions, each started on a database that already holds many of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.filling import SAMPLE, SECRET, Filling, copy, filled, insert, sqlite_url
from benchmarks.kept import Kept, in_postgres, in_sqlite
from benchmarks.peers.admit import ADMIT
from benchmarks.peers.peer import Tokens
from benchmarks.peers.simplejwt import SIMPLEJWT, environment_of, migrate
from benchmarks.processes import PORT, started
from benchmarks.servers import environment
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.peers.peer import Peer
    from benchmarks.processes import Process

FILL = "benchmarks.peers.apps.simplejwt.fill"


@dataclass(frozen=True, kw_only=True)
class Full:
    """A server over so many sessions."""

    process: Process
    held: deque[Tokens]
    """What the clients of a sample hold, in an order of chance."""
    kept: Kept


@dataclass(frozen=True, kw_only=True)
class Growing:
    peer: Peer
    store: str
    start: Callable[[Path, int], AbstractContextManager[Full]]
    """With so many living sessions, in a directory of its own that exists and is empty."""


@contextmanager
def _admit_on_sqlite(home: Path, sessions: int) -> Iterator[Full]:
    (home / "data").mkdir()
    url = sqlite_url(home / ADMIT.database)
    tokens = filled(url, Filling(living=sessions, people=True), insert)
    kept = in_sqlite(home / ADMIT.database)
    with _admit_serve(home, url) as process:
        yield Full(process=process, held=_shuffled(tokens), kept=kept)


@contextmanager
def _admit_on_postgres(home: Path, sessions: int) -> Iterator[Full]:
    server = PostgresServer()
    try:
        url = server.create()
        tokens = filled(url, Filling(living=sessions, people=True), copy)
        kept = in_postgres(url)
        with _admit_serve(home, url) as process:
            yield Full(process=process, held=_shuffled(tokens), kept=kept)
    finally:
        server.close()


@contextmanager
def _simplejwt(home: Path, sessions: int) -> Iterator[Full]:
    migrate(home)
    command = [sys.executable, "-m", FILL, str(sessions), str(min(SAMPLE, sessions))]
    environ = environment_of("speed")
    told = subprocess.run(command, cwd=home, env=environ, check=True, stdout=subprocess.PIPE)
    kept = in_sqlite(home / SIMPLEJWT.database)
    with SIMPLEJWT.start(home, "speed") as process:
        yield Full(process=process, held=_shuffled(json.loads(told.stdout)), kept=kept)


def _admit_serve(home: Path, url: str) -> AbstractContextManager[Process]:
    command = [sys.executable, "-m", "admit.cli", "serve", "--port", PORT]
    environ = environment(home / "data") | {"ADMIT_DATABASE_URL": url, "ADMIT_SECRET": SECRET}
    return started(command, home=home, environ=environ)


def _shuffled(tokens: list[str]) -> deque[Tokens]:
    random.Random(7).shuffle(tokens)
    return deque(Tokens("", token) for token in tokens)


GROWING = (
    Growing(peer=ADMIT, store="SQLite", start=_admit_on_sqlite),
    Growing(peer=ADMIT, store="PostgreSQL", start=_admit_on_postgres),
    Growing(peer=SIMPLEJWT, store="SQLite", start=_simplejwt),
)


def why_not(peer: Peer) -> str:
    """Why sessions that become many are not asked of it."""
    if "refresh" in peer.lacks:
        return peer.lacks["refresh"]
    return "stores no sessions: how many there are makes no difference to it"
