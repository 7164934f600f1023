"""`GET /revocations`: what other services must refuse, as soon as this process knows it."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from contextvars import Context
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from admit.catchup import LOOK_SECONDS
from admit.errors import InvalidInput, Unavailable
from admit.http import bodies, credentials, parsing
from admit.revocation import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

    from admit.engine import Engine
    from admit.revocation import Page

LONGEST_WAIT = 30
"""Seconds; what stands between us and the verifier cuts a silent connection after about 60."""
ENDS_AT = "admit.ends_at"
"""Where, in its scope, a request has the monotonic instant at which whoever carries it gives up."""
MOST_WAITING = 1_000
"""Each is a connection that somebody with a key holds open."""
_WAIT = re.compile(r"[0-9]|[12][0-9]|30", re.ASCII)
_WANTS = {
    "after": "the cursor of an answer, as it came; leave it out for everything",
    "wait": f"a whole number of seconds, 0 to {LONGEST_WAIT}",
}


class Asked(msgspec.Struct, frozen=True):
    """What a verifier asks for: what came after its cursor, and for how long it would wait."""

    after: Cursor
    wait: int
    held: frozenset[str]
    """The entity tags that it holds already (RFC 9110 section 13.1.2)."""


class RevocationFeed:
    """The feed, served from this process's memory.

    Arguments:
        engine: what knows the revocations.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._revoked = engine.revoked
        self._keys = credentials.Keys(engine.settings.verifier_keys, "verifier_keys")
        self._waiting = 0

    async def revocations(self, request: Request) -> Response:
        """`GET /revocations`."""
        self._keys.check(request.headers)
        asked = _asked(request.query_params, request.headers)
        await self._catch_up(asked.after)
        page = self._page(asked)
        wait = min(asked.wait, request.scope.get(ENDS_AT, inf) - monotonic())
        if wait > 0 and not _is_news(page, asked):
            with self._place():
                page = await self._waited(request, asked, wait)
        return _answer(page, asked)

    async def _catch_up(self, cursor: Cursor) -> None:
        """Look at the store where the verifier knows more than this process, or this one is old.

        Raises:
            Unavailable: the store can't be read.
        """
        await self._engine.catch_up()
        now = self._engine.clock()
        if self._revoked.is_ahead(cursor) or not self._revoked.is_fresh(now):
            await self._revoked.look(now)

    def _page(self, asked: Asked) -> Page:
        """What comes after the cursor.

        Raises:
            Unavailable: this process itself has not heard for too long.
        """
        now = self._engine.clock()
        self._revoked.check(now)
        return self._revoked.page(asked.after, now)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places for those who wait."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many wait here already: ask again with wait=0.")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _waited(self, request: Request, asked: Asked, wait: float) -> Page:
        """The first page with news, or the one at the end of the wait; nothing for who has left."""
        # In no request's context: a wait is longer than the time that a request has for its store.
        news = asyncio.create_task(self._news(asked, wait), context=Context())
        left = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({news, left}, return_when=asyncio.FIRST_COMPLETED)
            if not news.done():
                raise ClientDisconnect
            return news.result()
        finally:
            news.cancel()
            left.cancel()
            await asyncio.gather(news, left, return_exceptions=True)

    async def _news(self, asked: Asked, wait: float) -> Page:
        loop, news = asyncio.get_running_loop(), self._revoked.news
        until = loop.time() + wait
        # Now and then it is checked how old this knowledge is, so that the verifier is told.
        watched = self._engine.watched
        step = self._engine.settings.revocation_max_age if watched else LOOK_SECONDS
        while True:
            await self._engine.catch_up()
            seen = news.turn
            page = self._page(asked)
            left = until - loop.time()
            if _is_news(page, asked) or left <= 0 or not news.open:
                return page
            await news.wait(seen, seconds=min(left, step))


async def _left(request: Request) -> None:
    """Return once the verifier has gone; what it sends meanwhile is thrown away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _asked(query: QueryParams, headers: Headers) -> Asked:
    given: dict[str, str] = {}
    fields: dict[str, str] = {}
    for name, value in query.multi_items():
        if name not in _WANTS:
            if len(fields) < parsing.MOST_UNKNOWN:
                fields[name[:64]] = "unknown: leave it out"
        elif name in given:
            fields[name] = "one value, not several"
        given[name] = value
    cursor = Cursor.read(given["after"]) if "after" in given else Cursor()
    if cursor is None:
        fields.setdefault("after", _WANTS["after"])
    if not _WAIT.fullmatch(given.get("wait", "0")):
        fields.setdefault("wait", _WANTS["wait"])
    if fields or cursor is None:
        raise InvalidInput(fields=fields)
    tags = ",".join(headers.getlist("if-none-match")).split(",")
    held = frozenset(tag.strip().removeprefix("W/") for tag in tags)
    return Asked(after=cursor, wait=int(given.get("wait", "0")), held=held)


def _is_news(page: Page, asked: Asked) -> bool:
    return bool(page.entries) and not _is_held(page, asked)


def _is_held(page: Page, asked: Asked) -> bool:
    """Never where there is more: the tag of a full page stays while news comes behind it."""
    return not page.more and (_tag(page) in asked.held or "*" in asked.held)


def _tag(page: Page) -> str:
    return f'"{page.cursor}"'


def _answer(page: Page, asked: Asked) -> Response:
    held = _is_held(page, asked)
    response = Response(status_code=304) if held else bodies.answer(bodies.revocations_out(page))
    # Weak: an entry that matters no longer drops out of it without a new tag.
    response.headers["etag"] = f"W/{_tag(page)}"
    response.headers["cache-control"] = "private, no-cache"
    return response
