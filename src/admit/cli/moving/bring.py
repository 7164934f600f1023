"""`admit import`: accounts of another system, or of an export."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from admit.cli.failure import REFUSED, sentence
from admit.cli.moving.lines import READERS, Format, Line, firebase_accounts
from admit.cli.moving.report import Report, reporting
from admit.cli.opened import database_file, in_store
from admit.cli.output import AsJson, complain, say, show_json
from admit.cli.written import spare
from admit.errors import AlreadyExists, InvalidInput, Unavailable
from admit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from admit.cli.moving.fields import Arrival, Desk
    from admit.cli.moving.landing import Landing
    from admit.engine import Engine
    from admit.stores.base import Store

STDIN = "-"
AT_ONCE = 1_000
"""How many lines one step takes: a few tens of milliseconds, in which a server waits to write."""
ENDINGS: dict[str, Format] = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv"}

FormatOption = Annotated[
    Format | None, typer.Option("--format", help="What the file is, where its name doesn't say.")
]


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines or CSV; - reads standard input.")
    ],
    *,
    format_: FormatOption = None,
    firebase: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="FILE is Firebase's, and its hash_config stands here."),
    ] = None,
    allow_no_hash: Annotated[
        bool, typer.Option("--allow-no-hash", help="Take accounts without a password, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, and write nothing.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there why each line was refused.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the report where it is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add accounts from a file; docs/moving.md says how it looks.

    What is there already from an earlier run is passed over, so one that was interrupted is
    simply run again.
    """
    if report and report.exists() and file.exists() and report.samefile(file):
        raise typer.BadParameter("--report would overwrite the file that is read")
    settings = Settings.load()
    if report:
        spare(report, settings, force=force)
    with _opened(file) as opened:
        lines = _lines(opened, file, format_, firebase)
        with reporting(report) as written, _progress(opened, file, lines) as shown:

            def work(engine: Engine, landing: Landing) -> Awaitable[str]:
                return _bring(engine, landing, shown, written, without_hash=allow_no_hash)

            try:
                store = _rehearse(work, settings) if dry_run else _write(work, settings)
            except Unavailable as error:
                if not written.reached:
                    raise
                complain(f"Error: {sentence(error)}")
                store = None
            except KeyboardInterrupt:
                store = None
    written.show(report)
    if store is None:
        complain(_so_far(written, dry_run=dry_run, kept=bool(report and written.refused)))
    elif as_json:
        counts = {"added": written.added, "there": written.there, "refused": written.refused}
        show_json(counts | {"dry_run": dry_run})
    else:
        say(_summary(written, store, dry_run=dry_run))
    if store is None or written.refused:
        raise typer.Exit(REFUSED)


@dataclass(slots=True)
class Batch:
    """Some lines that were read: the accounts of the good ones, and what the others want."""

    arrivals: list[Arrival] = field(default_factory=list)
    refused: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    reached: int = 0
    last: bool = True


async def _bring(
    engine: Engine, landing: Landing, lines: Iterator[Line], report: Report, *, without_hash: bool
) -> str:
    """Read in a thread while the lines before are written."""
    from admit.cli.moving.fields import Desk  # noqa: PLC0415  `admit --help` needs no addresses

    desk = Desk(engine.passwords, now=engine.clock(), without_hash=without_hash)
    batch = await asyncio.to_thread(_read, desk, lines)
    while not batch.last:
        reading = asyncio.to_thread(_read, desk, lines)
        batch, _ = await asyncio.gather(reading, _land(landing, batch, report))
    await _land(landing, batch, report)
    return landing.name


def _read(desk: Desk, lines: Iterator[Line]) -> Batch:
    batch = Batch()
    for line in lines:
        batch.reached = line.number
        try:
            if line.fields is None:
                raise InvalidInput(fields={"the line": line.wrong})
            batch.arrivals.append(desk.arrival(line.number, line.fields))
        except InvalidInput as error:
            batch.refused.append((line.number, error.fields or {}))
        if len(batch.arrivals) + len(batch.refused) == AT_ONCE:
            batch.last = False
            break
    return batch


