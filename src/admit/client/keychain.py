"""Tokens in the keychain of the system: macOS's, the Secret Service of Linux desktops."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from admit.client.errors import TokensError
from admit.client.file import own_directory
from admit.client.locks import FileLocks
from admit.client.stores import TokenStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

T = TypeVar("T")


class KeyringTokens(TokenStore):
    """Kept in the system's keychain, by the library `keyring`.

    The keychain has no lock that outlasts a call: two empty files in `locks_in` keep the user's
    processes apart. Nothing secret is in them.

    Arguments:
        service: the name that the keychain shows its owner, such as that of your program.
        account: whose tokens they are, where one program has several.
        backend: which keychain; None is the one that `keyring` chooses.
        locks_in: a directory on a local disk; None is `$XDG_STATE_HOME/admit`, or
            `~/.local/state/admit`.

    Raises:
        TokensError: `keyring` is not installed, or the directory can't be used.
    """

    def __init__(
        self,
        service: str,
        account: str = "tokens",
        *,
        backend: KeyringBackend | None = None,
        locks_in: str | os.PathLike[str] | None = None,
    ) -> None:
        try:
            import keyring  # noqa: PLC0415  an extra, and 60 ms that a file does without
        except ModuleNotFoundError:
            raise TokensError(
                "KeyringTokens needs the library keyring: pip install 'admit[client]'"
            ) from None
        self.service, self.account = service, account
        self._keychain = backend or keyring.get_keyring()
        directory = Path(locks_in) if locks_in else _state() / "admit"
        own_directory(directory)
        name = hashlib.sha256(f"{service}\0{account}".encode()).hexdigest()[:32]
        self.locks = FileLocks(directory, name)

    def __repr__(self) -> str:
        """With the name in the keychain, and without what is in it."""
        return f"KeyringTokens({self.service!r}, {self.account!r})"

    def read(self) -> str | None:
        """The text, or None where the keychain has none.

        Raises:
            TokensError: there is no keychain, or it stays locked.
        """
        return self._done(self._get)

    def write(self, text: str) -> None:
        """Replace the text, and see that it is there: a keychain may be one that keeps nothing.

        Raises:
            TokensError: it is not.
        """
        self._done(lambda: self._keychain.set_password(self.service, self.account, text))
        if self._done(self._get) != text:
            raise TokensError(
                f"The keychain ({type(self._keychain).__module__}) keeps nothing: choose another"
                " one, or use FileTokens."
            )

    def remove(self) -> None:
        """Remove the entry from the keychain."""
        if self._done(self._get) is not None:
            self._done(lambda: self._keychain.delete_password(self.service, self.account))

    def _get(self) -> str | None:
        return self._keychain.get_password(self.service, self.account)

    def _done(self, what: Callable[[], T]) -> T:
        try:
            return what()
        except Exception as error:  # noqa: BLE001  keychains raise errors of many libraries
            name = type(self._keychain).__module__
            told = f"The keychain ({name}) can't be used ({type(error).__name__})"
        # Not from within, nor from a context manager: it would hold what may say the text.
        raise TokensError(f"{told}: unlock it, or use FileTokens.")


def _state() -> Path:
    configured = os.environ.get("XDG_STATE_HOME")
    return Path(configured) if configured else Path.home() / ".local" / "state"
