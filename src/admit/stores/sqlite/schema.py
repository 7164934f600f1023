"""The schema of the embedded store: numbered migrations that run by themselves."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

from admit.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIGRATIONS = resources.files("admit.stores.sqlite") / "migrations"


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Run the migrations that this database has not seen, in one transaction; return their names.

    The lock is taken before the number is read, so of ten processes that start at once one
    migrates and nine find it done.
    """
    known = sorted(each.name for each in MIGRATIONS.iterdir() if each.name.endswith(".sql"))
    if _version(connection) == len(known):
        return []
    connection.execute("BEGIN IMMEDIATE")
    try:
        seen = _version(connection)
        if seen > len(known):
            raise SettingsError(
                "database_url",
                "ADMIT_DATABASE_URL (database_url) names a database that a newer version of Admit"
                " has written: install that version or a newer one.",
            )
        for name in known[seen:]:
            for statement in _statements((MIGRATIONS / name).read_text(encoding="utf-8")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(known)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return known[seen:]


def is_behind(connection: sqlite3.Connection) -> bool:
    """Whether a migration is missing."""
    known = sum(each.name.endswith(".sql") for each in MIGRATIONS.iterdir())
    return _version(connection) < known


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit the transaction that we hold."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
