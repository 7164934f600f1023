"""Who may try again, and when.

Only failures count, and an attempt that is still under way counts as one, so a thousand parallel
guesses get no further than a thousand in a row, in however many processes. Sign-ins are limited
three ways: for the account from that address, for the account from everywhere, and for the
address. Past the account's limit an address without a recent failure of its own may still try: a
stranger who guesses from a thousand places gets a guess a minute from each, and never locks the
owner out.

An attempt takes a place under each of its limits in one atomic step, and gives them back unless it
failed: what is counted is what failed and what is under way (docs/decisions/0013).
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from functools import cached_property
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import TYPE_CHECKING

from admit.counters import Memory, Place
from admit.errors import InvalidCredentials, TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from admit.counters import Counters, Taken
    from admit.settings import Settings

IPV6_PREFIX = 64
"""One customer's line has at least this network to itself, so its addresses are one."""
UNLIMITED = 1 << 31


class Rule:
    """One limit, in the notation of the library limits: every part of it has to hold."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._text = text

    @cached_property
    def _windows(self) -> list[tuple[int, int]]:
        """Seconds and the most in them, the shortest first; a good refresh asks for none."""
        from limits import parse_many  # noqa: PLC0415  it loads much: with the first attempt

        windows: dict[int, int] = {}
        for item in parse_many(self._text):
            seconds = item.get_expiry()
            windows[seconds] = min(item.amount, windows.get(seconds, item.amount))
        return sorted(windows.items())

    def places(self, key: str) -> tuple[Place, ...]:
        """What an attempt under `key` takes, the shortest window first."""
        name = self.name
        return tuple(Place(f"{name} {key} {span}", span, most) for span, most in self._windows)

    def fresh(self, key: str) -> tuple[Place, ...]:
        """The same for one who may try only where nothing failed in the shortest window."""
        first, *others = self.places(key)
        return (Place(first.key, first.seconds, 1), *others)

    def unlimited(self, key: str) -> tuple[Place, ...]:
        """The same for one whom this limit does not hold back, and who counts all the same."""
        return tuple(Place(each.key, each.seconds, UNLIMITED) for each in self.places(key))


class Throttle:
    """The limits on attempts.

    Arguments:
        settings: the limits; `throttle=off` turns every one off.
        clock: seconds since 1970.
        counters: where it is counted.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], counters: Counters) -> None:
        self._on = settings.throttle
        self._clock = clock
        self._counters = counters
        self._pair = Rule("login", settings.throttle_login)
        self._account = Rule("account", settings.throttle_account)
        self._address = Rule("address", settings.throttle_address)
        self._register = Rule("register", settings.throttle_register)
        self._password = Rule("password", settings.throttle_password)
        self._refresh = Rule("refresh", settings.throttle_refresh)
        self._shut = Memory()

    @asynccontextmanager
    async def sign_in(self, account: str, ip: str | None) -> AsyncIterator[None]:
        """One attempt to sign in to `account`, which fails by raising InvalidCredentials.

        Raises:
            TooManyAttempts: before anything is tried.
        """
        if not self._on:
            yield
            return
        async with self._attempt(await self._enter(_digest(account), _address(ip))):
            yield

    @asynccontextmanager
    async def password_change(self, user_id: str) -> AsyncIterator[None]:
        """One attempt to change a password, which fails by raising InvalidCredentials."""
        if not self._on:
            yield
            return
        async with self._attempt(await self._take(self._password.places(user_id))):
            yield

    async def register(self, ip: str | None) -> None:
        """Count a registration, good or not; raises TooManyAttempts past the limit."""
        if self._on:
            self._must_hold(await self._take(self._register.places(_address(ip))))

    async def refresh(self, session_id: str | None, ip: str | None) -> None:
        """Raise TooManyAttempts where this session, from this address, was refused too often.

        Whether it was is known in this process: a refresh that is genuine waits for nothing.
        """
        if self._on and not self._shut.empty:
            shut = self._shut.look(f"{session_id} {_address(ip)}", now=self._clock())
            if shut:
                raise self._too_many(shut.end)

    async def refresh_refused(self, session_id: str | None, ip: str | None) -> None:
        """Count a refusal; forged tokens have no session and count together."""
        if self._on:
            key = f"{session_id} {_address(ip)}"
            taken = await self._take(self._refresh.places(key))
            if taken.full:
                now = self._clock()
                self._shut.take_now((Place(key, taken.until - now, UNLIMITED),), now=now)

    async def _enter(self, account: str, address: str) -> Taken:
        """Take the places of a sign-in. Past the account's limit, only a fresh address may."""
        pair, everywhere = f"{account} {address}", self._account.places(account)
        others = self._address.places(address)
        taken = await self._take((*self._pair.places(pair), *others, *everywhere))
        if not taken.held and set(taken.full) <= set(everywhere):
            fresh, counted = self._pair.fresh(pair), self._account.unlimited(account)
            taken = await self._take((*fresh, *others, *counted))
        return taken

    @asynccontextmanager
    async def _attempt(self, taken: Taken) -> AsyncIterator[None]:
        """Hold these places while an attempt runs, and give them back unless it fails."""
        self._must_hold(taken)
        failed = False
        try:
            yield
        except InvalidCredentials:
            failed = True
            raise
        finally:
            if not failed:  # also where the caller gives up and is cancelled
                await asyncio.shield(self._counters.give_back(taken))

    async def _take(self, places: tuple[Place, ...]) -> Taken:
        return await self._counters.take(places, now=self._clock())

    def _must_hold(self, taken: Taken) -> None:
        if not taken.held:
            raise self._too_many(taken.until)

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
