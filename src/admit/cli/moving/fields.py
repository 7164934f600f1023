"""What stands in one line, as an account: by the rules of registration."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from admit import changes, logins
from admit.cli.moving.lines import FIELDS
from admit.errors import InvalidInput
from admit.model import USER_ID, Account, User
from admit.passwords.hashing import NO_PASSWORD
from admit.settings import SKEW

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.passwords import Passwords

Value = TypeVar("Value")

_NUMBER = re.compile(r"\d{1,17}(\.\d{1,9})?", re.ASCII)
_WORDS = dict.fromkeys(("true", "t", "1", "yes", "on"), True)
_WORDS |= dict.fromkeys(("false", "f", "0", "no", "off"), False)


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is to be added, and whether its line gave an id and a date for it."""

    number: int
    account: Account
    identified: bool
    dated: bool

    def is_same(self, there: Account) -> bool:
        """Whether the account that has this address is the one of this line.

        By what the line says of it: its id, its date or its hash. The hash alone won't do, for a
        sign-in since then has replaced it.
        """
        mine, its = self.account.user, there.user
        return (
            (self.identified and mine.id == its.id)
            or (self.dated and mine.created_at == its.created_at)
            or (self._has_password and self.account.password_hash == there.password_hash)
        )

    @property
    def _has_password(self) -> bool:
        return self.account.password_hash != NO_PASSWORD


class Desk:
    """Makes accounts of lines.

    Arguments:
        passwords: says which hashes a sign-in can be checked against.
        now: the instant, in seconds since 1970; nothing in a line may be later.
        without_hash: whether accounts without a hash are taken.
    """

    def __init__(self, passwords: Passwords, *, now: float, without_hash: bool) -> None:
        self._passwords = passwords
        self._now = now
        self._without_hash = without_hash

    def arrival(self, number: int, fields: dict[str, Any]) -> Arrival:
        """The account of this line.

        Raises:
            InvalidInput: with what each field wants.
        """
        wants: dict[str, str] = {}

        def read(name: str, reader: Callable[[Any], Value], default: Value) -> Value:
            value = fields.get(name)
            try:
                return default if value is None else reader(value)
            except InvalidInput as error:
                wants.update(error.fields or {})
            except ValueError as error:
                wants[name] = str(error)
            return default

        for name in fields.keys() - set(FIELDS):
            wants["the line"] = f"no field {_shown(name)}, only {', '.join(FIELDS)}"
        email = read("email", _address, "")
        username = read("username", _username, None)
        user = User(
            id=read("id", _id, "") or secrets.token_hex(16),
            email=email,
            username=username,
            roles=read("roles", _roles, ()),
            email_verified=read("email_verified", _switch, default=False),
            created_at=read("created", self._instant, self._now),
        )
        hashed = read("hash", self._hash, NO_PASSWORD)
        disabled_at = read("disabled", self._disabled, None)
        if not email:
            wants.setdefault("email", logins.AN_ADDRESS)
        if hashed == NO_PASSWORD and not self._without_hash:
            wants.setdefault("hash", "the hash of a password; --allow-no-hash takes it without")
        if wants:
            raise InvalidInput(fields=wants)
        return Arrival(
            number=number,
            account=Account(
                user=user,
                email_key=logins.email_key(email),
                username_key=logins.username_key(username) if username is not None else None,
                password_hash=hashed,
                disabled_at=disabled_at,
            ),
            identified=fields.get("id") is not None,
            dated=fields.get("created") is not None,
        )

    def _hash(self, value: Any) -> str:  # noqa: ANN401  whatever stood in the file
        hashed = _text(value)
        if not hashed or hashed.startswith(NO_PASSWORD):  # "!…": Django's unusable password
            return NO_PASSWORD
        self._passwords.check_hash(hashed)
        return hashed

    def _instant(self, value: Any) -> float:  # noqa: ANN401
        instant = _seconds(value)
        if not 0 <= instant <= self._now + SKEW:
            raise ValueError("an instant from 1970 until now, in seconds and not milliseconds")
        return instant

    def _disabled(self, value: Any) -> float | None:  # noqa: ANN401
        """When it was disabled; now, where the line says only that it is."""
        if isinstance(value, str) and value.lower() in _WORDS:
            value = _WORDS[value.lower()]
        if value in (0, 1):  # a switch, in whichever way a database writes it
            return self._now if value else None
        return self._instant(value)


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str) or "\0" in value or not logins.is_text(value):
        raise ValueError("text in UTF-8, without NUL")
    return value


def _address(value: Any) -> str:  # noqa: ANN401
    address = logins.address(_text(value))
    if address is None:
        raise ValueError(logins.AN_ADDRESS)
    return address


def _username(value: Any) -> str | None:  # noqa: ANN401
    if not logins.is_username(_text(value)):
        raise ValueError(logins.A_USERNAME)
    return _text(value)


def _id(value: Any) -> str:  # noqa: ANN401
    found = _text(value).replace("-", "").lower()
    if not USER_ID.fullmatch(found):
        raise ValueError("a UUID or 32 hexadecimal digits; without an id, one is made")
    return found


def _roles(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError('a list of roles, such as ["editor"]')
    return changes.checked_roles(tuple(value))


def _switch(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise ValueError("true or false")


def _seconds(value: Any) -> float:  # noqa: ANN401
    """Seconds since 1970, from a number or RFC 3339; without end where no float is that large."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return float(value)
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is not None and instant.tzinfo is not None:
            return instant.timestamp()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return inf
    raise ValueError("seconds since 1970, or an instant such as 2026-01-31T12:00:00Z")


def _shown(name: str) -> str:
    """A name out of the file, cut so that no hash that stands in its place is repeated."""
    return repr(name[:16])
