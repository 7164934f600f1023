"""Accounts: register, check a password, change it; and what an administrator does to them."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import TYPE_CHECKING

import msgspec
from email_validator import EmailNotValidError, validate_email

from admit.errors import AlreadyExists, InvalidCredentials, InvalidInput, NotFound, Unavailable
from admit.events import event
from admit.model import Account, Origin, User
from admit.revocation import ending
from admit.stores.base import Revocation, Store

if TYPE_CHECKING:
    from admit.passwords import Passwords
    from admit.settings import Settings
    from admit.throttle import Throttle

USERNAME = r"[A-Za-z0-9._\-]{3,64}"
EMAIL_LENGTH = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""
ROLE = r"[A-Za-z0-9._:\-]{1,64}"
ROLES_LENGTH = 1_024
"""Every access token carries them, and a cookie holds 4,096 bytes with its name."""
TRIES = 5
"""How often a change is tried again when somebody else changed the account meanwhile."""


class Accounts:
    """The accounts in a store, and the rules for them.

    Arguments:
        settings: the password policy and the access token's lifetime.
        store: where they live.
        passwords: hashes and checks.
        throttle: who may try.
    """

    def __init__(
        self, settings: Settings, store: Store, passwords: Passwords, throttle: Throttle
    ) -> None:
        self._settings = settings
        self._store = store
        self._passwords = passwords
        self._throttle = throttle

    async def register(
        self,
        *,
        email: str,
        password: str,
        now: float,
        username: str | None = None,
        roles: tuple[str, ...] = (),
        origin: Origin | None = None,
    ) -> User:
        """Make an account.

        Arguments:
            email: an address; nothing is sent to it.
            password: as typed.
            now: the instant, in seconds since 1970.
            username: 3 to 64 of letters, digits, `.`, `_`, `-`, or None.
            roles: what the account may do; never taken from a request.
            origin: where the request came from.

        Raises:
            InvalidInput: with what each field wants.
            AlreadyExists: the address or username is taken; `fields` says which.
            Unavailable: too many passwords wait, or the store is out.
        """
        address = _address(email)
        fields = {} if address else {"email": "an e-mail address such as ada@example.com"}
        if username is not None and not re.fullmatch(USERNAME, username, re.ASCII):
            fields["username"] = "3 to 64 of letters, digits, '.', '_' and '-'"
        try:
            own_words = (address, username)
            self._passwords.check_policy(password, field="password", own_words=own_words)
        except InvalidInput as error:
            fields |= error.fields or {}
        if address is None or fields:
            raise InvalidInput(fields=fields)
        account = Account(
            user=User(
                id=secrets.token_hex(16),
                email=address,
                username=username,
                roles=_roles(roles),
                email_verified=False,
                created_at=now,
            ),
            email_key=_email_key(address),
            username_key=_username_key(username) if username is not None else None,
            password_hash=await self._passwords.hash(password),
        )
        registered = event("user_registered", now=now, origin=origin, user_id=account.user.id)
        taken = await self._store.add_user(account, event=registered)
        if taken:
            raise AlreadyExists(fields={taken: "another one: this one is taken"})
        return account.user

    async def check(
        self, *, login: str, password: str, now: float, origin: Origin | None = None
    ) -> Account:
        """The account that this login and password belong to.

        An unknown login, a wrong password and a disabled account are one refusal and take one
        time (ASVS 5.0.0-6.3.8).

        Raises:
            InvalidCredentials: wrong, unknown or disabled.
            TooManyAttempts: nothing was tried.
            Unavailable: too many passwords wait, or the store is out.
        """
        account = await self.find(login)
        key = account.user.id if account else _login_key(login)
        async with self._throttle.sign_in(key, origin.ip if origin else None):
            hashed = account.password_hash if account else None
            right, better = await self._passwords.verify(password, hashed)
            if account is None or not right or account.disabled_at is not None:
                reason = _failure(account, right=right)
                user_id = account.user.id if account else None
                await self._store.record(
                    event("sign_in_failed", now=now, origin=origin, user_id=user_id, reason=reason)
                )
                raise InvalidCredentials
        if better:
            # Only where nobody else changed the account meanwhile; the next sign-in tries again.
            await self._store.save_user(msgspec.structs.replace(account, password_hash=better))
        return account

    async def change_password(
        self,
        *,
        user_id: str,
        session_id: str,
        current_password: str,
        new_password: str,
        now: float,
        origin: Origin | None = None,
    ) -> None:
        """Change the password of the one who is signed in; every other session ends.

        Raises:
            InvalidCredentials: the current password is wrong.
            InvalidInput: with what the new password wants.
            TooManyAttempts, Unavailable: as in `check`.
        """
        account = await self._get(user_id)
        self._check_new(new_password, account, field="new_password")
        if new_password == current_password:
            raise InvalidInput(fields={"new_password": "another one than the current password"})
        async with self._throttle.password_change(user_id):
            right, _ = await self._passwords.verify(current_password, account.password_hash)
            if not right:
                refused = event("password_refused", now=now, origin=origin, user_id=user_id)
                await self._store.record(refused)
                raise InvalidCredentials("The current password is wrong.")
        hashed = await self._passwords.hash(new_password)
        for _ in range(TRIES):
            if await self._set_password(
                account, hashed, now=now, origin=origin, keep=session_id, session_id=session_id
            ):
                return
            before, account = account, await self._get(user_id)
            if account.password_version != before.password_version:
                raise InvalidCredentials("The password was changed meanwhile.")
        raise Unavailable

    async def reset_password(self, user_id: str, new_password: str, *, now: float) -> None:
        """Set the password as an administrator; every session of the user ends.

        Raises:
            InvalidInput, NotFound, Unavailable: as their names say.
        """
        self._check_new(new_password, await self._get(user_id), field="password")
        hashed = await self._passwords.hash(new_password)
        for _ in range(TRIES):
            account = await self._get(user_id)
            if await self._set_password(account, hashed, now=now):
                return
        raise Unavailable

    async def set_enabled(self, user_id: str, *, enabled: bool, now: float) -> bool:
        """Enable the account, or disable it and end every session; False where it was so already.

        Raises:
            NotFound, Unavailable: as their names say.
        """
        for _ in range(TRIES):
            account = await self._get(user_id)
            if (account.disabled_at is None) == enabled:
                return False
            changed = msgspec.structs.replace(account, disabled_at=None if enabled else now)
            done = await self._store.save_user(
                changed,
                event=event(
                    "user_enabled" if enabled else "user_disabled", now=now, user_id=user_id
                ),
                ending=None
                if enabled
                else ending("revoked", self._settings, now=now, user_id=user_id),
            )
            if done:
                return True
        raise Unavailable

    async def set_roles(
        self, user_id: str, *, add: tuple[str, ...], remove: tuple[str, ...], now: float
    ) -> tuple[str, ...]:
        """Add and take away roles; return those the account has now.

        Where one is taken away, access tokens that are out are refused from now on; the sessions
        go on, and their next refresh carries the new roles (ASVS 5.0.0-8.3.2).

        Raises:
            InvalidInput, NotFound, Unavailable: as their names say.
        """
        for _ in range(TRIES):
            account = await self._get(user_id)
            had = account.user.roles
            roles = _roles((*(role for role in had if role not in remove), *add))
            if set(roles) == set(had):
                return had
            issued_before = int(now) + 1
            lost = not set(had) <= set(roles)
            changed = msgspec.structs.replace(
                account,
                user=msgspec.structs.replace(account.user, roles=roles),
                tokens_from=max(account.tokens_from, issued_before if lost else 0),
            )
            revocation = Revocation(
                kind="user",
                subject=user_id,
                reason="revoked",
                at=now,
                until=self._settings.dead_after(now),
                issued_before=issued_before,
            )
            if await self._store.save_user(
                changed,
                event=event("roles_changed", now=now, user_id=user_id, roles=" ".join(roles)),
                revocation=revocation if lost else None,
            ):
                return roles
        raise Unavailable

    async def find(self, login: str) -> Account | None:
        """The account with this address or username, or None."""
        if "@" in login:
            return await self._store.find_user("email", _login_key(login))
        if re.fullmatch(USERNAME, login, re.ASCII):
            return await self._store.find_user("username", _username_key(login))
        return None

    async def _get(self, user_id: str) -> Account:
        account = await self._store.find_user("id", user_id)
        if account is None:
            raise NotFound("There is no such account.")
        return account

    async def _set_password(
        self,
        account: Account,
        hashed: str,
        *,
        now: float,
        origin: Origin | None = None,
        keep: str | None = None,
        session_id: str | None = None,
    ) -> bool:
        changed = msgspec.structs.replace(
            account, password_hash=hashed, password_version=account.password_version + 1
        )
        user_id = account.user.id
        return await self._store.save_user(
            changed,
            event=event(
                "password_changed",
                now=now,
                origin=origin,
                user_id=user_id,
                session_id=session_id,
            ),
            ending=ending(
                "password_changed",
                self._settings,
                now=now,
                user_id=user_id,
                keep=keep,
                origin=origin,
            ),
        )

    def _check_new(self, password: str, account: Account, *, field: str) -> None:
        own_words = (account.user.email, account.user.username)
        self._passwords.check_policy(password, field=field, own_words=own_words)


def _failure(account: Account | None, *, right: bool) -> str:
    if account is None:
        return "unknown_login"
    return "disabled" if right else "wrong_password"


def _address(email: str) -> str | None:
    """The address in its normal form, or None where it is none (RFC 5321, 6531)."""
    try:
        checked = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return checked.normalized if len(checked.normalized) <= EMAIL_LENGTH else None


def _email_key(address: str) -> str:
    """What two spellings of one address share: NFC, without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def _login_key(login: str) -> str:
    """The e-mail key of whatever was typed; it need not be an address."""
    return _email_key(_address(login) or login) if "@" in login else login.casefold()


def _username_key(username: str) -> str:
    return username.casefold()


def _roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles, each once, in order; refuses what would not survive a log or a header."""
    for role in roles:
        if not re.fullmatch(ROLE, role, re.ASCII):
            wants = "1 to 64 of letters, digits, '.', '_', '-' and ':'"
            raise InvalidInput(fields={"roles": wants})
    kept = tuple(sorted(set(roles)))
    if len(" ".join(kept)) > ROLES_LENGTH:
        raise InvalidInput(fields={"roles": f"at most {ROLES_LENGTH} characters in all"})
    return kept
