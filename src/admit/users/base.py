"""What Admit asks of users that live in the app: each verb with its law.

The app's table is the truth about who there is, what their password is and what they may do.
Sessions, and the law over them, stay in Admit's own tables; `admit.users.beside` ties the two.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

import msgspec

from admit.errors import NotFound

if TYPE_CHECKING:
    from admit.stores.base import Taken

ID = re.compile(r"[A-Za-z0-9._:@|\-]{1,128}", re.ASCII)
"""How the id of a user may be written: what survives a token, a log line and a key of any store."""
CLOSED = "Accounts are made in the app: nobody registers here."


class AppUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user as the app's table has them.

    Arguments:
        id: the app's own id as text, never given to another user; see `ID`.
        email: an address, or nothing; it is shown, and the policy for passwords looks at it.
        username: the same, of a name.
        password_hash: as it is stored; nothing where no password lets them in.
        roles: what they may do. One that no role can be called is left out, with a warning.
        active: whether they may sign in, and stay signed in.
        email_verified: whether the address was shown to be theirs.
        created_at: seconds since 1970; None where the table does not say.
    """

    id: str
    email: str = ""
    username: str | None = None
    password_hash: str = ""
    roles: tuple[str, ...] = ()
    active: bool = True
    email_verified: bool = False
    created_at: float | None = None

    def __repr__(self) -> str:
        """Without the hash: what is printed ends up in a log."""
        return f"AppUser(id={self.id!r})"


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who registers: the address in its normal form, the hash of a password that was checked."""

    email: str
    username: str | None
    password_hash: str
    created_at: float

    def __repr__(self) -> str:
        """Without the hash: what is printed ends up in a log."""
        return f"NewUser(email={self.email!r})"


class Hashing(Protocol):
    """How the app hashes passwords, where its own way has to stay. Called in Admit's threads."""

    def hash(self, password: str) -> str:
        """The hash of a new password."""

    def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether it is right, and a better hash where the stored one is outdated.

        None is nobody's hash, and takes as long as a wrong password.
        """


class UserStore(Protocol):
    """The app's users. Derive from it, and write what it asks for.

    Every read sees what was committed before it: a replica that lags would show an old password.
    What it raises, but for a `Refusal`, is answered with 503: nothing is guessed.
    """

    hashing: Hashing | None = None
    """None where passwords are hashed as Admit does: argon2id, and other forms checked."""

    registers: bool = False
    """Whether anybody may register over HTTP; then there is `add`."""

    @abstractmethod
    async def get(self, user_id: str) -> AppUser | None:
        """The user with this id, or None where there is none, or none any more."""

    @abstractmethod
    async def find(self, login: str) -> AppUser | None:
        """The one user with this login, whatever the app lets people sign in with.

        Where it fits several, none of them. An unknown one takes as long as a known one.
        """

    async def add(self, user: NewUser) -> AppUser | Taken:  # noqa: ARG002  who has it uses it
        """Add the user, or say which of the two is taken: "email" or "username".

        Of any number of callers with one address or username, exactly one adds it.

        Raises:
            InvalidInput: with what a field wants.
        """
        raise NotFound(CLOSED)

    @abstractmethod
    async def save_password(self, user_id: str, password_hash: str, *, was: str) -> bool:
        """Replace the hash where it is still `was`; False where it is not, and nothing is written.

        Of any number of callers with one `was`, exactly one writes.
        """
