"""Writes go to the primary and reads to a replica, as Django's documentation routes them.

https://docs.djangoproject.com/en/5.2/topics/db/multi-db/#an-example
"""

from __future__ import annotations


class PrimaryReplicaRouter:
    def db_for_read(self, model: object, **hints: object) -> str:  # noqa: ARG002  Django's words
        return "replica"

    def db_for_write(self, model: object, **hints: object) -> str:  # noqa: ARG002
        return "default"

    def allow_relation(self, one: object, other: object, **hints: object) -> bool:  # noqa: ARG002
        return True

    def allow_migrate(self, database: str, app_label: str, **hints: object) -> bool:  # noqa: ARG002
        return database == "default"
