"""The parts of an engine: which there are, and which is made of which others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from admit import chosen
from admit.accounts import Accounts
from admit.counters import Counters
from admit.errors import SettingsError
from admit.hooks.running import Running
from admit.passwords import Passwords
from admit.revocation import Revoked
from admit.sessions import Sessions
from admit.telemetry import metrics
from admit.telemetry.tracing import tracing
from admit.telemetry.verbs import observed
from admit.throttle import Throttle
from admit.tokens.access import AccessTokens
from admit.tokens.keys import Keyring
from admit.tokens.refresh import RefreshTokens
from admit.tokens.secret import obtain
from admit.users.beside import Beside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from admit.counters import Storage
    from admit.hooks import Hooks
    from admit.moving import Former
    from admit.moving.taking import Moving
    from admit.settings import Settings
    from admit.stores.base import Push, Store
    from admit.users.base import UserStore


class Parts:
    """Every part, wired to those that it needs. Nothing is open before `open`.

    Arguments: as `Engine` takes them, and
        watched: whether somebody looks for counters that are out; else attempts do.

    Raises:
        SettingsError: the configuration can't work.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None,
        clock: Callable[[], float],
        counters: Storage | None,
        watched: bool,
        hooks: Hooks | None,
        moving: Sequence[Former],
        users: UserStore | None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._locked = bool(settings.secret_source)
        secrets = () if self._locked else obtain(settings)
        self.refresh_tokens = RefreshTokens(secrets)
        self.metrics = metrics(wanted=bool(settings.metrics_keys))
        self.tracing = tracing()
        opened = store or chosen.store(settings)
        beneath = observed(opened, self.metrics, self.tracing)
        in_redis, self._redis_push = chosen.redis(settings)
        self.push: Push | None = self._redis_push or beneath.push
        self.revoked = self._revoked(beneath)
        self.users = self._beside(beneath, users)
        self.store = beneath if self.users is None else cast("Store", self.users)
        self.keys = Keyring(settings, self.store, secrets, revoked=self.revoked)
        self.access = AccessTokens(settings, self.keys, self.revoked)
        self.passwords = self._passwords(users)
        shared = (counters, in_redis, chosen.counters_beside(opened, settings))
        self.counters = Counters(*(each for each in shared if each), watched=watched)
        self.throttle = Throttle(settings, clock, self.counters)
        self.hooks = Running(hooks, self.metrics)
        self.accounts = self._accounts()
        self.moving = self._moved_from(moving)
        self.sessions = self._sessions()

    async def open(self) -> None:
        """Open the store.

        Raises:
            SettingsError: as in `unlock`, or the database can't be used.
            Unavailable: the store can't be reached, or the secret not be fetched.
        """
        if self.moving:
            self.moving.warn(self.clock())
        await self.unlock()
        await self.store.start()

    async def read(self) -> None:
        """Learn the keys, and what is revoked.

        Raises:
            SettingsError: no listed secret opens the keys.
            Unavailable: the store is out.
        """
        await self.keys.start(self.clock())
        self.revoked.news.open = True
        await self.revoked.look(self.clock())

    async def unlock(self) -> None:
        """Fetch the secret from where `secret_source` says, once.

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

    async def quiet(self) -> None:
        """Begin nothing more, and wait a little for hooks under way, which may use the store."""
        await self.hooks.close()
        if self.moving:
            self.moving.close()
        self.revoked.news.close()
        self.metrics.stopped()

    async def close(self) -> None:
        """Let go of everything."""
        await self.revoked.told()
        await self.counters.close()
        if self._redis_push is not None:
            await self._redis_push.close()
        await asyncio.to_thread(self.passwords.close)
        await self.store.close()

    def _revoked(self, beneath: Store) -> Revoked:
        return Revoked(
            beneath,
            max_age=self.settings.revocation_max_age,
            push=self.push,
            metrics=self.metrics,
        )

    def _beside(self, beneath: Store, users: UserStore | None) -> Beside | None:
        """The store beside the app's users; None where users live in Admit itself."""
        if users is None:
            return None
        if isinstance(users, type) or not hasattr(users, "hashing"):
            raise SettingsError(
                "users",
                "Admit(users=…) wants an object whose class derives from admit.users.UserStore:"
                " see docs/users.md.",
            )
        changed = self.revoked.changed
        return Beside(beneath, users, settings=self.settings, clock=self.clock, changed=changed)

    def _passwords(self, users: UserStore | None) -> Passwords:
        return Passwords(
            self.settings,
            metrics=self.metrics,
            tracing=self.tracing,
            theirs=users.hashing if users else None,
        )

    def _accounts(self) -> Accounts:
        return Accounts(
            self.settings,
            self.store,
            passwords=self.passwords,
            throttle=self.throttle,
            revoked=self.revoked,
            metrics=self.metrics,
            hooks=self.hooks,
            users=self.users,
        )

    def _moved_from(self, former: Sequence[Former]) -> Moving | None:
        if not former:
            return None
        from admit.moving.taking import Moving  # noqa: PLC0415  most have no former system

        return Moving(former, self.settings, self.store, find=self.accounts.find)

    def _sessions(self) -> Sessions:
        return Sessions(
            self.settings,
            self.store,
            access=self.access,
            tokens=self.refresh_tokens,
            revoked=self.revoked,
            accounts=self.accounts,
            throttle=self.throttle,
            metrics=self.metrics,
            hooks=self.hooks,
            moving=self.moving,
        )