async def _land(landing: Landing, batch: Batch, report: Report) -> None:
    refused = batch.refused
    outcomes = await landing.add(batch.arrivals) if batch.arrivals else []
    for arrival, outcome in zip(batch.arrivals, outcomes, strict=True):
        if outcome == "added":
            report.added += 1
        elif outcome == "there":
            report.there += 1
        else:
            refused.append((arrival.number, {outcome: AlreadyExists.wanted}))
    for number, wants in sorted(refused, key=itemgetter(0)):
        report.refuse(number, wants)
    report.reached = batch.reached or report.reached


def _write(work: Callable[[Engine, Landing], Awaitable[str]], settings: Settings) -> str:
    from admit.cli.moving.landing import InStore  # noqa: PLC0415

    def run(engine: Engine) -> Awaitable[str]:
        return work(engine, InStore(engine.store, now=engine.clock()))

    return in_store(run, settings=settings, make=True)


def _rehearse(work: Callable[[Engine, Landing], Awaitable[str]], settings: Settings) -> str:
    path = database_file(settings)
    if path is not None and not path.exists():
        return asyncio.run(_in_scratch(work, settings, None))
    return in_store(lambda engine: _in_scratch(work, settings, engine.store), settings=settings)


async def _in_scratch(
    work: Callable[[Engine, Landing], Awaitable[str]], settings: Settings, store: Store | None
) -> str:
    """Everything as it would be, in a database that is thrown away."""
    from admit.cli.moving.landing import Rehearsal  # noqa: PLC0415
    from admit.engine import Engine  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="admit-") as directory:
        url = f"sqlite:///{directory}/admit.db"
        scratch = Engine(replace(settings, data_dir=Path(directory), database_url=url))
        await scratch.store.start()
        try:
            return await work(scratch, Rehearsal(scratch.store, store, now=scratch.clock()))
        finally:
            await scratch.store.close()


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == STDIN:
        yield sys.stdin.buffer
        return
    with file.open("rb") as opened:
        yield opened


def _lines(
    opened: BinaryIO, file: Path, format_: Format | None, firebase: Path | None
) -> Iterator[Line]:
    if firebase is not None:
        from admit.cli.moving.firebase import Project  # noqa: PLC0415

        return _of_firebase(opened, Project(firebase))
    found = format_ or ENDINGS.get(file.suffix.lower())
    if found is None:
        raise typer.BadParameter("say what the file is: --format json or --format csv")
    return READERS[found](opened)


def _of_firebase(opened: BinaryIO, project: Any) -> Iterator[Line]:  # noqa: ANN401
    def ours(line: Line) -> Line:
        fields = None if line.fields is None else project.fields(line.fields)
        return Line(line.number, fields, line.wrong)

    return map(ours, firebase_accounts(opened))


@contextmanager
def _progress(opened: BinaryIO, file: Path, lines: Iterator[Line]) -> Iterator[Iterator[Line]]:
    """The lines, with a bar on a terminal that says how much of the file has been read."""
    watched = sys.stderr.isatty() and str(file) != STDIN and file.is_file()
    if not watched:
        yield lines
        return
    size = file.stat().st_size
    with typer.progressbar(length=size, label="Reading", file=sys.stderr) as bar:

        def counted() -> Iterator[Line]:
            seen = 0
            for at, line in enumerate(lines):
                if not at % 1_000:
                    bar.update(opened.tell() - seen)
                    seen = opened.tell()
                yield line
            bar.update(size - seen)

        yield counted()


def _so_far(report: Report, *, dry_run: bool, kept: bool) -> str:
    if dry_run:
        return f"Stopped: up to line {report.reached:,} everything is checked, and nothing written."
    how = " (--force replaces the report)" if kept else ""
    return (
        f"Stopped: up to line {report.reached:,} everything is done. Run it again to go on{how};"
        " what is there already is passed over."
    )


def _summary(report: Report, store: str, *, dry_run: bool) -> str:
    did = "would be" if dry_run else "is" if report.added == 1 else "are"
    counted = "1 account" if report.added == 1 else f"{report.added:,} accounts"
    said = [f"{counted} {did} added to {store}"]
    if report.there:
        said.append(f"{report.there:,} there already")
    if report.refused:
        said.append(f"{report.refused:,} refused")
    return f"{'; '.join(said)}."
