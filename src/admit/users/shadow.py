"""A user of the app as Admit's own table has them: the account that the session law needs.

A shadow has no hash of a password in it, only a fingerprint that tells when it changed. Beside it
stand the fingerprints of hashes that Admit is about to write into the app's table, so that whoever
sees one there knows what it means, also where the process that wrote it is gone: an upgraded hash
ends nothing, and a changed password keeps the session that changed it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from admit.logins import email_key
from admit.model import Account, User

if TYPE_CHECKING:
    from admit.users.base import AppUser

MARK = "!app:"
"""How the hash of a shadow begins: a form that no password has, and that no export writes."""
NOTES = 8
"""How many writes may be announced at once; each stands there until one of them was made."""
UNWRITTEN = -1
"""The version of a shadow that is not written yet; no store's is like it."""
ELSEWHERE = (
    "The users of this installation live in the app: they are added, changed and disabled there."
)


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A hash that is about to be written.

    `changed` says whether the password is another one then, and `keep` which session goes on.
    """

    mark: str
    changed: bool
    keep: str | None = None


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """The fingerprint of the hash as it was last seen, and those announced."""

    mark: str
    notes: tuple[Note, ...] = ()

    def note(self, mark: str) -> Note | None:
        """The one that announced this fingerprint."""
        return next((each for each in self.notes if each.mark == mark), None)

    def noted(self, note: Note) -> Standing:
        """With one more; past `NOTES` the oldest goes."""
        return Standing(self.mark, (*self.notes, note)[-NOTES:])

    def text(self) -> str:
        """As it stands where others have their hash."""
        return MARK + msgspec.json.encode(self).decode()


_standing = msgspec.json.Decoder(Standing)


def is_shadow(account: Account) -> bool:
    """Whether the user lives in the app, as an engine without the app's users sees it."""
    return account.password_hash.startswith(MARK)


def standing(account: Account) -> Standing:
    """What is known of the hash; an account of Admit's own that moved to the app has its own."""
    if is_shadow(account):
        return _standing.decode(account.password_hash.removeprefix(MARK))
    return Standing(fingerprint(account.password_hash))


def fingerprint(hashed: str) -> str:
    """What tells two hashes apart, and nothing else: each has a salt that nobody guesses."""
    return hashlib.sha256(hashed.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def shadow_of(user: AppUser, *, roles: tuple[str, ...], now: float) -> Account:
    """The first shadow of a user who was seen at `now`."""
    return with_profile(
        Account(
            user=User(
                id=user.id,
                email="",
                username=None,
                roles=roles,
                email_verified=False,
                created_at=now,
            ),
            email_key="",
            username_key=None,
            password_hash=Standing(fingerprint(user.password_hash)).text(),
            disabled_at=None if user.active else now,
        ),
        user,
    )


def with_profile(account: Account, user: AppUser) -> Account:
    """The account with the user's address and name.

    Its key has the id behind the address: addresses may move from one user to another in the app
    before Admit hears of it, and `#` stands in no domain, so it is never the key of an address.
    """
    created_at = account.user.created_at if user.created_at is None else user.created_at
    return msgspec.structs.replace(
        account,
        user=msgspec.structs.replace(
            account.user,
            email=user.email,
            username=user.username,
            email_verified=user.email_verified,
            created_at=created_at,
        ),
        email_key=f"{email_key(user.email)}#{user.id}",
        username_key=None,
    )
