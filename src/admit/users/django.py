"""Django's AUTH_USER_MODEL as the app's users.

Passwords are hashed and checked as Django does, by its PASSWORD_HASHERS: what signs in here signs
in to Django's admin, and neither outdates the other's hashes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from django.contrib.auth import get_user_model, hashers
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from admit.errors import InvalidInput, SettingsError
from admit.logins import email_key
from admit.users.base import AppUser, NewUser, UserStore

if TYPE_CHECKING:
    from admit.stores.base import Taken

Result = TypeVar("Result")
Roles = Callable[[Any], Iterable[str] | str]

THREADS = 4
"""Connections to Django's database that each process has at most for Admit."""
MOST_MATCHES = 3
"""Rows that are read for a login: it is to fit exactly one."""
JOINED = "date_joined"
"""Where Django's own users say since when they are there."""
STAFF, SUPERUSER = "staff", "superuser"
"""The roles of those flags; a group of that name gives none."""


def roles_of(user: Any) -> list[str]:  # noqa: ANN401  the project's own class
    """The names of the user's groups, and `staff` and `superuser` where they are.

    A name that no role can have (a space is enough) gives none, with a warning in the log.
    """
    groups = user.groups.values_list("name", flat=True) if hasattr(user, "groups") else ()
    flags = {STAFF: "is_staff", SUPERUSER: "is_superuser"}
    named = [name for name in groups if name not in flags]
    return named + [role for role, flag in flags.items() if getattr(user, flag, False) is True]


class DjangoHashing:
    """Django's own way, as its `authenticate` goes it."""

    def hash(self, password: str) -> str:
        """See `Hashing.hash`."""
        return hashers.make_password(password)

    def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """See `Hashing.verify`."""
        better: list[str] = []
        right = hashers.check_password(
            password,
            hashers.make_password(None) if hashed is None else hashed,
            setter=lambda raw: better.append(hashers.make_password(raw)),
        )
        return right, better[0] if better else None


class DjangoUsers(UserStore):
    """The users of Django's AUTH_USER_MODEL; to be made once Django is set up.

    Arguments:
        roles: what gives a user's roles, as a list or as text with spaces between; runs where the
            database may be asked.
        email_login: whether the address signs in as well, where the model's login is another.
        registration: whether anybody may register over HTTP.

    Raises:
        SettingsError: `registration`, and a login that the database lets two users have.
    """

    def __init__(
        self,
        *,
        roles: Roles = roles_of,
        email_login: bool = False,
        registration: bool = False,
    ) -> None:
        self._model = cast("Any", get_user_model())
        self._login: str = self._model.USERNAME_FIELD
        self._email: str | None = self._field(self._model.get_email_field_name())
        self._by_email = email_login and self._email is not None
        self._roles = roles
        self._threads: tuple[int, ThreadPoolExecutor] | None = None
        self.hashing = DjangoHashing()
        self.registers = registration
        if registration:
            self._must_be_unique()

    def _must_be_unique(self) -> None:
        for name in {self._login, *([self._email] if self._by_email else [])}:
            if not self._model._meta.get_field(name).unique:  # noqa: SLF001
                raise SettingsError(
                    "users",
                    f"Two users of {self._model.__name__} may have one {name!r}: make it unique in"
                    " the database, or leave out registration=True.",
                )

    async def get(self, user_id: str) -> AppUser | None:
        """See `UserStore.get`."""
        return await self._run(lambda: self._one(self._with_id(user_id)))

    async def find(self, login: str) -> AppUser | None:
        """See `UserStore.find`; of several that differ in case only, the one that was typed."""
        return await self._run(lambda: self._one(self._with_login(login), typed=login))

    async def add(self, user: NewUser) -> AppUser | Taken:
        """See `UserStore.add`. Logins are kept in lower case, so that a unique one is enough."""
        return await self._run(lambda: self._add(user))

    async def save_password(self, user_id: str, password_hash: str, *, was: str) -> bool:
        """See `UserStore.save_password`; no signal is sent for it."""

        def work() -> bool:
            held = self._with_id(user_id).filter(password=was)
            return bool(held.update(password=password_hash))

        return await self._run(work)

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Do it in a thread of ours, whose connection lives as long as Django's settings say."""

        def in_thread() -> Result:
            close_old_connections()
            try:
                return work()
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._pool(), in_thread)

    def _pool(self) -> ThreadPoolExecutor:
        """This process's threads: those of the process that it was forked from are not here."""
        if self._threads is None or self._threads[0] != os.getpid():
            pool = ThreadPoolExecutor(THREADS, thread_name_prefix="admit-django")
            self._threads = (os.getpid(), pool)
        return self._threads[1]

    def _with_id(self, user_id: str) -> Any:  # noqa: ANN401  a query set of the project's class
        """The user with this id, in the one spelling that it has."""
        everybody = self._model._default_manager.all()  # noqa: SLF001  Django's own way to say it
        key = self._model._meta.pk  # noqa: SLF001
        try:
            value = key.to_python(user_id)
            key.run_validators(value)
        except (ValidationError, ValueError):
            return everybody.none()
        return everybody.filter(pk=value) if str(value) == user_id else everybody.none()

    def _with_login(self, login: str) -> Any:  # noqa: ANN401
        wanted = Q(**{f"{self._login}__iexact": login})
        if self._by_email:
            wanted |= Q(**{f"{self._email}__iexact": login})
        return self._model._default_manager.filter(wanted)[:MOST_MATCHES]  # noqa: SLF001

    def _one(
        self,
        found: Any,  # noqa: ANN401
        *,
        typed: str | None = None,
    ) -> AppUser | None:
        rows = list(found)
        if typed is not None:
            # A collation may take more for the same (accents, blanks at the end), and each
            # spelling would have guesses of its own.
            wanted = typed.casefold()
            rows = [row for row in rows if wanted in {x.casefold() for x in self._logins(row)}]
        if len(rows) > 1:
            rows = [row for row in rows if typed in self._logins(row)]
        return self._user(rows[0]) if len(rows) == 1 else None

    def _logins(self, row: Any) -> set[str]:  # noqa: ANN401
        names = [self._login, *([self._email] if self._by_email and self._email else [])]
        return {str(getattr(row, name)) for name in names}

    def _add(self, user: NewUser) -> AppUser | Taken:
        email = email_key(user.email)
        login = self._login_of(user, email)
        taken: Taken = "email" if self._login == self._email else "username"
        if self._has(self._email, email):
            return "email"
        if self._has(self._login, login):
            return taken
        row = self._model(password=user.password_hash)
        setattr(row, self._login, login)
        if self._email is not None:
            setattr(row, self._email, email)
        if self._field(JOINED):
            setattr(row, JOINED, datetime.fromtimestamp(user.created_at, UTC))
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            if self._has(self._email, email):
                return "email"
            if self._has(self._login, login):  # another one was quicker
                return taken
            raise
        return self._user(row)

    def _login_of(self, user: NewUser, email: str) -> str:
        """What the user is to sign in with.

        Raises:
            InvalidInput: a username is wanted, or there is no place for one.
        """
        if self._login == self._email:
            if user.username is not None:
                raise InvalidInput(fields={"username": "nothing: accounts here have no username"})
            return email
        if user.username is None:
            raise InvalidInput(fields={"username": "a username: accounts here need one"})
        return user.username.lower()

    def _has(self, name: str | None, value: str) -> bool:
        if name is None:
            return False
        found = self._model._default_manager.filter(**{f"{name}__iexact": value})  # noqa: SLF001
        return bool(found.exists())

    def _user(self, row: Any) -> AppUser:  # noqa: ANN401  the project's own class
        joined = getattr(row, JOINED, None)
        roles = self._roles(row)
        return AppUser(
            id=str(row.pk),
            email=(getattr(row, self._email) if self._email else "") or "",
            username=None if self._login == self._email else str(getattr(row, self._login)),
            password_hash=row.password,
            roles=tuple(roles.split() if isinstance(roles, str) else roles),
            active=bool(row.is_active),
            created_at=joined.timestamp() if joined else None,
        )

    def _field(self, name: str) -> str | None:
        try:
            self._model._meta.get_field(name)  # noqa: SLF001
        except FieldDoesNotExist:
            return None
        return name


