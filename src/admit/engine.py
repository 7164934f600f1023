"""The engine: every part wired to every other, and the watch that keeps a process up to date."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from admit.accounts import Accounts
from admit.errors import Unavailable
from admit.passwords import Passwords
from admit.revocation import Revoked
from admit.sessions import Sessions
from admit.settings import Settings
from admit.throttle import Throttle
from admit.tokens.access import AccessTokens
from admit.tokens.keys import Keyring
from admit.tokens.refresh import RefreshTokens
from admit.tokens.secret import make_private, obtain

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.model import Principal
    from admit.stores.base import Store

logger = logging.getLogger("admit.engine")

LOOK_SECONDS = 0.5
"""How often the store is asked what other processes revoked: twice in the promised second."""
PURGE_SECONDS = 60.0
PURGE_ROWS = 500
"""What one purge deletes at most of each table, so that no commit is long."""
PURGE_ROUNDS = 200
PURGE_GRACE = 86_400.0
"""The server keeps what is over for a day: a clock that was wrong for a moment deletes nothing."""


class Engine:
    """Admit without HTTP: settings, store, keys, accounts, sessions.

    Arguments:
        settings: how it behaves; read from the environment where None.
        store: where everything lives; opened from `database_url` where None.
        clock: seconds since 1970; the only clock that decides anything.
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
        **given: Any,  # noqa: ANN401  settings of many types, read by `Settings`
    ) -> None:
        if settings and given:
            raise TypeError("give settings, or single ones by name, not both")
        self.settings = settings or Settings.load(**given)
        self.clock = clock
        secrets = obtain(self.settings)
        self.store = store or _store(self.settings)
        self.keys = Keyring(self.settings, self.store, secrets)
        self.revoked = Revoked(self.store)
        self.access = AccessTokens(self.settings, self.keys, self.revoked)
        self.passwords = Passwords(self.settings)
        self.throttle = Throttle(self.settings, clock)
        self.accounts = Accounts(
            self.settings,
            self.store,
            passwords=self.passwords,
            throttle=self.throttle,
            revoked=self.revoked,
        )
        self.sessions = Sessions(
            self.settings,
            self.store,
            access=self.access,
            tokens=RefreshTokens(secrets),
            revoked=self.revoked,
            accounts=self.accounts,
            throttle=self.throttle,
        )
        self._watch: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._locks = WeakKeyDictionary()
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether this process knows the keys and the revocations, and keeps looking."""
        return self._ready and self._loop is not None and self._loop.is_running()

    async def start(self) -> Self:
        """Open the store, learn the keys and the revocations, and keep looking; may be repeated.

        It looks in the event loop of whoever starts it first, and in another once that is gone.

        Raises:
            SettingsError: no listed secret opens the keys, or the database can't be used.
            Unavailable: the store can't be reached.
        """
        async with self._starting():  # the first requests may all come at once
            if not self._ready:
                await self._learn()
                self._ready = True
            if not self.ready:
                self._loop = asyncio.get_running_loop()
                self._watch = asyncio.create_task(self._keep_looking())
        return self

    async def close(self) -> None:
        """Stop looking and let go of the store; may be repeated."""
        self._ready = False
        if self._watch is not None and self._loop is asyncio.get_running_loop():
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        self._loop = self._watch = None
        await asyncio.to_thread(self.passwords.close)
        await self.store.close()

    def verify(self, token: str) -> Principal:
        """Who presents this access token: no I/O, no event loop; the second time, no cryptography.

        Raises:
            InvalidToken: with `reason` where the token is genuine.
            Unavailable: this process has not learned yet what is revoked.
        """
        loop = self._loop
        if not self._ready or loop is None or loop.is_closed():  # nobody would hear of revocations
            raise Unavailable("Admit is not started, or its event loop is gone: await start().")
        return self.access.verify(token, now=self.clock())

    async def purge(self, *, rows: int = PURGE_ROWS, grace: float = 0.0) -> int:
        """Delete some of what no judgement has needed for `grace` seconds; return how many rows."""
        now = self.clock() - grace
        before = now - self.settings.event_ttl
        return await self.store.purge(now=now, events_before=before, limit=rows)

    async def _purge_all(self) -> None:
        """Purge until little is left, with room for everybody else between two commits."""
        for _ in range(PURGE_ROUNDS):
            if await self.purge(grace=PURGE_GRACE) < PURGE_ROWS:
                break
            await asyncio.sleep(LOOK_SECONDS / 10)

    async def _learn(self) -> None:
        """Open the store and read what has to be known; a start that fails leaves nothing open."""
        await self.store.start()
        try:
            await self.keys.start(self.clock())
            await self.revoked.look(self.clock())
        except BaseException:
            await self.store.close()
            raise

    def _starting(self) -> asyncio.Lock:
        """One start at a time in each event loop; what it does bears several at once."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def _keep_looking(self) -> None:
        purged_at = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                now = self.clock()
                await self.revoked.look(now)
                await self.keys.look(now)
                if time.monotonic() - purged_at >= PURGE_SECONDS:
                    purged_at = time.monotonic()
                    await self._purge_all()
            except Unavailable as error:
                logger.warning("%s Revocations by other processes are not seen meanwhile.", error)
            except Exception:  # the watch must outlive whatever went wrong once
                logger.exception("looking at the store failed")

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _store(settings: Settings) -> Store:
    from admit.stores.sqlite import SQLiteStore  # noqa: PLC0415  a driver is loaded when chosen

    with contextlib.suppress(OSError):  # the store says it better when it opens the file
        make_private(settings.data_dir)
    return SQLiteStore(settings.database_url)
