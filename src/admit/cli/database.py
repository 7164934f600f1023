"""What `admit doctor` thinks of the store: its files, its durability, its past and its keys.

And of Redis, where that is set.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from admit.cli import files, table
from admit.cli.failure import sentence
from admit.cli.findings import fail, ok, warn
from admit.cli.keys import states
from admit.cli.opened import database_file, in_store
from admit.cli.output import span
from admit.errors import AdmitError, SettingsError, Unavailable
from admit.settings import SKEW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from admit.cli.findings import Finding
    from admit.engine import Engine
    from admit.settings import Settings

NEEDED = (3, 37, 0)
"""STRICT tables came with this SQLite, RETURNING before."""


def of_store(settings: Settings) -> Iterator[Finding]:
    """Every finding about the store; a store that isn't there is not made."""
    path = database_file(settings)
    if path is not None:
        yield from _of_file(settings, path)
        if not path.exists() or sqlite3.sqlite_version_info < NEEDED:
            return
    try:
        yield from in_store(_opened, settings=settings)
    except AdmitError as error:
        yield fail(
            "store",
            sentence(error),
            "Nobody can sign in until then: see to ADMIT_DATABASE_URL, and to what it names.",
        )


def _of_file(settings: Settings, path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield warn(
            "store",
            f"There is no database at {path} yet: the first start makes it.",
            "Run `admit serve`; or run this where the server runs, with its settings.",
        )
        return
    yield files.access(settings.data_dir, path)
    yield files.disk(path)
    if sqlite3.sqlite_version_info < NEEDED:
        yield fail(
            "store",
            f"This Python brings SQLite {sqlite3.sqlite_version}, which is too old.",
            "Use a Python with SQLite 3.37 or later.",
        )


async def _opened(engine: Engine) -> list[Finding]:
    await engine.store.check()
    found = [await _durable(engine), await _past(engine), await _keys(engine)]
    found += await table.of_table(engine)
    return [*found, await _redis(engine)] if engine.settings.redis_url else found


async def _redis(engine: Engine) -> Finding:
    """Whether what the machines share counts now."""
    names = ", ".join(engine.counters.names)
    try:
        await engine.counters.check()
    except Unavailable as error:
        return fail(
            "redis",
            f"{names} does not count ({error}): each process limits attempts by itself.",
            "Start it, or correct ADMIT_REDIS_URL; sign-in works meanwhile.",
        )
    return ok("redis", f"{names} counts attempts.")


async def _durable(engine: Engine) -> Finding:
    """Whether what was answered survives a power cut."""
    why_not = await engine.store.durability()
    if why_not:
        return fail(
            "store",
            f"{engine.store.name} may lose what was answered in a power cut: {why_not}.",
            "SQLite: put it on a file system that can hold a WAL, a local disk. PostgreSQL: turn"
            " that on again.",
        )
    return ok(
        "store", f"{engine.store.name} can be written, and what it answers survives a power cut."
    )


async def _past(engine: Engine) -> Finding:
    """Whether the past is over: a clock that was set back leaves events in the future."""
    newest = await engine.store.events(limit=1)
    ahead = newest[0].at - engine.clock() if newest else 0.0
    if ahead > SKEW:
        return fail(
            "time",
            f"The newest event is {span(ahead)} in the future: this machine's clock is behind.",
            "Set the clock, and let NTP keep it: every deadline is judged by it.",
        )
    return ok("time", "Nothing in the store is from the future.")


async def _keys(engine: Engine) -> Finding:
    now, settings = engine.clock(), engine.settings
    rows = await engine.store.keys()
    if not rows:
        return warn("keys", "There are none yet.", "The first start of the server makes one.")
    try:
        await engine.keys.load(now)
    except SettingsError as error:
        return fail("keys", str(error), "While secrets change, list both: ADMIT_SECRET=new,old.")
    does = states(rows, now)
    signing = next((row for row in rows if does[row.kid] == "signing"), None)
    if signing is None:
        return fail(
            "keys",
            "None can sign now, so nobody can sign in.",
            "Withdraw the waiting one with `admit keys withdraw`: another then signs at once.",
        )
    waiting = "waiting" in does.values()
    if signing.algorithm != settings.algorithm and not waiting:
        return warn(
            "keys",
            f"{signing.algorithm} signs, while {settings.algorithm} is set.",
            "Restart the server: its start makes a key of the algorithm that is set.",
        )
    age, most = now - signing.signs_from, settings.key_ttl
    if age >= most and not waiting:
        return warn(
            "keys",
            f"One key has signed for {span(age)}, and key_ttl is {span(most)}.",
            "Start the server, which rotates by itself; or run `admit keys rotate`.",
        )
    says = f"{signing.algorithm}: one key has signed for {span(age)}, and the secret opens all"
    return ok("keys", f"{says} {len(rows)}.")
