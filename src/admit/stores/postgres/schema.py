"""The schema in PostgreSQL: numbered migrations, of which each runs once."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors as pg
from psycopg import sql

from admit.errors import SettingsError, Unavailable
from admit.stores import patience
from admit.stores.base import BEHIND
from admit.stores.postgres.connections import OUT, connecting_seconds, parameters

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from admit.stores.rows import Row

MIGRATIONS = resources.files("admit.stores.postgres") / "migrations"
LOCK = 0x61646D6974
"""The number of the advisory lock: `admit` in ASCII."""
LOCK_SECONDS = 60
"""How long a process waits for another one's migrations."""

VERSION = "SELECT coalesce(max(version), 0) FROM admit.migrations"
RAN = "INSERT INTO admit.migrations (version) VALUES (%s)"
SCHEMA = "SELECT to_regnamespace('admit') IS NOT NULL"
MAKE_SCHEMA = "CREATE SCHEMA admit"
"""Only where there is none: IF NOT EXISTS wants the right to make one even where there is."""
BEGINNING = """
CREATE TABLE IF NOT EXISTS admit.migrations (version bigint PRIMARY KEY);
"""
GRANTS = """
GRANT USAGE ON SCHEMA admit TO {role};
GRANT SELECT ON admit.migrations TO {role};
GRANT SELECT, UPDATE ON admit.feed TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE
  ON admit.users, admit.sessions, admit.revocations, admit.keys, admit.events TO {role};
"""
"""What a role needs to serve; it can make, change and drop no table."""


GRANTED = """
SELECT has_schema_privilege(%(role)s, 'admit', 'USAGE')
   AND has_table_privilege(%(role)s, 'admit.sessions', 'SELECT, UPDATE')
   AND has_table_privilege(%(role)s, 'admit.sessions', 'INSERT')
"""


async def bring_up_to_date(url: str, *, grant: str | None = None, make: bool = True) -> list[str]:
    """Run the migrations that are missing; return their names.

    Arguments:
        url: `postgresql://…`.
        grant: a role that is to serve from now on; it gets the rights for that, and no others.
        make: whether anything may be changed; else what is missing is an error.

    Raises:
        SettingsError: the database, the role or its rights will not do.
        Unavailable: the server can't be reached.
    """
    try:
        async with asyncio.timeout(connecting_seconds(url)):
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, **parameters(url)
            )
        async with connection:
            async with asyncio.timeout(patience.SECONDS):
                names = await pending(connection)
            if names and not make:
                raise SettingsError("database_url", BEHIND)
            if grant is not None and not await is_role(connection, grant):
                raise SettingsError(
                    "database_url",
                    f"There is no role {grant!r} in that database: nothing was changed.",
                )
            async with asyncio.timeout(LOCK_SECONDS + patience.SECONDS):
                made = await migrate(connection) if names else []
            if grant is not None:
                await grant_to(connection, grant)
            return made
    except psycopg.ProgrammingError as error:
        raise SettingsError(
            "database_url",
            "ADMIT_DATABASE_URL (database_url) names a database that can't be used"
            f" ({_plain(error)}): correct it, or the rights of that role.",
        ) from error
    except (psycopg.Error, TimeoutError) as error:
        raise Unavailable(OUT) from error


async def pending(connection: AsyncConnection[Row]) -> list[str]:
    """The names of the migrations that this database has not seen.

    Raises:
        SettingsError: a newer version of Admit was here.
    """
    known = sorted(each.name for each in MIGRATIONS.iterdir() if each.name.endswith(".sql"))
    return known[await _version(connection, len(known)) :]


async def migrate(connection: AsyncConnection[Row]) -> list[str]:
    """Run the migrations that are pending; return their names.

    The lock is taken before the number is read, so of ten processes that start at once one
    migrates and nine find it done. A role that may not make tables serves what is up to date.

    Raises:
        SettingsError: this role may not, or a newer version of Admit was here.
    """
    waits = f"SELECT set_config('statement_timeout', '{LOCK_SECONDS}s', false)"
    await connection.execute(waits)
    # Before the transaction: inside one, what another process made meanwhile might not be seen.
    await connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        async with connection.transaction():
            names = await pending(connection)
            if names:
                found = await (await connection.execute(SCHEMA)).fetchone()
                if not (found and found[0]):
                    await connection.execute(MAKE_SCHEMA)
                await connection.execute(BEGINNING)
            for name in names:
                text = (MIGRATIONS / name).read_text(encoding="utf-8")
                await connection.execute(text.encode())
                await connection.execute(RAN, [int(name.partition("_")[0])])
    except pg.InsufficientPrivilege as error:
        raise SettingsError(
            "database_url",
            "ADMIT_DATABASE_URL (database_url) names a database whose tables are not up to date,"
            f" and a role that may not make them ({error.diag.message_primary}): run `admit"
            f" migrate --grant {connection.info.user}` once with a role that may.",
        ) from error
    finally:
        await connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return names


async def is_role(connection: AsyncConnection[Row], role: str) -> bool:
    """Whether there is a role of this name."""
    asked = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
    found = await (await connection.execute(asked, [role])).fetchone()
    return bool(found and found[0])


async def grant_to(connection: AsyncConnection[Row], role: str) -> None:
    """Let this role serve, and nothing more.

    Raises:
        SettingsError: it is not for this one to grant.
    """
    try:
        async with connection.transaction():
            await connection.execute(sql.SQL(GRANTS).format(role=sql.Identifier(role)))
            found = await (await connection.execute(GRANTED, {"role": role})).fetchone()
            if not (found and found[0]):  # PostgreSQL only warns of a grant that did nothing
                raise SettingsError(
                    "database_url",
                    f"The rights can't be granted to {role!r} by {connection.info.user!r}, who has"
                    " them from somebody else: run this as the role that made the tables.",
                )
    except pg.InsufficientPrivilege as error:
        raise SettingsError(
            "database_url",
            f"The rights can't be granted to {role!r}: {error.diag.message_primary}.",
        ) from error


async def _version(connection: AsyncConnection[Row], known: int) -> int:
    """The number of the last migration that was run; 0 in a database that Admit has not seen."""
    found = await (await connection.execute("SELECT to_regclass('admit.migrations')")).fetchone()
    if found is None or found[0] is None:
        return 0
    row = await (await connection.execute(VERSION)).fetchone()
    version = int(row[0]) if row else 0
    if version > known:
        raise SettingsError(
            "database_url",
            "ADMIT_DATABASE_URL (database_url) names a database that a newer version of Admit has"
            " written: install that version or a newer one.",
        )
    return version


def _plain(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).strip().splitlines()[-1]
