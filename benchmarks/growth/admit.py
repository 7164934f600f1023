"""Admit with many sessions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.filling import SECRET, Filling, copy, filled, insert, sqlite_url
from benchmarks.growth import full
from benchmarks.kept import Kept, in_postgres, in_sqlite
from benchmarks.peers.admit import ADMIT
from benchmarks.peers.peer import Tokens
from benchmarks.processes import PORT, started
from benchmarks.servers import environment
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.growth.full import Full


@contextmanager
def on_sqlite(home: Path, sessions: int) -> Iterator[Full]:
    (home / "data").mkdir()
    database = home / ADMIT.database
    url = sqlite_url(database)
    tokens = filled(url, Filling(living=sessions, people=True), insert)
    with _serving(home, url, tokens, in_sqlite(database)) as served:
        yield served


@contextmanager
def on_postgres(home: Path, sessions: int) -> Iterator[Full]:
    server = PostgresServer()
    try:
        url = server.create()
        tokens = filled(url, Filling(living=sessions, people=True), copy)
        with _serving(home, url, tokens, in_postgres(url)) as served:
            yield served
    finally:
        server.close()


@contextmanager
def _serving(home: Path, url: str, tokens: list[str], kept: Kept) -> Iterator[Full]:
    command = [sys.executable, "-m", "admit.cli", "serve", "--port", PORT]
    environ = environment(home / "data") | {"ADMIT_DATABASE_URL": url, "ADMIT_SECRET": SECRET}
    with started(command, home=home, environ=environ) as process:
        yield full.of(process, (Tokens("", token) for token in tokens), kept)