class Follower(Protocol):
    """Who looks at the app's users: an `Admit`."""

    def users_changed_soon(self, *user_ids: str) -> None:
        """Look at these users soon, from whatever thread it is called."""


def follow(auth: Follower) -> None:
    """Have Admit look at once at each user whom Django saves, deletes, or gives other groups.

    Once the transaction is committed. Django sends no signal for `update()` and the bulk methods:
    after those, call `auth.users_changed_soon(...)`.
    """
    model = cast("Any", get_user_model())
    _Follow(auth, model).connect(getattr(getattr(model, "groups", None), "through", None))


class _Follow:
    """What hears Django's signals."""

    def __init__(self, auth: Follower, model: Any) -> None:  # noqa: ANN401
        self._auth = auth
        self._model = model

    def connect(self, memberships: Any) -> None:  # noqa: ANN401
        """Hear of users, and of groups where users have them."""
        # Of whatever class: the sender is a proxy, or a model derived from it, where one is saved.
        _connect(post_save, self.saved, None)
        _connect(post_delete, self.deleted, None)
        if memberships is not None:
            _connect(m2m_changed, self.regrouped, memberships)
            _connect(post_save, self.group, Group)
            _connect(pre_delete, self.group, Group)

    def saved(self, instance: Any, using: str, update_fields: Any, **_: object) -> None:  # noqa: ANN401
        """A user was saved; Django itself does so at every sign-in, to say when it was."""
        if isinstance(instance, self._model) and update_fields != frozenset({"last_login"}):
            self._tell([self._id(instance)], using)

    def deleted(self, instance: Any, using: str, **_: object) -> None:  # noqa: ANN401
        """A user was deleted."""
        if isinstance(instance, self._model):
            self._tell([self._id(instance)], using)

    def regrouped(
        self,
        instance: Any,  # noqa: ANN401
        action: str,
        pk_set: set[Any] | None,
        using: str,
        **_: object,
    ) -> None:
        """Somebody is, or is about to be, in other groups."""
        if action not in {"post_add", "post_remove", "pre_clear"}:
            return
        if isinstance(instance, self._model):
            self._tell([self._id(instance)], using)
        else:
            self._tell(self._members(instance) if pk_set is None else pk_set, using)

    def group(self, instance: Any, using: str, **_: object) -> None:  # noqa: ANN401
        """A group has another name, or is about to be deleted."""
        self._tell(self._members(instance), using)

    def _id(self, user: Any) -> Any:  # noqa: ANN401
        return getattr(user, self._model._meta.pk.attname)  # noqa: SLF001

    def _members(self, group: Any) -> list[Any]:  # noqa: ANN401
        everybody = self._model._default_manager  # noqa: SLF001  Django's own way to say it
        return list(everybody.filter(groups=group).values_list("pk", flat=True))

    def _tell(self, ids: Iterable[Any], using: str) -> None:
        changed = [str(each) for each in ids]
        transaction.on_commit(lambda: self._auth.users_changed_soon(*changed), using=using)


def _connect(signal: Any, receiver: Callable[..., None], sender: Any) -> None:  # noqa: ANN401
    signal.connect(receiver, sender=sender, weak=False)
