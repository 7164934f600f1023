"""Admit's store beside the app's users: to everybody above, one store.

A session needs an account in its own transaction, and the app's table may be in another database,
so Admit's table keeps a *shadow* of each user who ever signed in (`shadow`). At every sign-in, at
every refresh and whenever the app says so, it follows the user (`follow`): by the store's own
conditional write, with the endings and revocations that belong to it.

Three rules make that safe, however many processes do it at once:

- The shadow is read before the user. A shadow that is still as it was read when it is written was
  so all the while, and so when the user was read: nobody writes what an older look at the user
  said over what a newer one did.
- Before Admit writes a hash into the app's table, the shadow announces it. Whoever sees it there
  finishes what it means, so a crash between the two writes ends no honest session, and no lost
  password stays good.
- A token is minted from the shadow as the store's own write returned it, never from the user.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from admit.errors import Forbidden, NotFound, Refusal, Unavailable
from admit.events import event
from admit.logins import is_text
from admit.stores import patience
from admit.users import follow, shadow
from admit.users.base import CLOSED, ID, AppUser, NewUser, UserStore
from admit.users.shadow import Note, Standing, fingerprint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from admit.events import Event
    from admit.model import Account, Session
    from admit.settings import Settings
    from admit.stores.base import Ending, Revocation, Rotation, Store, Taken

logger = logging.getLogger("admit.users")
Result = TypeVar("Result")

TRIES = 20
"""How many steps a look at a user takes at most: five, and some that others were quicker in."""
NOBODY = ""
"""An id that no user has."""


class Beside:
    """A store whose users live in the app; what it does not do here, the store beneath does.

    Arguments:
        store: Admit's own; in it are sessions, keys, revocations and the shadows.
        users: the app's.
        settings: how long revocations matter.
        clock: seconds since 1970, where no instant is handed in.
        changed: told the instant of every ending and every lost role.
    """

    def __init__(
        self,
        store: Store,
        users: UserStore,
        *,
        settings: Settings,
        clock: Callable[[], float],
        changed: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store = store
        self._users = users
        self._settings = settings
        self._clock = clock
        self._changed = changed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the store has there
        """What the store beneath has under this name."""
        return getattr(self._store, name)

    async def find(self, login: str) -> Account | None:
        """The account of the user with this login; its hash is the app's.

        An unknown login asks as many questions as a known one, and a shadow is made only for who
        gives the right password: until then its version is `shadow.UNWRITTEN`.
        """
        user = None
        if is_text(login) and login.isprintable():
            user = await self._read(lambda: self._users.find(login))
        account = await self._store.find_user("id", user.id if user else NOBODY)
        if user is None:
            return None
        now = self._clock()
        if account is None:
            first = msgspec.structs.replace(_first(user, now), version=shadow.UNWRITTEN)
            return _merged(first, user)
        if not follow.step(account, user, self._settings, now=now):
            return _merged(account, user)
        return await self._account(user.id, now=now)

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """See `Store.find_user`; for an address or a name, whatever people sign in with there."""
        if by != "id":
            found = await self.find(key)
            key = found.user.id if found else NOBODY
        return await self._account(key, now=self._clock())

    async def register(self, account: Account, *, event: Event) -> Account | Taken:
        """Have the app add the user; return the account with the app's id, or what is taken.

        Raises:
            NotFound: the app adds its users itself.
            InvalidInput: with what the app's table wants of a field.
        """
        self.must_register()
        user = account.user
        new = NewUser(
            email=user.email,
            username=user.username,
            password_hash=account.password_hash,
            created_at=user.created_at,
        )
        added = await self._written(lambda: self._users.add(new))
        if not isinstance(added, AppUser):
            return added
        return await self._added(_checked(added), event, now=user.created_at)

    @property
    def registers(self) -> bool:
        """Whether anybody may register over HTTP."""
        return self._users.registers

    def must_register(self) -> None:
        """Return where anybody may register; else raise `NotFound`."""
        if not self._users.registers:
            raise NotFound(CLOSED)

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:  # noqa: ARG002
        """See `Store.add_user`: here the app adds its users."""
        raise Forbidden(shadow.ELSEWHERE)

    async def add_users(
        self,
        accounts: Sequence[Account],  # noqa: ARG002
        *,
        event: Event,  # noqa: ARG002
    ) -> list[Taken | None]:
        """See `Store.add_users`: here the app adds its users."""
        raise Forbidden(shadow.ELSEWHERE)

    async def save_user(
        self,
        account: Account,
        *,
        event: Event | None = None,
        ending: Ending | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """See `Store.save_user`. Only a password is Admit's to change; it is announced first."""
        held = await self._store.find_user("id", account.user.id)
        if held is None or held.version != account.version:
            return False
        user = await self._get(account.user.id)
        known = shadow.standing(held)
        if user is None or known.mark != fingerprint(user.password_hash):
            return False  # somebody else changed it: who looks again hears of it
        if account.password_hash == user.password_hash:
            raise Forbidden(shadow.ELSEWHERE)
        mark = fingerprint(account.password_hash)
        changed = account.password_version != held.password_version
        note = Note(mark, changed, ending.keep if ending else None)
        noted = msgspec.structs.replace(held, password_hash=known.noted(note).text())
        if not await self._store.save_user(noted):
            return False
        after = msgspec.structs.replace(
            noted,
            password_hash=Standing(mark).text(),
            password_version=account.password_version,
            version=noted.version + 1,
        )

        async def write() -> bool:
            if not await self._written(
                lambda: self._users.save_password(
                    user.id, account.password_hash, was=user.password_hash
                )
            ):
                return False
            if not await self._store.save_user(
                after, event=event, ending=ending, revocation=revocation
            ):
                await self._followed(user.id, now=self._clock())  # whoever saw it is quicker
            return True

        # Both or neither: who waits no longer must not leave a new password and old sessions.
        return await patience.apart(write())

    async def open_session(
        self, session: Session, *, password_version: int, event: Event, replaces: Ending | None
    ) -> bool:
        """See `Store.open_session`: the password may have changed in the app meanwhile."""
        await self._account(session.user_id, now=session.opened_at)
        return await self._store.open_session(
            session, password_version=password_version, event=event, replaces=replaces
        )

    async def rotate(
        self,
        session_id: str,
        *,
        generation: int,
        retry_key: bytes | None,
        deadline: float,
        now: float,
        rest: tuple[float, float],
    ) -> Rotation | None:
        """See `Store.rotate`. The user is looked at before anything is written.

        Or, while the app's users can't be read, the retry of an honest client would come back as
        theft.
        """
        session = await self._store.find_session(session_id)
        if session is not None and session.ended_at is None and session.expires_at > now:
            await self._followed(session.user_id, now=now)
        return await self._store.rotate(
            session_id,
            generation=generation,
            retry_key=retry_key,
            deadline=deadline,
            now=now,
            rest=rest,
        )

    async def look(self, user_id: str) -> None:
        """Follow this user now; one who never signed in has no shadow, and needs none.

        Raises:
            Unavailable: the users, or the store, can't be asked.
        """
        await self._followed(user_id, now=self._clock())

    async def _account(self, user_id: str, *, now: float) -> Account | None:
        """The account with this id, once its shadow is as its user is; made where there is none."""
        account, user = await self._followed(user_id, now=now)
        if account is None and user is not None:
            first = event("user_registered", now=now, user_id=user.id, reason=follow.IN_APP)
            await self._added(user, first, now=now)
            account, user = await self._followed(user_id, now=now)
        if account is None:
            return None
        return _merged(account, user) if user else account

    async def _added(self, user: AppUser, event: Event, *, now: float) -> Account:
        """The user's account, with a shadow of its own; another process may be quicker."""
        made = _first(user, now)
        told = msgspec.structs.replace(event, user_id=user.id)
        await self._store.add_user(made, event=told)
        return _merged(made, user)

    async def _followed(self, user_id: str, *, now: float) -> tuple[Account | None, AppUser | None]:
        """The shadow, once it is as the user is, and the user.

        Raises:
            Unavailable: others keep changing it, or one of the two can't be asked.
        """
        for _ in range(TRIES):
            account = await self._store.find_user("id", user_id)  # before the user: see above
            user = await self._get(user_id)
            step = account and follow.step(account, user, self._settings, now=now)
            if not step:
                return account, user
            written = await self._store.save_user(
                step.account, event=step.event, ending=step.ending, revocation=step.revocation
            )
            if written and (step.ending or step.revocation):
                await self._changed(now)
        raise Unavailable("The account keeps being changed by others: try again.")

    async def _get(self, user_id: str) -> AppUser | None:
        user = await self._read(lambda: self._users.get(user_id))
        if user is not None and user.id != user_id:
            logger.error("the app's users give %a for %a", user.id, user_id)
            raise Unavailable("The app's users contradict themselves.")
        return user

    async def _read(self, ask: Callable[[], Awaitable[AppUser | None]]) -> AppUser | None:
        """What the app's users say, within what the request has left.

        Raises:
            Unavailable: nothing, in time.
        """
        try:
            with patience.Step() as left:
                async with asyncio.timeout(left):
                    user = await ask()
        except TimeoutError:
            raise Unavailable("The app's users do not answer in time.") from None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  it raises what it likes
            raise _refusal(error) from None
        return _checked(user) if user else None

    async def _written(self, ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What comes of a write, which goes on where the request waits no longer."""
        try:
            return await patience.apart(ask())
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  it raises what it likes
            raise _refusal(error) from None


def _first(user: AppUser, now: float) -> Account:
    """The shadow of a user who has none."""
    return shadow.shadow_of(user, roles=follow.roles_of(user), now=now)


def _merged(account: Account, user: AppUser) -> Account:
    """The shadow with the hash that passwords are checked against."""
    return msgspec.structs.replace(account, password_hash=user.password_hash)


def _checked(user: AppUser) -> AppUser:
    """The user, whose id can be one.

    Raises:
        Unavailable: it can't.
    """
    if not ID.fullmatch(user.id):
        logger.error("an id of the app's users is %a: it has to match %s", user.id, ID.pattern)
        raise Unavailable("The app's users have an id that can't be one.")
    return user


def _refusal(error: Exception | asyncio.CancelledError) -> BaseException:
    """What is said of what the app's code raised; the log has where, and not what stood in it.

    The text of a driver's error may hold an address, or the hash of a password. A driver may cancel
    by itself what was asked of it, when its pool is closed: that ends no request.
    """
    task = asyncio.current_task()
    asked_to_end = task is not None and task.cancelling()
    if isinstance(error, Refusal) or (isinstance(error, asyncio.CancelledError) and asked_to_end):
        return error
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("the app's users failed with %s:\n%s", type(error).__name__, where)
    return Unavailable(f"The app's users can't be asked ({type(error).__name__}).")
