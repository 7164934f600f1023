"""Admit's routes for those who have threads.

A request goes to the one loop as a whole, and so does its answer come back: one change of threads
for each, where an adapter that streams needs six.
"""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from admit.frameworks.bridge import BRIDGE
from admit.http.embedding import Paths
from admit.http.feed import ENDS_AT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message

    from admit.auth import Admit

FEED = "/revocations"
LONG_POLLS = 2
"""How many verifiers may wait for news in a process, each of which keeps a thread busy; others are
answered at once."""


class Reply(msgspec.Struct):
    """What the routes answered."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Routes:
    """Every route under the prefix.

    Arguments:
        auth: whose routes they are.
        at_root: whether the health checks and the keys are answered at the root, too.

    Raises:
        SettingsError: without a prefix, no path would be left to the app.
    """

    def __init__(self, auth: Admit, *, at_root: bool = False) -> None:
        self._auth = auth
        self._paths = Paths(auth, at_root=at_root)
        self._waiting = threading.BoundedSemaphore(LONG_POLLS)

    def has(self, path: str) -> bool:
        """Whether this path is one of ours."""
        return path in self._paths

    def answer(self, scope: dict[str, Any], body: bytes) -> Reply:
        """The answer to this request; the calling thread waits.

        Raises:
            Unavailable: it takes too long, or the process is about to end.
        """
        may_wait = scope["query_string"] and scope["path"].endswith(FEED)
        if not may_wait:
            return self._called(scope, body)
        if not self._waiting.acquire(blocking=False):
            return self._called(scope | {ENDS_AT: monotonic()}, body)
        try:
            return self._called(scope, body)
        finally:
            self._waiting.release()

    def _called(self, scope: dict[str, Any], body: bytes) -> Reply:
        BRIDGE.keep(self._auth)
        return BRIDGE.call(_exchange(self._auth.app, scope, body))


async def _exchange(
    app: Callable[..., Awaitable[None]], scope: dict[str, Any], body: bytes
) -> Reply:
    """One request and its answer."""
    sent: list[Message] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return unread.pop() if unread else await _never()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    begun, *rest = sent
    return Reply(
        begun["status"], begun["headers"], b"".join(each.get("body", b"") for each in rest)
    )


async def _never() -> Message:
    """Nobody says here that a caller is gone."""
    never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
    return await never
