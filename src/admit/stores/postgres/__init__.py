"""The store in PostgreSQL, for any number of processes on any number of machines."""

from __future__ import annotations

from admit.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
