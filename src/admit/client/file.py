"""Tokens in a file that only its owner can read."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from admit.client.errors import TokensError
from admit.client.locks import FileLocks
from admit.client.stores import TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 65_536
"""Bytes that are read at most; what we write is about 1,000."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OWNERS_ONLY = stat.S_IRUSR | stat.S_IWUSR


class FileTokens(TokenStore):
    """Kept in one file (0600), which several processes of one user may share.

    Its directory is made (0700) where there is none; one that is there has to be the user's own,
    and nobody else may write in it. Beside the file are two empty ones, for locks.

    Arguments:
        path: the file; `~` is the user's home.

    Raises:
        TokensError: the directory can't be made, or is not safe.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        self._new = self.path.with_name(f".{self.path.name}.new")
        own_directory(self.path.parent)
        self.locks = FileLocks(self.path.parent, f".{self.path.name}")

    def __repr__(self) -> str:
        """With the path, and without what is in it."""
        return f"FileTokens({str(self.path)!r})"

    def read(self) -> str | None:
        """The text, or None where there is no file.

        Raises:
            TokensError: it is a symbolic link, another user's, or others can read it.
        """
        # Opened first and looked at then: between a look and an opening it could be swapped.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with self._told("read"):
            try:
                opened = os.open(self.path, flags)
            except FileNotFoundError:
                return None
            with os.fdopen(opened, "rb") as file:
                self._check(os.fstat(opened))
                content = file.read(LARGEST)
        return content.decode("utf-8", "replace")

    def write(self, text: str) -> None:
        """Replace the file by a new one, which is on the disk before it takes the name."""
        with self._told("written"):
            self._new.unlink(missing_ok=True)  # what a killed process left
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._new, flags, OWNERS_ONLY), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self.path)
            self._sync_directory()

    def remove(self) -> None:
        """Remove the file, and what a killed process may have left beside it."""
        with self._told("removed"):
            self._new.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            self._sync_directory()

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise TokensError(f"{self.path} is not a file: remove it and sign in again.")
        if found.st_uid != os.geteuid():
            raise TokensError(f"{self.path} belongs to another user: keep tokens elsewhere.")
        if found.st_mode & OTHERS:
            raise TokensError(
                f"{self.path} can be read by others, who may have copied what is in it: sign out"
                f" everywhere, remove it and sign in again (chmod 600, if you are sure)."
            )

    def _sync_directory(self) -> None:
        opened = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno == errno.ELOOP:
                told = f"{self.path} is a symbolic link: remove it and sign in again."
            else:
                told = f"{self.path} can't be {done} ({error.strerror})."
            raise TokensError(told) from None


def own_directory(path: Path) -> None:
    """Make the directory where there is none, for its owner only.

    Raises:
        TokensError: it can't be made, or others could swap what is in it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise TokensError(f"{path} can't be used ({error.strerror}).") from None
    if found.st_uid != os.geteuid() or found.st_mode & OTHERS_WRITE:
        raise TokensError(
            f"Others can write in {path}: keep tokens in a directory of your own (chmod 700)."
        )
