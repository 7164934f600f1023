"""What a function asks of its table, counted by who stands between the two."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks import functions
from benchmarks.processes import LoadError
from desk.process import Process
from desk.runtime import environment
from desk.wire import Listener, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

WRITES = frozenset({"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"})
PASSED_ON = ("authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-amz-target")


class Counted(NamedTuple):
    """The requests to the table by operation, and where the time of the first answer went."""

    first: Counter[str]
    after: Counter[str]
    waited: float
    """Of the time to the first answer, the part in which the emulator was asked."""


class Between:
    """Hands every request on to the emulator at this address, and counts it."""

    def __init__(self, endpoint: str) -> None:
        self._at = urlsplit(endpoint).netloc
        self.asked: Counter[str] = Counter()
        self.seconds = 0.0

    async def answer(self, request: Request) -> Response:
        """What the emulator answers."""
        headers = {name.lower(): value for name, value in request.headers}
        self.asked[headers["x-amz-target"].rpartition(".")[2]] += 1
        begun = time.perf_counter()
        answered = await asyncio.to_thread(self._handed_on, request.body, headers)
        self.seconds += time.perf_counter() - begun
        return answered

    def _handed_on(self, body: bytes, headers: Mapping[str, str]) -> Response:
        connection = HTTPConnection(self._at)
        # The signature covers the host, which an emulator does not check.
        kept = {name: headers[name] for name in PASSED_ON if name in headers}
        connection.request("POST", "/", body, kept)
        answer = connection.getresponse()
        found = Response(answer.status, [("Content-Type", "application/json")], answer.read())
        connection.close()
        return found


def counted(
    endpoint: str, settings: Callable[[str], dict[str, str]], token: str, home: Path, *, times: int
) -> Counted:
    """Start the function, refresh once, and then so many times more.

    Arguments:
        endpoint: the emulator's.
        settings: the function's, for a table at this address.
        token: the first refresh token.
        home: where it runs.
        times: how often, after the first.
    """
    return asyncio.run(_counted(Between(endpoint), settings, token, home, times))


async def _counted(
    between: Between, settings: Callable[[str], dict[str, str]], token: str, home: Path, times: int
) -> Counted:
    async with Listener(between.answer) as listener:
        given = functions.COMPILED | settings(f"http://127.0.0.1:{listener.port}")
        environ = environment(functions.HANDLER, memory=512, given=given, cwd=home)
        process = Process(functions.runtime(functions.HANDLER), environ, cwd=home)
        await process.start()
        try:
            token = await _refreshed(process, token)
            first, seconds = between.asked.copy(), between.seconds
            for _ in range(times):
                token = await _refreshed(process, token)
        finally:
            await process.stop()
    spent = process.answered_at - process.started_at
    return Counted(first, between.asked - first, seconds / spent)


async def _refreshed(process: Process, token: str) -> str:
    """The successor of this token."""
    event = json.dumps(functions.refreshing(token)).encode()
    answer: dict[str, Any] = json.loads(await process.invoke(event))
    if answer["statusCode"] != 200:
        raise LoadError(str(answer))
    successor: str = json.loads(answer["body"])["refresh_token"]
    return successor
