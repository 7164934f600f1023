"""Accounts: register, check a password, change it; and what an administrator does to them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from admit import changes, logins
from admit.errors import (
    AlreadyExists,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    NotFound,
    Unavailable,
)
from admit.events import event
from admit.model import Account, Origin, User
from admit.users import shadow

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.changes import Change
    from admit.events import Event
    from admit.hooks.running import Running
    from admit.passwords import Passwords
    from admit.revocation import Revoked
    from admit.settings import Settings
    from admit.stores.base import Store, Taken
    from admit.telemetry.metrics import Metrics
    from admit.throttle import Throttle
    from admit.users.beside import Beside

TRIES = 5
"""How often a change is tried again when somebody else changed the account meanwhile."""


class Accounts:
    """The accounts in a store, and the rules for them.

    Arguments:
        settings: the password policy and the access token's lifetime.
        store: where they live.
        passwords: hashes and checks.
        throttle: who may try.
        revoked: told of every change at once.
        metrics: counts sign-ins and registrations.
        hooks: told of them.
        users: who finds and adds them where they live in the app.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        passwords: Passwords,
        throttle: Throttle,
        revoked: Revoked,
        metrics: Metrics,
        hooks: Running,
        users: Beside | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._passwords = passwords
        self._throttle = throttle
        self._revoked = revoked
        self._metrics = metrics
        self._hooks = hooks
        self._users = users

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
            NotFound: the app adds its users itself.
        """
        if self._users:
            self._users.must_register()
        address = logins.address(email)
        fields = {} if address else {"email": logins.AN_ADDRESS}
        if username is not None and not logins.is_username(username):
            fields["username"] = logins.A_USERNAME
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
                roles=changes.checked_roles(roles),
                email_verified=False,
                created_at=now,
            ),
            email_key=logins.email_key(address),
            username_key=logins.username_key(username) if username is not None else None,
            password_hash=await self._passwords.hash(password),
        )
        registered = event("user_registered", now=now, origin=origin, user_id=account.user.id)
        added = await self._add(account, registered)
        if not isinstance(added, Account):
            raise AlreadyExists(fields={added: AlreadyExists.wanted})
        self._metrics.registered()
        self._hooks.registered(added.user)
        return added.user

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
        account = await (self._users.find(login) if self._users else self.find(login))
        # By what was typed: one count for an address and a username would tell that they are one.
        key = logins.login_key(login)
        right = False
        try:
            async with self._throttle.sign_in(key, origin.ip if origin else None):
                account, right, better = await self._verified(account, password)
                if account is None or not right or account.disabled_at is not None:
                    raise InvalidCredentials
        except InvalidCredentials:
            # Only now, when it is counted: it is a guess also where it can't be written down.
            reason = _failure(account, right=right)
            self._metrics.signed_in(reason)
            user_id = account.user.id if account else None
            failed = event("sign_in_failed", now=now, origin=origin, user_id=user_id, reason=reason)
            await self._store.record(failed)
            self._hooks.sign_in_refused(failed)
            raise
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
        checked = await self._get(user_id)
        self._check_new(new_password, checked, field="new_password")
        if new_password == current_password:
            raise InvalidInput(fields={"new_password": "another one than the current password"})
        try:
            async with self._throttle.password_change(user_id):
                right, _ = await self._passwords.verify(current_password, checked.password_hash)
                if not right:
                    raise InvalidCredentials("The current password is wrong.")
        except InvalidCredentials:  # it is counted; as in `check`
            await self._store.record(
                event("password_refused", now=now, origin=origin, user_id=user_id)
            )
            raise
        hashed = await self._passwords.hash(new_password)

        def change(account: Account) -> Change:
            if account.password_version != checked.password_version:
                raise InvalidCredentials("The password was changed meanwhile.")
            return changes.password(
                account, self._settings, hashed=hashed, now=now, origin=origin, keep=session_id
            )

        await self._change(user_id, change)
        self._hooks.password_changed(checked.user)

    async def reset_password(self, user_id: str, new_password: str, *, now: float) -> None:
        """Set the password as an administrator; every session of the user ends.

        Raises:
            InvalidInput, NotFound, Unavailable: as their names say.
        """
        account = await self._get(user_id)
        self._check_new(new_password, account, field="password")
        hashed = await self._passwords.hash(new_password)
        await self._change(
            user_id,
            lambda account: changes.password(account, self._settings, hashed=hashed, now=now),
        )
        self._hooks.password_changed(account.user)

    async def set_enabled(
        self,
        user_id: str,
        *,
        enabled: bool,
        now: float,
        by: str | None = None,
        origin: Origin | None = None,
    ) -> bool:
        """Enable the account, or disable it and end every session; False where it was so already.

        Arguments:
            user_id: whose account it is.
            enabled: what it is to be.
            now: the instant, in seconds since 1970.
            by: the id of the administrator who does it, for the audit trail.
            origin: where their request came from.

        Raises:
            NotFound, Unavailable: as their names say.
            Forbidden: the users live in the app.
        """
        changed = await self._change(
            user_id,
            lambda account: changes.enabled(
                account, self._settings, enabled=enabled, now=now, by=by, origin=origin
            ),
        )
        return changed is not None

    async def set_roles(
        self,
        user_id: str,
        *,
        add: tuple[str, ...],
        remove: tuple[str, ...],
        now: float,
        by: str | None = None,
        origin: Origin | None = None,
    ) -> tuple[str, ...]:
        """Add and take away roles; return those the account has now.

        Where one is taken away, access tokens that are out are refused from now on; the sessions
        go on, and their next refresh carries the new roles (ASVS 5.0.0-8.3.2). `by` and `origin`
        are as in `set_enabled`.

        Raises:
            InvalidInput, NotFound, Unavailable: as their names say.
            Forbidden: the users live in the app.
        """
        changed = await self._change(
            user_id,
            lambda account: changes.roles(
                account, self._settings, add=add, remove=remove, now=now, by=by, origin=origin
            ),
        )
        return (changed or await self._get(user_id)).user.roles

    async def find(self, login: str) -> Account | None:
        """The account with this address or username, or None."""
        if self._users:
            return await self._users.find_user("email", login)
        if "@" in login and logins.is_text(login):
            return await self._store.find_user("email", logins.login_key(login))
        if logins.is_username(login):
            return await self._store.find_user("username", logins.username_key(login))
        return None

    async def _verified(
        self, account: Account | None, password: str
    ) -> tuple[Account | None, bool, str | None]:
        """The account, whether the password is right, and a better hash for it.

        At the first sign-in of a user of the app nothing tells yet what changes meanwhile. So their
        shadow is written, and counts: a hash that is another one by now is checked as well.
        """
        hashed = account.password_hash if account else None
        right, better = await self._passwords.verify(password, hashed)
        if account is not None and right and account.version == shadow.UNWRITTEN:
            account = await self._store.find_user("id", account.user.id)
            written = account.password_hash if account else None
            if written != hashed:
                right, better = await self._passwords.verify(password, written)
        return account, right, better

    async def _add(self, account: Account, event: Event) -> Account | Taken:
        if self._users:
            return await self._users.register(account, event=event)
        return await self._store.add_user(account, event=event) or account

    async def _get(self, user_id: str) -> Account:
        account = await self._store.find_user("id", user_id)
        if account is None:
            raise NotFound("There is no such account.")
        if shadow.is_shadow(account):
            raise Forbidden(shadow.ELSEWHERE)
        return account

    async def _change(
        self, user_id: str, change: Callable[[Account], Change | None]
    ) -> Account | None:
        """Make a change to the account as it stands, again where somebody else was quicker.

        Returns the account as changed, or None where there was nothing to change.
        """
        for _ in range(TRIES):
            planned = change(await self._get(user_id))
            if planned is None:
                return None
            if await self._store.save_user(
                planned.account,
                event=planned.event,
                ending=planned.ending,
                revocation=planned.revocation,
            ):
                if planned.ending or planned.revocation:
                    await self._revoked.changed(planned.event.at)
                return planned.account
        raise Unavailable("The account keeps being changed by others: try again.")

    def _check_new(self, password: str, account: Account, *, field: str) -> None:
        own_words = (account.user.email, account.user.username)
        self._passwords.check_policy(password, field=field, own_words=own_words)


def _failure(account: Account | None, *, right: bool) -> str:
    if account is None:
        return "unknown_login"
    return "disabled" if right else "wrong_password"
