"""What a database holds: rows over all its tables, and bytes, its indexes included."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

if TYPE_CHECKING:
    from pathlib import Path

TABLES = (
    "SELECT name FROM sqlite_master"
    " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%VIRTUAL%'"
)
"""But for those that SQLite keeps for itself."""
BYTES = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
POSTGRES_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'admit'"


class Kept(NamedTuple):
    rows: int
    bytes: int


def in_sqlite(database: Path) -> Kept:
    """Of a file that a server may be writing to: what stands in its WAL counts already."""
    with closing(sqlite3.connect(database, timeout=60)) as db:
        return Kept(rows(db), _only(db.execute(BYTES)))


def rows(db: sqlite3.Connection) -> int:
    """Over all tables of the system."""
    tables = [name for (name,) in db.execute(TABLES)]
    return sum(_only(db.execute(f'SELECT count(*) FROM "{each}"')) for each in tables)


def in_postgres(url: str) -> Kept:
    """Of Admit's schema in the database with this URL."""
    with psycopg.connect(url) as db:
        tables = [f"admit.{name}" for (name,) in db.execute(POSTGRES_TABLES).fetchall()]
        rows = sum(_only(db.execute(_text(f"SELECT count(*) FROM {each}"))) for each in tables)
        sizes = (_text(f"SELECT pg_total_relation_size('{each}')") for each in tables)
        return Kept(rows, sum(_only(db.execute(size)) for size in sizes))


def _text(statement: str) -> bytes:
    return statement.encode()  # psycopg's types take a str only where it is written in the code


def _only(cursor: Any) -> int:  # noqa: ANN401  a cursor of either driver
    return int(cursor.fetchone()[0])
