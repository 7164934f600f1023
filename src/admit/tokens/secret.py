"""The secret: where it comes from, and the keys that are derived from it.

Each use has a key of its own (HKDF, RFC 5869), so that what is learned of one says nothing of
another. The newest secret makes; every one that is listed is accepted.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from admit import readers
from admit.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from admit.settings import Settings

KEY_BYTES = 32


def derived_keys(listed: tuple[str, ...], purpose: str) -> list[bytes]:
    """A 256-bit key for this purpose from each secret, the newest first."""
    return [_derive(each.encode(), purpose) for each in listed]


def obtain(settings: Settings) -> tuple[str, ...]:
    """The secrets of these settings, or the one in `data_dir`, made there if need be.

    Raises:
        SettingsError: the file can't be made or read, or holds something else.
    """
    if settings.secret:
        return settings.secret
    path = settings.data_dir / "secret"
    try:
        make_private(settings.data_dir)
        _make(path)
        return readers.secrets(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{path} can't be made or read ({error})"
    except ValueError as error:
        problem = f"{path} must hold {error}"
    raise SettingsError(
        "secret", f"ADMIT_SECRET (secret) is not set and {problem}: set it, or mend that file."
    )


def make_private(directory: Path) -> None:
    """Make the directory for this user alone, unless it exists; and keep it out of git.

    Whoever runs this inside a checkout must not commit the secret or the database by accident.
    """
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / ".gitignore").write_text("*\n", encoding="utf-8")


def _make(path: Path) -> None:
    """Make the file unless it exists: whole or not at all, and by one process only."""
    if path.exists():
        return
    draft = path.with_name(f"secret.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails where another process was first: then its secret is ours
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"admit {purpose}".encode()).derive(secret)
