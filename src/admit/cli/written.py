"""Files that a command writes: for their owner only, and whole or not there at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from admit.cli.failure import Failed
from admit.cli.opened import database_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from admit.settings import Settings

PRIVATE = 0o600
SQLITES = ("", "-wal", "-shm", "-journal")
"""How the files of one SQLite database end: its own, and what stands beside it for a while."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a write fails with where there is no room, without saying in which file."""


@contextmanager
def written(path: Path, settings: Settings, *, force: bool) -> Iterator[Path]:
    """An empty file of mode 0600 to write to, which takes `path`'s name when all went well.

    Arguments:
        path: where it is to be.
        settings: with the database and the secret, which are never replaced.
        force: whether a file that is there may be replaced.

    Raises:
        Failed: there is one already, or it is not to be replaced.
        OSError: it can't be written there.
    """
    spare(path, settings, force=force)
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    try:
        with named(path):
            yield draft
            _to_disk(draft)
        draft.replace(path)
        _to_disk(path.parent)  # the new name, too
    finally:
        for end in SQLITES:
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def spare(path: Path, settings: Settings, *, force: bool) -> None:
    """Refuse to write over what must not be replaced: see `written`."""
    database, kept = database_file(settings), {settings.data_dir / "secret": "the secret"}
    if database is not None:
        for end in SQLITES:
            kept[database.with_name(database.name + end)] = "the database"
    for each, what in kept.items():
        if path.resolve() == each.resolve():
            raise Failed(f"{path} is {what} itself: choose another name.")
    if not os.path.lexists(path):
        return
    if not path.is_file():
        raise Failed(f"{path} is there and is no file: name the file that is to be written.")
    if not force and path.stat().st_size:  # of an empty one nothing is lost
        raise Failed(f"{path} is there already: choose another name, or replace it with --force.")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Where there is no room to write in here, it is this file's: the error gets its name."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            error.filename = error.filename or str(path)
        raise


def _to_disk(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # no directory can be opened there
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
