"""The engine: Admit without HTTP, and what everything else asks of it as a whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from admit.errors import InvalidToken
from admit.guards.gate import Gate
from admit.life import Life
from admit.parts import Parts
from admit.settings import Settings
from admit.upkeep import Upkeep
from admit.users.changed import Changed
from admit.watch import PURGE_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from admit.counters import Storage
    from admit.hooks import Hooks
    from admit.model import Principal
    from admit.moving import Former
    from admit.stores.base import Store
    from admit.users.base import UserStore


class Engine:
    """Admit without HTTP: settings, store, keys, accounts, sessions.

    Arguments:
        settings: how it behaves; read from the environment where None.
        store: where everything lives; opened from `database_url` where None.
        clock: seconds since 1970; the only clock that decides anything.
        counters: where the processes of one machine count attempts together.
        watch: whether it keeps looking beside the requests. Where not, nothing goes on between
            them, and who verifies a token awaits `catch_up()` before.
        hooks: functions of the app: claims for access tokens, and who hears of what happened.
        moving: former systems, whose refresh tokens are taken once each; see `admit.moving`.
        users: the app's own users; Admit's own where None. Every process that serves the routes has
            to be given the same.
        given: settings by name, where `settings` is None.

    Raises:
        SettingsError: the configuration can't work.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        store: Store | None = None,
        clock: Callable[[], float] = time.time,
        counters: Storage | None = None,
        watch: bool = True,
        hooks: Hooks | None = None,
        moving: Sequence[Former] = (),
        users: UserStore | None = None,
        **given: Any,  # noqa: ANN401  settings of many types, read by `Settings`
    ) -> None:
        if settings and given:
            raise TypeError("give settings, or single ones by name, not both")
        parts = Parts(
            settings or Settings.load(**given),
            store=store,
            clock=clock,
            counters=counters,
            watched=watch,
            hooks=hooks,
            moving=moving,
            users=users,
        )
        self._hand_out(parts)
        self._upkeep = Upkeep(parts, watched=watch)
        self._life = Life(parts, self._upkeep)
        self._changed = Changed(self.users, begin=self._life.begin, have_done=self._have_done)
        self._strict = self.settings.revocation_strict
        self.gate = Gate(self, settings=self.settings, clock=clock)
        self.otherwise: Callable[[Engine, Coroutine[Any, Any, None]], None] | None = None
        """Has something done where no event loop of ours runs yet: a framework of threads can."""

    def _hand_out(self, parts: Parts) -> None:
        """Have what others use of the parts at hand."""
        self._parts = parts
        self.settings, self.clock = parts.settings, parts.clock
        self.metrics, self.tracing = parts.metrics, parts.tracing
        self.store, self.push, self.revoked = parts.store, parts.push, parts.revoked
        self.keys, self.access = parts.keys, parts.access
        self.refresh_tokens, self.passwords = parts.refresh_tokens, parts.passwords
        self.counters, self.throttle = parts.counters, parts.throttle
        self.users, self.accounts = parts.users, parts.accounts
        self.moving, self.sessions = parts.moving, parts.sessions

    @property
    def ready(self) -> bool:
        """Whether this process knows the keys and the revocations, and keeps looking."""
        return self._life.ready

    @property
    def elsewhere(self) -> bool:
        """Whether it looks in another event loop than this one, which runs."""
        return self._upkeep.elsewhere

    @property
    def watched(self) -> bool:
        """Whether it keeps looking by itself; else each request looks at what it needs."""
        return self._upkeep.watched

    @property
    def degraded(self) -> list[str]:
        """What this process does without for now, while it serves."""
        return self.counters.out

    @property
    def registers(self) -> bool:
        """Whether anybody may register over HTTP."""
        return self.users is None or self.users.registers

    async def start(self) -> Self:
        """Open the store, learn the keys and the revocations, and keep looking; may be repeated.

        It looks in the event loop of whoever starts it first, and in another once that is gone.

        Raises:
            SettingsError: no listed secret opens the keys, or the database can't be used; or it was
                started in another process, from which this one was forked.
            Unavailable: the store can't be reached.
        """
        await self._life.start()
        return self

    async def begin(self) -> None:
        """Start for a request, which waits so long and no longer; the start goes on.

        Raises:
            Unavailable: it could not start, or takes too long.
        """
        await self._life.begin()

    async def unlock(self) -> None:
        """Fetch the secret from where `secret_source` says, once; a start does it, too.

        Raises:
            SettingsError: there is none, it may not be read, or it can't be one.
            Unavailable: it can't be fetched now.
        """
        await self._parts.unlock()

    async def close(self) -> None:
        """Stop looking and let go of the store; may be repeated.

        A start under way is waited for a little; one that takes longer, or comes meanwhile, leaves
        nothing open and raises `Unavailable`. Hooks under way are waited for a little, too, and may
        still use the store.
        """
        await self._life.close()

    def verify(self, token: str) -> Principal:
        """Who presents this access token: no I/O, no event loop; the second time, no cryptography.

        Raises:
            InvalidToken: with `reason` where the token is genuine.
            Unavailable: this process has not learned yet what is revoked, or, where
                `revocation_strict` is on, not lately enough.
        """
        upkeep = self._upkeep
        loop = upkeep.loop
        if loop is None or loop.is_closed() or not self._life.started:
            self._life.must_be_caught_up()
        now = self.clock()
        revoked = self.revoked
        if self._strict and not revoked.fresh_from <= now <= revoked.fresh_until:
            revoked.check(now)  # says why
        try:
            principal = self.access.verify(token, now=now)
        except InvalidToken as error:
            self.metrics.token_refused(error.reason)
            raise
        upkeep.verified += 1
        return principal

    async def verify_async(self, token: str) -> Principal:
        """As `verify`; it starts where nobody did, and looks where no watch goes on.

        Raises:
            InvalidToken, Unavailable: as in `verify`.
        """
        if not self._life.ready:
            await self._life.begin()
        if self._upkeep.catching_up is not None:
            await self._upkeep.catching_up.to_verify()
        return self.verify(token)

    async def catch_up(self) -> None:
        """Before a token is verified: see what is revoked, unless that was seen just now.

        With a watch there is nothing to do. Where the store is out, what was known goes on, and
        `revocation_max_age` and `revocation_strict` say what follows.
        """
        await self._upkeep.to_verify()

    async def catch_up_keys(self, *, published: bool = False) -> None:
        """Before a token is signed: see the keys, unless they were seen lately; rotate if due.

        With a watch there is nothing to do.

        Arguments:
            published: whether others are going to read them, who cache what they read.

        Raises:
            Unavailable: the store is out, and the keys were not seen for `jwks_max_age`.
        """
        await self._upkeep.to_sign(published=published)

    async def settle(self) -> None:
        """After a request: see what it began through to its end; with a watch nothing needs it."""
        await self._upkeep.settle()

    async def users_changed(self, *user_ids: object) -> None:
        """Look at these users of the app now: the app has just changed, disabled or deleted them.

        Sessions and access tokens that this ends are refused here when it returns, and everywhere
        within about a second. Without it, a change is seen at the user's next refresh.

        Arguments:
            user_ids: their ids, as text or as the app has them.

        Raises:
            Unavailable: the app's users, or the store, can't be asked.
            SettingsError: the users do not live in the app.
        """
        await self._changed.look(user_ids)

    def users_changed_soon(self, *user_ids: object) -> None:
        """`users_changed` from any thread: has it done where Admit runs, and waits for nothing.

        Where this process neither has started Admit nor serves a Flask or Django app with it, or
        it fails, the next refresh sees the change.
        """
        self._changed.look_soon(user_ids)

    def _have_done(self, work: Coroutine[Any, Any, None]) -> bool:
        if self._upkeep.have_done(work):
            return True
        if self.otherwise is None:
            return False
        self.otherwise(self, work)
        return True

    async def check(self) -> None:
        """Return where this process can answer for everything.

        Raises:
            Unavailable: the store takes no writes, or what is revoked was not seen for longer than
                `revocation_max_age`; it says for how long.
        """
        await self._upkeep.check()

    async def purge(self, *, rows: int = PURGE_ROWS, grace: float = 0.0) -> int:
        """Delete some of what no judgement has needed for `grace` seconds; return how many rows."""
        return await self._upkeep.purge(rows=rows, grace=grace)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
