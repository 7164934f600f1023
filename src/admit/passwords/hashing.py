"""Passwords are hashed off the event loop, a bounded number at a time.

argon2id hashes; what other systems left behind (`foreign`) is checked as they did and replaced at
the next sign-in. A hash costs tens of milliseconds of a whole core by design, so as many run at
once as there are cores and a bounded queue waits behind them; past it, `Unavailable`. Verifying
tokens and refreshing never pass through here.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from admit.errors import InvalidInput, Unavailable
from admit.passwords import policy
from admit.telemetry.metrics import Metrics
from admit.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pwdlib import PasswordHash

    from admit.settings import Settings
    from admit.users.base import Hashing

Result = TypeVar("Result")

NICENESS = 10
"""Hashing yields the processor to the event loop, which answers everyone else."""
NO_PASSWORD = "!"  # noqa: S105  a hash that no password has, as Unix and Django mark it


class Passwords:
    """Hashes and checks passwords.

    Arguments:
        settings: argon2's cost, the length of the queue, the policy.
        metrics: counts the queue and the hashes.
        tracing: a span for each hash.
        theirs: how the app hashes, where its own way has to stay.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
        theirs: Hashing | None = None,
    ) -> None:
        self._settings = settings
        self._min_length = settings.password_min_length
        self._cores = _cores()
        self._most = self._cores + settings.hash_queue
        self._pending = 0
        self._metrics = metrics or Metrics()
        self._tracing = tracing or Tracing()
        self._theirs = theirs
        self._threads: ThreadPoolExecutor | None = None
        self._ours = _ours(settings)
        self._nobody = _nobodys(self._ours)

    @cached_property
    def _hashes(self) -> PasswordHash:
        """argon2id at our present price; a process that only refreshes never loads it."""
        from pwdlib import PasswordHash  # noqa: PLC0415  with the first password
        from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: PLC0415

        argon2 = Argon2Hasher(
            time_cost=self._settings.argon2_time,
            memory_cost=self._settings.argon2_memory,
            parallelism=self._settings.argon2_parallelism,
        )
        return PasswordHash((argon2,))

    async def hash(self, password: str) -> str:
        """The hash of a new password, which `check_policy` has passed.

        Raises:
            Unavailable: too many passwords wait already.
        """
        hashes = self._theirs or self._hashes
        return await self._run(lambda: hashes.hash(password))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a better hash of it where the stored one is outdated.

        Arguments:
            password: as typed.
            hashed: the stored hash; None where there is no such account, which takes as long.

        Raises:
            Unavailable: too many passwords wait already.
        """
        verify = self._theirs.verify if self._theirs else self._verify
        return await self._run(lambda: verify(password, hashed))

    def check_policy(self, password: str, *, field: str, own_words: tuple[str | None, ...]) -> None:
        """Refuse a new password that the policy does not want; see `policy.check`.

        Raises:
            InvalidInput: with what the field wants.
        """
        policy.check(password, shortest=self._min_length, field=field, own_words=own_words)

    def check_hash(self, hashed: str) -> None:
        """Refuse a hash that no sign-in could be checked against, or only at too high a price.

        Raises:
            InvalidInput: with what the hash wants; the hash itself is not in it.
        """
        from admit.passwords import forms  # noqa: PLC0415  only for the hashes of other systems

        if hashed.startswith(self._ours) and forms.is_argon2(hashed):
            return  # at this installation's own price, whatever that is
        try:
            forms.read(hashed)
        except forms.Unusable as error:
            raise InvalidInput(fields={"hash": str(error)}) from None

    def close(self) -> None:
        """Let the threads go, after the hashes that run."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """As the names say; every wrong password costs one hash of ours, whatever was stored."""
        if hashed is not None and hashed.startswith(self._ours):
            return self._matches(password, hashed), None
        if hashed is not None and self._right(password, hashed):
            return True, self._hashes.hash(password)
        self._matches(password, self._nobody)
        return False, None

    def _right(self, password: str, hashed: str) -> bool:
        """Whether it is right by a hash that is not at our present price."""
        # Ours at a former price, or another system's that was within bounds when it came in.
        if hashed.startswith("$argon2"):
            return self._matches(password, hashed)
        from admit.passwords import forms  # noqa: PLC0415  see `check_hash`

        try:
            return forms.read(hashed).matches(password)
        except ValueError:
            return False

    def _matches(self, password: str, hashed: str) -> bool:
        from pwdlib.exceptions import PwdlibError  # noqa: PLC0415  see `_hashes`

        try:
            return self._hashes.verify(password, hashed)
        except (PwdlibError, ValueError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._pending >= self._most:
            self._metrics.hash_rejected()
            raise Unavailable("Too many passwords wait to be checked: try again.", retry_after=2)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self._cores, thread_name_prefix="admit-hash", initializer=_yield_the_processor
            )
        self._count(1)
        try:
            with self._tracing.hashing():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._timed, work)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._pending += change
        running = min(self._pending, self._cores)
        self._metrics.hashing(running=running, waiting=self._pending - running)

    def _timed(self, work: Callable[[], Result]) -> Result:
        started = perf_counter()
        try:
            return work()
        finally:
            self._metrics.hashed(perf_counter() - started)


def _ours(settings: Settings) -> str:
    """How every hash at our present price begins."""
    cost = f"m={settings.argon2_memory},t={settings.argon2_time},p={settings.argon2_parallelism}"
    return f"$argon2id$v=19${cost}$"


def _nobodys(ours: str) -> str:
    """A hash that costs what ours cost, and that no password has: its result was drawn."""
    salt, result = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"{ours}{salt}${result}"


def _cores() -> int:
    """The processors that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(usable(0)) if usable else os.cpu_count() or 1


def _yield_the_processor() -> None:
    """Linux counts niceness per thread; elsewhere it would slow the whole process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
