"""The one place where a command opens the store, and runs what is asynchronous."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from admit.cli.failure import Failed
from admit.settings import Settings, read_dotenv, variable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from admit.engine import Engine

Result = TypeVar("Result")
SQLITE = "sqlite:///"
DOTENV = ".env"


def in_store(
    work: Callable[[Engine], Awaitable[Result]],
    *,
    settings: Settings | None = None,
    make: bool = False,
) -> Result:
    """What `work` returns, with the store open and nothing else started.

    No key is made or rotated by it, so any command may run beside any server. What it revokes is
    told to the servers where there is a push, and reaches them by their own looking where not.

    Arguments:
        work: what to do.
        settings: from the environment where None.
        make: whether a database and a secret that aren't there are made; else that is an error,
            because a command that is run in the wrong directory would find an empty database.

    Raises:
        AdmitError: the settings can't work, there is no database, or `work` was refused.
    """
    settings = settings or Settings.load()
    if not make:
        _must_exist(settings)
    return asyncio.run(_run(work, settings, make=make))


def database_file(settings: Settings) -> Path | None:
    """The file of an embedded database; None where the store is somewhere else."""
    url = settings.database_url
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def is_set(setting: str) -> bool:
    """Whether the environment or the `.env` file says anything about this setting."""
    return variable(setting) in {**read_dotenv(DOTENV), **os.environ}


def _must_exist(settings: Settings) -> None:
    path = database_file(settings)
    if path and not path.exists():
        raise Failed(
            f"There is no database at {path}: run this where the server runs, or set"
            f" {variable('data_dir')} or {variable('database_url')} as it has them."
        )
    given = settings.secret or settings.secret_source
    if not given and not (settings.data_dir / "secret").exists():
        raise Failed(
            f"There is no secret: set {variable('secret')}, {variable('secret_source')} or"
            f" {variable('data_dir')} as the server has them."
        )


async def _run(
    work: Callable[[Engine], Awaitable[Result]], settings: Settings, *, make: bool
) -> Result:
    from admit.engine import Engine  # noqa: PLC0415  `admit --help` needs no cryptography

    engine = Engine(settings)
    await engine.unlock()
    await engine.store.start(migrate=make)
    try:
        return await work(engine)
    finally:
        await engine.close()
