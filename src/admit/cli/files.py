"""What `admit doctor` thinks of the secret, the files, the disk and the clock."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from admit import readers
from admit.cli.failure import sentence
from admit.cli.findings import fail, ok, warn
from admit.cli.opened import DOTENV, is_set
from admit.errors import AdmitError

if TYPE_CHECKING:
    from admit.cli.findings import Finding
    from admit.settings import Settings

OTHERS = 0o077
"""What a file's mode lets its group and everybody else do."""
FIRST_YEAR = 2026
"""This was written then, so no clock that is right says less."""
LAST_YEAR = 2100
SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a database in WAL mode."""
APART_SECONDS = 2.0
"""More than the clock of any file system is coarse."""
LEAST_FREE = 100 * 1024 * 1024
NETWORKED = frozenset({"9p", "afs", "ceph", "cifs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"})
"""File systems that don't share memory between machines, which SQLite's WAL needs."""
MOUNTS = Path("/proc/self/mounts")


def secret(settings: Settings) -> Finding:
    """Where the secret is, and who can read it."""
    if settings.secret:
        return _secret_in_environment(settings)
    if settings.secret_source:
        return _secret_elsewhere(settings)
    path = settings.data_dir / "secret"
    if not path.exists():
        return warn(
            "secret",
            "There is none yet: the first start makes one in the data directory.",
            "For production set ADMIT_SECRET from your secret manager.",
        )
    if mode := _open_to_others(path):
        return fail("secret", f"{path} has mode {mode}: others can read it.", f"chmod 600 {path}")
    try:
        usable = readers.secrets(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        usable = ()
    if not usable:
        return fail(
            "secret",
            f"{path} holds no secret that can be used.",
            "Restore it from a backup: without it no key opens, and everybody is signed out.",
        )
    return warn(
        "secret",
        f"{path} holds it, with mode 0600, beside the database that it protects.",
        "For production set ADMIT_SECRET to the same from your secret manager, and back it up.",
    )


def _secret_in_environment(settings: Settings) -> Finding:
    dotenv = Path(DOTENV)
    if dotenv.exists() and (mode := _open_to_others(dotenv)) and "ADMIT_SECRET" not in os.environ:
        return fail("secret", f".env has mode {mode}: others can read it.", "chmod 600 .env")
    if len(settings.secret) > 1:
        return ok(
            "secret",
            f"ADMIT_SECRET holds {len(settings.secret)}: the first makes, all are accepted.",
            "Take the old ones out once the last session that began under them is over.",
        )
    return ok("secret", "ADMIT_SECRET holds it." if is_set("secret") else "It is set.")


def _secret_elsewhere(settings: Settings) -> Finding:
    from admit import chosen  # noqa: PLC0415  see `in_store`

    try:
        held = asyncio.run(chosen.secrets(settings))
    except AdmitError as error:
        return fail("secret", sentence(error), "Nobody can sign in until then.")
    kept = f"{settings.secret_source} holds {'it' if len(held) == 1 else len(held)}"
    return ok("secret", f"{kept}, and this process may read it.")


def access(data_dir: Path, database: Path) -> Finding:
    """Who on this machine can reach the database."""
    for each in (data_dir, database, *(Path(f"{database}{end}") for end in SIDES)):
        if each.exists() and (mode := _open_to_others(each)):
            right = "700" if each.is_dir() else "600"
            return warn(
                "files", f"{each} has mode {mode}: others reach it.", f"chmod {right} {each}"
            )
    return ok("files", "Nobody else on this machine reaches the data.")


def disk(database: Path) -> Finding:
    """What the file system is, and how much is left of it."""
    free = shutil.disk_usage(database.parent).free
    kind = _filesystem(database)
    if kind in NETWORKED:
        return fail(
            "disk",
            f"{database.parent} is on a network file system ({kind}), where SQLite can lose data.",
            "Put the database on a disk of this machine: ADMIT_DATABASE_URL.",
        )
    if free < LEAST_FREE:
        return fail(
            "disk",
            f"{free // 1_048_576} MB are left at {database.parent}: soon nobody can sign in.",
            "Make room, or shorten ADMIT_EVENT_TTL and run `admit purge`.",
        )
    return ok("disk", f"{kind}, with {free // 1_073_741_824:,} GB free.")


def clock(place: Path, now: float) -> Finding:
    """Whether it can be `now`, as far as can be told without asking another machine."""
    year = datetime.fromtimestamp(now, UTC).year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return fail("clock", f"It says {year}.", "Set it, and let NTP keep it.")
    began = monotonic()
    try:
        apart = _file_time(place) - now
    except OSError as error:
        return warn(
            "clock",
            f"There is nothing to compare it with: no file can be written in {place}"
            f" ({error.strerror}).",
            "Mend the rights of that directory, or make room on its disk.",
        )
    waited = monotonic() - began  # a disk may take its time, and that is no clock's fault
    if not -APART_SECONDS <= apart <= APART_SECONDS + waited:
        return warn(
            "clock",
            f"The file system's clock is {apart:+.0f} s from this machine's.",
            "Let NTP keep both: deadlines are judged by this machine's.",
        )
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return ok("clock", f"{shown} UTC, and the file system agrees.")


def _file_time(place: Path) -> float:
    """When the file system says that a file was written just now."""
    with tempfile.NamedTemporaryFile(dir=place if place.is_dir() else None) as file:
        file.write(b"now")
        file.flush()
        return Path(file.name).stat().st_mtime


def _open_to_others(path: Path) -> str | None:
    """The mode, where it lets anybody but the owner in; None on systems without modes."""
    mode = path.stat().st_mode & 0o777
    return f"{mode:04o}" if os.name == "posix" and mode & OTHERS else None


def _filesystem(path: Path) -> str:
    """The kind of file system that the path is on, as far as the system tells."""
    if not MOUNTS.exists():
        return "a file system"
    wanted = path.resolve()
    found = ("", "a file system")
    for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, kind, *_ = line.split()
        if wanted.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, kind)
    return found[1]
