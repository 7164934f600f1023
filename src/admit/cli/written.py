"""Files that a command writes: for their owner only, and whole or not there at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

from admit.cli.failure import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE = 0o600


@contextmanager
def written(path: Path, *, force: bool, database: Path | None) -> Iterator[Path]:
    """An empty file of mode 0600 to write to, which takes `path`'s name when all went well.

    Arguments:
        path: where it is to be.
        force: whether a file that is there may be replaced.
        database: the embedded one, which never may be: servers work on it.

    Raises:
        Failed: there is one already, or it is the database.
        OSError: it can't be written there.
    """
    spare(path, database)
    if not force and os.path.lexists(path):
        raise Failed(f"{path} is there already: choose another name, or replace it with --force.")
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    try:
        yield draft
        _to_disk(draft)
        draft.replace(path)
        _to_disk(path.parent)  # the new name, too
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def spare(path: Path, database: Path | None) -> None:
    """Refuse to write over the database, or over a file that belongs to it."""
    if database is None:
        return
    its = [database.with_name(database.name + end) for end in ("", "-wal", "-shm", "-journal")]
    if path.resolve() in [each.resolve() for each in its]:
        raise Failed(f"{path} is the database itself: choose another name.")


def _to_disk(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # no directory can be opened there
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
