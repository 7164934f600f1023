"""The embedded store: SQLite through the standard library, durable at every commit."""

from admit.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
