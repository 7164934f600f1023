"""The app's users in a model of SQLAlchemy, for engines of either colour."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from admit.errors import InvalidInput, SettingsError
from admit.logins import email_key, login_key
from admit.users.base import AppUser, Hashing, NewUser, UserStore

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

    from admit.stores.base import Taken

Result = TypeVar("Result")
Sessions = Callable[[], Session] | Callable[[], AsyncSession]
Roles = str | Callable[[Any], Iterable[str] | str]

MOST_MATCHES = 3
"""Rows that are read for a login: it is to fit exactly one."""
LARGEST = 2**63 - 1
"""The largest integer that a database keeps as one."""


class SQLAlchemyUsers(UserStore):
    """Users in a table that the app has mapped.

    Arguments:
        sessions: an engine, or what makes sessions (`sessionmaker`, `async_sessionmaker`, or
            either within a `scoped_session`); with the synchronous ones each question runs in a
            thread.
        model: the mapped class. What follows are names of its attributes.
        id: the primary key: an integer, a UUID or text.
        email: the address, compared without case; None where there is none.
        password: the hash.
        username: a name to sign in with as well, compared without case.
        active: whether they may sign in; None where everybody may.
        verified: whether the address was shown to be theirs.
        created: when they were added.
        roles: text with spaces between, a list, or a function of the row that gives them; what it
            reads is loaded as in a synchronous session.
        registration: whether anybody may register over HTTP.
        defaults: what else a new row has.
        hashing: the app's way to hash passwords, where it has to stay.

    Raises:
        SettingsError: this can't work, or `registration` would let two users have one login.
    """

    def __init__(
        self,
        sessions: sa.Engine | AsyncEngine | Sessions,
        model: type[Any],
        *,
        id: str = "id",  # noqa: A002  a column's name
        email: str | None = "email",
        password: str = "hashed_password",  # noqa: S107  a column's name
        username: str | None = None,
        active: str | None = None,
        verified: str | None = None,
        created: str | None = None,
        roles: Roles | None = None,
        registration: bool = False,
        defaults: Mapping[str, Any] | None = None,
        hashing: Hashing | None = None,
    ) -> None:
        if not callable(sessions) and not isinstance(sessions, sa.Engine | AsyncEngine):
            raise SettingsError(
                "users", "SQLAlchemyUsers wants an engine first, or a sessionmaker."
            )
        if not hasattr(model, "__mapper__"):
            raise SettingsError(
                "users", "SQLAlchemyUsers wants a mapped class as the second: User."
            )
        self._sessions = _sessions(sessions)
        self._model = model
        self._id = id
        self._email = email
        self._password = password
        self._username = username
        self._active = active
        self._verified = verified
        self._created = created
        self._roles = roles
        self._defaults = dict(defaults or {})
        self._key = _key(self._column(id))
        self.hashing = hashing
        self.registers = registration
        names = (email, password, username, active, verified, created, roles)
        for name in names:
            if isinstance(name, str):
                self._column(name)
        if registration:
            self._must_be_unique()

    async def get(self, user_id: str) -> AppUser | None:
        """See `UserStore.get`."""
        key = self._key(user_id)
        if key is None:
            return None
        found = await self._rows(self._column(self._id) == key)
        return found[0] if found else None

    async def find(self, login: str) -> AppUser | None:
        """See `UserStore.find`; of several that differ in case only, the one that was typed."""
        name = self._email if "@" in login else self._username
        if name is None:
            return None
        column = self._column(name)
        spellings = {login.lower(), login_key(login)}
        found = await self._rows(
            sa.or_(column == login, sa.func.lower(column).in_(spellings)),
        )
        # A collation may take more for the same (accents, blanks at the end), and each spelling
        # would have guesses of its own.
        kept = {each.casefold() for each in spellings}
        found = [x for x in found if kept & {x.email.casefold(), (x.username or "").casefold()}]
        if len(found) > 1:
            found = [each for each in found if login in {each.email, each.username}]
        return found[0] if len(found) == 1 else None

    async def add(self, user: NewUser) -> AppUser | Taken:
        """See `UserStore.add`. Logins are kept in lower case, so that a unique column is enough."""
        values = self._values(user)

        def work(session: Session) -> AppUser | Taken:
            if taken := self._taken(session, user):
                return taken
            row = self._model(**values)
            session.add(row)
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
                if taken := self._taken(session, user):  # another one was quicker
                    return taken
                raise
            return self._user(row)

        return await self._run(work)

    async def save_password(self, user_id: str, password_hash: str, *, was: str) -> bool:
        """See `UserStore.save_password`."""
        password, key = self._column(self._password), self._key(user_id)
        if key is None:
            return False
        change = (
            sa.update(self._model)
            .where(self._column(self._id) == key, password == was)
            .values({password: password_hash})
            .execution_options(synchronize_session=False)
        )

        def work(session: Session) -> bool:
            done = cast("sa.CursorResult[Any]", session.execute(change))
            session.commit()
            return done.rowcount == 1

        return await self._run(work)

    async def _rows(self, wanted: ColumnElement[bool]) -> list[AppUser]:
        asked = sa.select(self._model).where(wanted).limit(MOST_MATCHES)

        def work(session: Session) -> list[AppUser]:
            return [self._user(row) for row in session.scalars(asked).unique()]

        return await self._run(work)

    async def _run(self, work: Callable[[Session], Result]) -> Result:
        """Do it in a session of its own, of whichever colour the app has."""
        made = self._sessions()
        if isinstance(made, AsyncSession):
            async with made:
                return await made.run_sync(work)

        def in_thread() -> Result:
            with made:
                return work(made)

        return await asyncio.to_thread(in_thread)

    def _user(self, row: Any) -> AppUser:  # noqa: ANN401  the app's own class
        return AppUser(
            id=str(getattr(row, self._id)),
            email=self._of(row, self._email) or "",
            username=self._of(row, self._username),
            password_hash=getattr(row, self._password) or "",
            roles=self._roles_of(row),
            active=self._active is None or bool(getattr(row, self._active)),
            email_verified=bool(self._of(row, self._verified)),
            created_at=_seconds(self._of(row, self._created)),
        )

    def _of(self, row: Any, name: str | None) -> Any:  # noqa: ANN401
        return None if name is None else getattr(row, name)

    def _roles_of(self, row: Any) -> tuple[str, ...]:  # noqa: ANN401
        value = self._roles(row) if callable(self._roles) else self._of(row, self._roles)
        return tuple(value.split() if isinstance(value, str) else value or ())

    def _values(self, user: NewUser) -> dict[str, Any]:
        """What a new row has.

        Raises:
            InvalidInput: the table has no place for what was given, or wants what was not.
        """
        values = {**self._defaults, self._password: user.password_hash}
        if self._email is not None:
            values[self._email] = email_key(user.email)
        if self._username is None and user.username is not None:
            raise InvalidInput(fields={"username": "nothing: accounts here have no username"})
        if self._username is not None:
            if user.username is None and not self._column(self._username).nullable:
                raise InvalidInput(fields={"username": "a username: accounts here need one"})
            values[self._username] = user.username and user.username.lower()
        if self._created is not None:
            values[self._created] = _instant(self._column(self._created), user.created_at)
        return values

    def _taken(self, session: Session, user: NewUser) -> Taken | None:
        if self._has(session, self._email, email_key(user.email)):
            return "email"
        if user.username and self._has(session, self._username, user.username.lower()):
            return "username"
        return None

    def _has(self, session: Session, name: str | None, key: str) -> bool:
        if name is None:
            return False
        wanted = sa.func.lower(self._column(name)) == key
        return session.scalar(sa.select(sa.exists().where(wanted))) is True

    def _column(self, name: str) -> Any:  # noqa: ANN401  typed by the app's own class
        column = getattr(self._model, name, None)
        if column is None:
            raise SettingsError("users", f"{self._model.__name__} has no attribute {name!r}.")
        return column

    def _must_be_unique(self) -> None:
        for name in filter(None, (self._email, self._username)):
            if not _is_unique(self._column(name)):
                raise SettingsError(
                    "users",
                    f"Two users of {self._model.__name__} may have one {name!r}: make it unique in"
                    " the database, or leave out registration=True.",
                )


def _sessions(given: sa.Engine | AsyncEngine | Sessions) -> Sessions:
    """What makes a session whose rows stay readable after a commit."""
    if isinstance(given, AsyncEngine):
        engine = given
        return lambda: AsyncSession(engine, expire_on_commit=False)
    if isinstance(given, sa.Engine):
        sync_engine = given
        return lambda: Session(sync_engine, expire_on_commit=False)
    if isinstance(given, scoped_session | async_scoped_session):
        return given.session_factory  # its one session is another's, who is using it
    return given


def _key(column: Any) -> Callable[[str], object]:  # noqa: ANN401  see `_column`
    """What reads the text of an id into the column's own type; None for what is none."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = str
    if isinstance(kind, type) and issubclass(kind, int):
        return lambda text: _read(int, text)
    if isinstance(kind, type) and issubclass(kind, str):
        return lambda text: text
    return lambda text: _read(uuid.UUID, text)


def _read(kind: Callable[[str], object], text: str) -> object:
    """The id, in the one spelling that it has."""
    try:
        value = kind(text)
    except ValueError:
        return None
    if isinstance(value, int) and abs(value) > LARGEST:
        return None
    return value if str(value) == text else None


def _is_unique(column: Any) -> bool:  # noqa: ANN401
    """Whether the table says that no two rows have one value."""
    made = column.property.columns[0]
    alone = [
        each
        for each in (*made.table.constraints, *made.table.indexes)
        if isinstance(each, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
        or (isinstance(each, sa.Index) and each.unique)
    ]
    return bool(made.unique) or any(list(each.columns) == [made] for each in alone)


def _seconds(value: object) -> float | None:
    """The instant; a date without an offset is taken for UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value) if isinstance(value, int | float) else None


def _instant(column: Any, seconds: float) -> object:  # noqa: ANN401
    """As the column keeps instants."""
    if not isinstance(column.type, sa.DateTime):
        return seconds
    instant = datetime.fromtimestamp(seconds, UTC)
    return instant if column.type.timezone else instant.replace(tzinfo=None)
