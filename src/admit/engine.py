"""The engine: every part wired to every other, and the watch that keeps a process up to date."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import WeakKeyDictionary

from admit import chosen, forks
from admit.accounts import Accounts
from admit.beginning import SLOW_START_SECONDS, START_SECONDS, begun
from admit.catchup import LOOK_SECONDS, CatchUp, Sight
from admit.counters import Counters
from admit.errors import AdmitError, InvalidToken, SettingsError, Unavailable
from admit.events import event
from admit.guards.gate import Gate
from admit.hooks.running import Running
from admit.passwords import Passwords
from admit.revocation import Revoked
from admit.sessions import Sessions
from admit.settings import Settings
from admit.stores import patience
from admit.telemetry import metrics
from admit.telemetry.tracing import tracing
from admit.telemetry.verbs import observed
from admit.throttle import Throttle
from admit.tokens.access import AccessTokens
from admit.tokens.keys import Keyring
from admit.tokens.refresh import RefreshTokens
from admit.tokens.secret import obtain
from admit.users.beside import Beside
from admit.watch import PURGE_ROWS, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from admit.counters import Storage
    from admit.events import Kind
    from admit.hooks import Hooks
    from admit.model import Principal
    from admit.moving import Former
    from admit.moving.taking import Moving
    from admit.stores.base import Push, Store
    from admit.users.base import UserStore

logger = logging.getLogger("admit.engine")

PURGE_GRACE = 86_400.0
"""The server keeps what is over for a day: a clock that was wrong for a moment deletes nothing."""

SETTLE_SECONDS = 1.0
"""How long a request without a watch waits, once it is answered, for what it began."""
TELL_SECONDS = 10.0
"""How often, without a watch, it is tried to write down that limits are not counted together."""


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
        self.settings = settings or Settings.load(**given)
        self.clock = clock
        self._locked = bool(self.settings.secret_source)
        secrets = () if self._locked else obtain(self.settings)
        self.refresh_tokens = RefreshTokens(secrets)
        self.metrics = metrics(wanted=bool(self.settings.metrics_keys))
        self.tracing = tracing()
        opened = store or chosen.store(self.settings)
        beneath = observed(opened, self.metrics, self.tracing)
        in_redis, self._redis_push = chosen.redis(self.settings)
        self.push: Push | None = self._redis_push or beneath.push
        self.revoked = Revoked(
            beneath,
            max_age=self.settings.revocation_max_age,
            push=self.push,
            metrics=self.metrics,
        )
        self._strict = self.settings.revocation_strict
        self.users: Beside | None = None
        if users is not None:
            if isinstance(users, type) or not hasattr(users, "hashing"):
                raise SettingsError(
                    "users",
                    "Admit(users=…) wants an object whose class derives from admit.users.UserStore:"
                    " see docs/users.md.",
                )
            self.users = Beside(
                beneath, users, settings=self.settings, clock=clock, changed=self.revoked.changed
            )
        self.store = beneath if self.users is None else cast("Store", self.users)
        self.keys = Keyring(self.settings, self.store, secrets, revoked=self.revoked)
        self.access = AccessTokens(self.settings, self.keys, self.revoked)
        self.passwords = Passwords(
            self.settings,
            metrics=self.metrics,
            tracing=self.tracing,
            theirs=users.hashing if users else None,
        )
        shared = (counters, in_redis, chosen.counters_beside(opened, self.settings))
        self.counters = Counters(*(each for each in shared if each), watched=watch)
        self._told = Sight(clock)
        self.throttle = Throttle(self.settings, clock, self.counters)
        self._hooks = Running(hooks, self.metrics)
        self.accounts = Accounts(
            self.settings,
            self.store,
            passwords=self.passwords,
            throttle=self.throttle,
            revoked=self.revoked,
            metrics=self.metrics,
            hooks=self._hooks,
            users=self.users,
        )
        self.moving = self._moved_from(moving)
        self.sessions = Sessions(
            self.settings,
            self.store,
            access=self.access,
            tokens=self.refresh_tokens,
            revoked=self.revoked,
            accounts=self.accounts,
            throttle=self.throttle,
            metrics=self.metrics,
            hooks=self._hooks,
            moving=self.moving,
        )
        self.gate = Gate(self, settings=self.settings, clock=clock)
        self._verified = 0
        self._keeping_up = Watch(
            revoked=self.revoked,
            keys=self.keys,
            push=self.push,
            purge=lambda rows: self.purge(rows=rows, grace=PURGE_GRACE),
            report=self._report,
            clock=clock,
        )
        self._catching_up: CatchUp | None = None
        if not watch:
            self._catching_up = CatchUp(
                self.settings, revoked=self.revoked, keys=self.keys, clock=clock
            )
        self._watch: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._locks = WeakKeyDictionary()
        self.otherwise: Callable[[Engine, Coroutine[Any, Any, None]], None] | None = None
        """Has something done where no event loop of ours runs yet: a framework of threads can."""
        self._ready = False
        self._open = self._inherited = False
        self._failed: tuple[float, Unavailable] | None = None
        forks.tell(self)

    @property
    def ready(self) -> bool:
        """Whether this process knows the keys and the revocations, and keeps looking."""
        if self._catching_up is not None:
            return self._ready
        return self._ready and self._loop is not None and self._loop.is_running()

    @property
    def elsewhere(self) -> bool:
        """Whether it looks in another event loop than this one, which runs."""
        loop = self._loop
        return loop is not None and loop.is_running() and loop is not asyncio.get_running_loop()

    @property
    def watched(self) -> bool:
        """Whether it keeps looking by itself; else each request looks at what it needs."""
        return self._catching_up is None

    @property
    def degraded(self) -> list[str]:
        """What this process does without for now, while it serves."""
        return self.counters.out

    async def start(self) -> Self:
        """Open the store, learn the keys and the revocations, and keep looking; may be repeated.

        It looks in the event loop of whoever starts it first, and in another once that is gone.

        Raises:
            SettingsError: no listed secret opens the keys, or the database can't be used; or it was
                started in another process, from which this one was forked.
            Unavailable: the store can't be reached.
        """
        if self._inherited:
            raise SettingsError("", forks.INHERITED)
        begun = time.monotonic()
        async with self._starting():  # the first requests may all come at once
            if self._failed is not None and self._failed[0] >= begun:
                raise Unavailable(str(self._failed[1])) from self._failed[1]
            if not self._ready:
                try:
                    await self._learn()
                except Unavailable as error:  # of all who waited for it, too
                    self._failed = (time.monotonic(), error)
                    raise
                self._ready = True
                self.metrics.started()
            if not self.ready and self.watched:
                self._loop = asyncio.get_running_loop()
                self._watch = asyncio.create_task(self._keeping_up.run())
                self._watch.add_done_callback(self._watched)
                self._counting = asyncio.create_task(self.counters.watch(self._counted_alone))
        return self

    def _watched(self, task: asyncio.Task[None]) -> None:
        """Never ready without the watch: the next request starts both anew."""
        if not task.cancelled():
            self._ready = False
            if self._counting is not None:  # it is begun anew, too
                self._counting.cancel()
            logger.critical("the watch ended by itself", exc_info=task.exception())

    def forked(self) -> None:
        """Know, in a process that was just forked, that nothing runs here and what was opened."""
        self._inherited = self._inherited or self._open
        self._ready = False
        self._left = (self._loop, self._watch, self._counting)  # kept: they complain when they go
        self._loop = self._watch = self._counting = None
        self._locks = WeakKeyDictionary()

    async def unlock(self) -> None:
        """Fetch the secret from where `secret_source` says, once; a start does it, too.

        Raises:
            SettingsError: there is none, it may not be read, or it can't be one.
            Unavailable: it can't be fetched now.
        """
        if not self._locked:
            return
        secrets = await chosen.secrets(self.settings)
        self.keys.unlock(secrets)
        self.refresh_tokens.unlock(secrets)
        self._locked = False

    async def close(self) -> None:
        """Stop looking and let go of the store; may be repeated.

        A start under way is waited for, so that it leaves nothing open. Hooks under way are waited
        for a little, and may still use the store.
        """
        async with self._starting():
            await self._close()

    async def _close(self) -> None:
        self._ready = False
        if self._inherited:  # it is another process's
            return
        await self._hooks.close()
        if self.moving:
            self.moving.close()
        self.revoked.news.close()
        self.metrics.stopped()
        for task in (self._watch, self._counting):
            if task is not None and self._loop is asyncio.get_running_loop():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._loop = self._watch = self._counting = None
        await self.revoked.told()
        await self.counters.close()
        if self._redis_push is not None:
            await self._redis_push.close()
        await asyncio.to_thread(self.passwords.close)
        await self.store.close()
        self._open = False

    def verify(self, token: str) -> Principal:
        """Who presents this access token: no I/O, no event loop; the second time, no cryptography.

        Raises:
            InvalidToken: with `reason` where the token is genuine.
            Unavailable: this process has not learned yet what is revoked, or, where
                `revocation_strict` is on, not lately enough.
        """
        loop = self._loop
        if not self._ready or loop is None or loop.is_closed():
            self._must_be_caught_up()
        now = self.clock()
        revoked = self.revoked
        if self._strict and not revoked.fresh_from <= now <= revoked.fresh_until:
            revoked.check(now)  # says why
        try:
            principal = self.access.verify(token, now=now)
        except InvalidToken as error:
            self.metrics.token_refused(error.reason)
            raise
        self._verified += 1  # handed on later: counting each one would double the cost
        return principal

    async def verify_async(self, token: str) -> Principal:
        """As `verify`; it starts where nobody did, and looks where no watch goes on.

        Raises:
            InvalidToken, Unavailable: as in `verify`.
        """
        if not self.ready:
            await self.begin()
        if self._catching_up is not None:
            await self._catching_up.to_verify()
        return self.verify(token)

    async def begin(self) -> None:
        """Start for a request, which waits so long and no longer; the start goes on.

        Raises:
            Unavailable: it could not start, or takes too long.
        """
        if not self.ready:
            await begun(self.start, seconds=START_SECONDS if self.watched else SLOW_START_SECONDS)

    async def catch_up(self) -> None:
        """Before a token is verified: see what is revoked, unless that was seen just now.

        With a watch there is nothing to do. Where the store is out, what was known goes on, and
        `revocation_max_age` and `revocation_strict` say what follows.
        """
        if self._catching_up is not None:
            await self._catching_up.to_verify()

    async def catch_up_keys(self, *, published: bool = False) -> None:
        """Before a token is signed: see the keys, unless they were seen lately; rotate if due.

        With a watch there is nothing to do.

        Arguments:
            published: whether others are going to read them, who cache what they read.

        Raises:
            Unavailable: the store is out, and the keys were not seen for `jwks_max_age`.
        """
        if self._catching_up is None:
            return
        if published:
            await self._catching_up.to_sign(within=LOOK_SECONDS)
        else:
            await self._catching_up.to_sign()

    @property
    def registers(self) -> bool:
        """Whether anybody may register over HTTP."""
        return self.users is None or self.users.registers

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
        if self.users is None:
            raise SettingsError("users", "Users live in Admit itself: there is nothing to look at.")
        for user_id in user_ids:
            await self.users.look(str(user_id))  # an integer would be nobody in the app's table

    def users_changed_soon(self, *user_ids: object) -> None:
        """`users_changed` from any thread: has it done where Admit runs, and waits for nothing.

        Where this process neither has started Admit nor serves a Flask or Django app with it, or
        it fails, the next refresh sees the change.
        """
        loop, looking = self._loop, self._looked_at(user_ids)
        try:
            if loop is not None and loop.is_running():
                asyncio.run_coroutine_threadsafe(looking, loop)
            elif not self.watched:
                patience.begun(looking)  # in the loop of this request, which settles it
            elif self.otherwise is not None:
                self.otherwise(self, looking)
            else:
                looking.close()
        except RuntimeError:  # it was closed meanwhile
            looking.close()

    async def _looked_at(self, user_ids: tuple[object, ...]) -> None:
        try:
            await self.begin()
            await self.users_changed(*user_ids)
        except AdmitError as error:
            logger.warning("a user's change is seen at the next refresh only: %s", error)

    async def settle(self) -> None:
        """After a request: see what it began through to its end; with a watch nothing needs it.

        What is under way when the process is frozen would end, or fail, in the next request.
        """
        if self._catching_up is None:
            return
        if self.counters.untold and not self._told.within(TELL_SECONDS):
            self._told.seen(self._told.instants())
            patience.begun(self.counters.tell(self._counted_alone))
        await patience.settle(SETTLE_SECONDS)
        await self.revoked.told()
        try:
            self._report()
        except Exception:
            logger.exception("the metrics could not be written")

    async def check(self) -> None:
        """Return where this process can answer for everything.

        Raises:
            Unavailable: the store takes no writes, or what is revoked was not seen for longer than
                `revocation_max_age`; it says for how long.
        """
        await self.catch_up()
        self.revoked.check(self.clock())
        try:
            await self.store.check()
            if self.revoked.behind:  # the store is back: what was missed is learned first
                await self.revoked.look(self.clock())
        except Unavailable as error:
            seen = f"What is revoked was seen {max(0.0, self.revoked.age(self.clock())):.0f} s ago."
            raise Unavailable(f"{error} {seen}") from error

    async def purge(self, *, rows: int = PURGE_ROWS, grace: float = 0.0) -> int:
        """Delete some of what no judgement has needed for `grace` seconds; return how many rows."""
        now = self.clock() - grace
        before = now - self.settings.event_ttl
        return await self.store.purge(now=now, events_before=before, limit=rows)

    def _moved_from(self, former: Sequence[Former]) -> Moving | None:
        if not former:
            return None
        from admit.moving.taking import Moving  # noqa: PLC0415  most have no former system

        return Moving(former, self.settings, self.store, find=self.accounts.find)

    async def _learn(self) -> None:
        """Open the store and read what has to be known; a start that fails leaves nothing open."""
        if self.moving:
            self.moving.warn(self.clock())
        self._open = True
        await self.unlock()
        await self.store.start()
        if self._catching_up is not None:
            self._catching_up.begin()
        try:
            await self.keys.start(self.clock())
            self.revoked.news.open = True
            await self.revoked.look(self.clock())
        except BaseException:
            await self.store.close()
            raise
        if self._catching_up is not None:
            self._catching_up.begun()

    async def _counted_alone(self, where: str, alone: bool) -> None:  # noqa: FBT001
        """Record that what is shared is out, and this process limits attempts by itself; or back.

        Raises:
            Unavailable: the store is out too.
        """
        kind: Kind = "limits_degraded" if alone else "limits_restored"
        await self.store.record(event(kind, now=self.clock(), reason=where))

    def _must_be_caught_up(self) -> None:
        """Return where it was just tried to see what is revoked, though no watch goes on.

        Raises:
            Unavailable: nobody would hear of revocations.
        """
        if self._inherited:
            raise Unavailable(forks.INHERITED)
        if not self._ready or self._catching_up is None:
            raise Unavailable("Admit is not started, or its event loop is gone: await start().")
        if not self._catching_up.tried.within(self.settings.revocation_max_age):
            raise Unavailable("With watch=False nothing looks by itself: await catch_up() first.")

    def _starting(self) -> asyncio.Lock:
        """One start at a time in each event loop; what it does bears several at once."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    def _report(self) -> None:
        """Hand on what is counted where every nanosecond counts, and what has to be asked for."""
        verified, self._verified = self._verified, 0
        self.metrics.tokens_verified(verified)
        if self.push is not None:
            self.metrics.pushed(self.push.kind, connected=self.push.connected)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()
