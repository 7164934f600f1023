"""Who may try again, and when.

Only failures count, and an attempt that is still under way counts as one, so a thousand parallel
guesses get no further than a thousand in a row. Sign-ins are limited three ways: for the account
from that address, for the account from everywhere, and for the address. Past the account's limit
an address without a recent failure of its own may still try: a stranger who guesses from a
thousand places gets a guess a minute from each, and never locks the owner out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import TYPE_CHECKING

from limits import RateLimitItem, parse_many
from limits.aio.strategies import FixedWindowRateLimiter

from admit.counters import Counters
from admit.errors import InvalidCredentials, TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from admit.settings import Settings

IPV6_PREFIX = 64
"""One customer's line has at least this network to itself, so its addresses are one."""


class Rule:
    """One limit, in the notation of the library limits: every part of it has to hold."""

    def __init__(self, name: str, text: str, limiter: FixedWindowRateLimiter) -> None:
        self.name = name
        self._items: list[RateLimitItem] = parse_many(text)
        self._limiter = limiter
        self._under_way: Counter[str] = Counter()

    async def wait(self, key: str) -> float | None:
        """When another try makes sense; None where one may be made, or is rightly under way."""
        for item in self._items:
            stats = await self._limiter.get_window_stats(item, self.name, key)
            if stats.remaining < max(1, self._under_way[key]):
                return stats.reset_time
        return None

    async def touched(self, key: str) -> float | None:
        """When the failures here are forgotten; None where nothing failed or is under way."""
        item = min(self._items, key=lambda each: each.get_expiry())
        stats = await self._limiter.get_window_stats(item, self.name, key)
        if stats.remaining == item.amount and not self._under_way[key]:
            return None
        return stats.reset_time

    async def count(self, key: str) -> None:
        """Count one failure."""
        for item in self._items:
            await self._limiter.hit(item, self.name, key)

    def enter(self, key: str) -> None:
        """An attempt begins."""
        self._under_way[key] += 1

    def leave(self, key: str) -> None:
        """An attempt is over."""
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]


class Throttle:
    """The limits on attempts.

    Arguments:
        settings: the limits; `throttle=off` turns every one off.
        clock: seconds since 1970.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._on = settings.throttle
        self._clock = clock
        limiter = FixedWindowRateLimiter(Counters(clock))
        self._pair = Rule("login", settings.throttle_login, limiter)
        self._account = Rule("account", settings.throttle_account, limiter)
        self._address = Rule("address", settings.throttle_address, limiter)
        self._register = Rule("register", settings.throttle_register, limiter)
        self._password = Rule("password", settings.throttle_password, limiter)
        self._refresh = Rule("refresh", settings.throttle_refresh, limiter)

    @asynccontextmanager
    async def sign_in(self, account: str, ip: str | None) -> AsyncIterator[None]:
        """One attempt to sign in to `account`, which fails by raising InvalidCredentials.

        Raises:
            TooManyAttempts: before anything is tried.
        """
        key, address = _digest(account), _address(ip)
        pair = f"{key} {address}"
        self._account.enter(key)
        try:
            if self._on and await self._account.wait(key):
                until = await self._pair.touched(pair)
                if until is not None:
                    raise self._too_many(until)
            limits = ((self._pair, pair), (self._address, address))
            async with self._attempt(*limits, also=((self._account, key),)):
                yield
        finally:
            self._account.leave(key)

    @asynccontextmanager
    async def password_change(self, user_id: str) -> AsyncIterator[None]:
        """One attempt to change a password, which fails by raising InvalidCredentials."""
        async with self._attempt((self._password, user_id)):
            yield

    async def register(self, ip: str | None) -> None:
        """Count a registration, good or not; raises TooManyAttempts past the limit."""
        if self._on:
            await self._refuse(self._register, _address(ip))
            await self._register.count(_address(ip))

    async def refresh(self, session_id: str | None, ip: str | None) -> None:
        """Raise TooManyAttempts where this session, from this address, was refused too often."""
        if self._on:
            await self._refuse(self._refresh, f"{session_id} {_address(ip)}")

    async def refresh_refused(self, session_id: str | None, ip: str | None) -> None:
        """Count a refusal; forged tokens have no session and count together."""
        if self._on:
            await self._refresh.count(f"{session_id} {_address(ip)}")

    @asynccontextmanager
    async def _attempt(
        self, *limits: tuple[Rule, str], also: tuple[tuple[Rule, str], ...] = ()
    ) -> AsyncIterator[None]:
        """Hold a place under `limits` while an attempt runs, and count it there if it fails."""
        if not self._on:
            yield
            return
        entered = []
        try:
            for rule, key in limits:
                rule.enter(key)
                entered.append((rule, key))
                await self._refuse(rule, key)
            yield
        except InvalidCredentials:
            for rule, key in (*limits, *also):
                await rule.count(key)
            raise
        finally:
            for rule, key in entered:
                rule.leave(key)

    async def _refuse(self, rule: Rule, key: str) -> None:
        if (until := await rule.wait(key)) is not None:
            raise self._too_many(until)

    def _too_many(self, until: float) -> TooManyAttempts:
        return TooManyAttempts(retry_after=max(1, ceil(until - self._clock())))


def _digest(account: str) -> str:
    """What stands for an account in a counter: a store of counters holds no address or name."""
    return hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _address(ip: str | None) -> str:
    """What counts as one address: itself, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(ip or "")
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX)))
