"""`admit backup`: a copy of the embedded database, while servers go on writing."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path  # noqa: TC003  Typer reads annotations while it runs
from typing import TYPE_CHECKING, Annotated

import typer

from admit.cli.failure import Failed
from admit.cli.opened import database_file
from admit.cli.output import AsJson, remark, say, show_json
from admit.cli.written import written
from admit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

STEP = 2_000
"""Pages copied between two looks at the progress: 8 MB."""
WAIT_SECONDS = 10.0
"""For whoever holds the database alone, which nobody does for long."""


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is to be.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the SQLite database to a file, as it stands at this moment; servers go on meanwhile.

    The copy is checked, and made with mode 0600. The secret is not in it.
    """
    settings = Settings.load()
    source = database_file(settings)
    if source is None:
        raise Failed(
            "This copies SQLite only: a PostgreSQL database has pg_dump and pg_basebackup; see"
            " Backups in docs/operations.md. A table of DynamoDB has point-in-time recovery, which"
            " brings back any second of the last 35 days; see docs/aws.md."
        )
    if not source.exists():
        raise Failed(f"There is no database at {source}: run this where the server runs.")
    with written(file, settings, force=force) as draft:
        try:
            _copy(source, draft, _moved if sys.stderr.isatty() else None)
            _check(draft)
        except sqlite3.Error as error:
            raise Failed(f"The database can't be copied to {file}: {error}.") from error
    size = file.stat().st_size
    if as_json:
        show_json({"file": str(file), "bytes": size})
    else:
        say(f"{source} is copied to {file} ({_shown(size)}), and the copy is whole.")
    remark("The secret is not in it: keep that as well, somewhere else.")


def _copy(source: Path, target: Path, moved: Callable[[int, int, int], None] | None) -> None:
    """One state of the database, however long it takes to copy.

    The read transaction holds that state: without it SQLite would begin anew at every commit of
    another process, and under load never end. In WAL mode it holds up no writer.
    """
    there = sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT_SECONDS)
    with closing(there), closing(sqlite3.connect(target)) as here:
        there.isolation_level = here.isolation_level = None
        there.execute("BEGIN")
        there.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        there.backup(here, pages=STEP, progress=moved)
        here.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file, whole in itself


def _check(copy: Path) -> None:
    """Refuse a copy that SQLite would not work on.

    Raises:
        Failed: it is damaged, and so is the database most likely.
    """
    with closing(sqlite3.connect(copy)) as db:
        found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise Failed(f"The database is damaged, and so would be its copy: {found}.")


def _moved(_: int, left: int, pages: int) -> None:
    """Tell a terminal how far the copy is."""
    done = 100 * (pages - left) // max(pages, 1)
    typer.echo(f"\r{done:3} %{'' if left else chr(10)}", nl=False, err=True)


def _shown(size: int) -> str:
    for unit, bytes_ in (("GB", 1_000_000_000), ("MB", 1_000_000)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size // 1_000} kB"
