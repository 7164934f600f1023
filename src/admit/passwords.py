"""Passwords: hashed off the event loop, a bounded number at a time, and a policy for new ones.

argon2id hashes; what other systems left behind as bcrypt is verified and replaced at the next
sign-in. A hash costs tens of milliseconds of a whole core by design, so as many run at once as
there are cores and a bounded queue waits behind them; past it, `Unavailable`. Verifying tokens
and refreshing never pass through here.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from admit.errors import InvalidInput, Unavailable
from admit.logins import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.settings import Settings

Result = TypeVar("Result")

LONGEST = 256
"""In characters. Long enough for any passphrase; short enough that hashing it costs no more."""
BCRYPT_BYTES = 72
"""bcrypt never saw more than this of a password, so its hashes are of no more."""
LEFT_OVER = 4
"""A password needs this many characters besides the user's own words."""
NICENESS = 10
"""Hashing yields the processor to the event loop, which answers everyone else."""
_WORD = 3
_BCRYPT = re.compile(r"\$2[aby]\$")


class Passwords:
    """Hashes and checks passwords.

    Arguments:
        settings: argon2's cost, the length of the queue, the policy.
    """

    def __init__(self, settings: Settings) -> None:
        argon2 = Argon2Hasher(
            time_cost=settings.argon2_time,
            memory_cost=settings.argon2_memory,
            parallelism=settings.argon2_parallelism,
        )
        self._hashes = PasswordHash((argon2, BcryptHasher()))
        self._min_length = settings.password_min_length
        self._cores = _cores()
        self._most = self._cores + settings.hash_queue
        self._pending = 0
        self._threads: ThreadPoolExecutor | None = None
        self._nobody = _nobodys(settings)

    async def hash(self, password: str) -> str:
        """The hash of a new password, which `check_policy` has passed.

        Raises:
            Unavailable: too many passwords wait already.
        """
        return await self._run(lambda: self._hashes.hash(password))

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a better hash of it where the stored one is outdated.

        Arguments:
            password: as typed.
            hashed: the stored hash; None where there is no such account, which takes as long.

        Raises:
            Unavailable: too many passwords wait already.
        """
        return await self._run(lambda: self._verify(password, hashed))

    def check_policy(self, password: str, *, field: str, own_words: tuple[str | None, ...]) -> None:
        """Refuse a new password that is too short, too long, common, or made of the user's words.

        Arguments:
            password: as typed; it is hashed exactly so.
            field: the input field to name in the refusal.
            own_words: the user's address and name.

        Raises:
            InvalidInput: with what the field wants (NIST SP 800-63B-4 section 3.1.1.2).
        """
        wants = None
        if not is_text(password):
            wants = "valid Unicode text"
        elif len(password) < self._min_length:
            wants = f"at least {self._min_length} characters"
        elif len(password) > LONGEST:
            wants = f"at most {LONGEST} characters"
        elif is_common(password):
            wants = "a password that is not among the most common ones"
        elif _made_of(password.casefold(), own_words):
            wants = "a password that is not made of your own address or name"
        if wants:
            raise InvalidInput(fields={field: wants})

    def close(self) -> None:
        """Let the threads go, after the hashes that run."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        try:
            if hashed is None:
                self._hashes.verify(password, self._nobody)
                return False, None
            if not _BCRYPT.match(hashed):
                return self._hashes.verify_and_update(password, hashed)
            # Hashes of bcryptjs and its kin: the library refuses what they silently cut off.
            cut = password.encode()[:BCRYPT_BYTES]
            right = self._hashes.verify(cut, hashed)
            return right, self._hashes.hash(password) if right else None
        except (PwdlibError, ValueError):
            return False, None

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._pending >= self._most:
            raise Unavailable("Too many passwords wait to be checked: try again.", retry_after=2)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self._cores, thread_name_prefix="admit-hash", initializer=_yield_the_processor
            )
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._pending -= 1


@cache
def _common_passwords() -> str:
    file = resources.files("admit") / "common_passwords.txt"
    return "\n" + file.read_text(encoding="utf-8")


def is_common(password: str) -> bool:
    """Whether attackers try it first, in whatever case; see common_passwords.LICENSE.

    One text and not a set: looking through it takes microseconds, and a tenth of the memory.
    """
    return "\n" not in password and f"\n{password.casefold()}\n" in _common_passwords()


def _nobodys(settings: Settings) -> str:
    """A hash that costs what ours cost, and that no password has: its result was drawn."""
    cost = f"m={settings.argon2_memory},t={settings.argon2_time},p={settings.argon2_parallelism}"
    salt, result = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19${cost}${salt}${result}"


def _made_of(password: str, own_words: tuple[str | None, ...]) -> bool:
    """Whether hardly anything is left of the password once the user's own words are taken out."""
    words = {"admit"}
    for own in own_words:
        if own:
            words |= {own.casefold(), *re.split(r"[@.]", own.casefold())}
    left = password
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _WORD:
            left = left.replace(word, "")
    return left != password and len(left) < LEFT_OVER


def _cores() -> int:
    """The processors that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(usable(0)) if usable else os.cpu_count() or 1


def _yield_the_processor() -> None:
    """Linux counts niceness per thread; elsewhere it would slow the whole process."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
