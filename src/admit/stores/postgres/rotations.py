"""Refreshes that come together go to the server together, in one statement.

A statement costs its round trip and its commit whether it moves one session or sixty-four, so
whatever waits while others are under way is the next one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from psycopg.errors import LockNotAvailable

from admit.errors import Unavailable
from admit.stores import patience, rows
from admit.stores.base import Rotation
from admit.stores.postgres import statements as sql

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from admit.stores.postgres.connections import Connections
    from admit.stores.rows import Row

AT_ONCE = 64
"""The most sessions that one statement moves."""
LANES = 2
"""How many statements are under way at once: one is at the disk while the next is read."""
_SESSION_COLUMNS = len(rows.SESSION.split(","))


class Given(NamedTuple):
    """What one caller presents; the columns of the statement."""

    id: str
    generation: int
    retry_key: bytes | None
    deadline: float
    now: float
    rest_after: float
    rest_before: float


Waiting = tuple[Given, asyncio.Future[Rotation | None]]
"""What a caller presents, and where the answer goes."""
Batch = dict[str, Waiting]
"""Those that go together, by their sessions' ids."""


class Rotations:
    """The rotations of one event loop.

    Arguments:
        connections: those of that loop.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._waiting: list[Waiting] = []
        self._lanes = 0
        self._under_way: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds them only weakly

    async def rotate(self, given: Given) -> Rotation | None:
        """See `Store.rotate`."""
        with patience.Step() as left:
            return await self._answer(given, left)

    async def _answer(self, given: Given, seconds: float) -> Rotation | None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Rotation | None] = loop.create_future()
        self._waiting.append((given, future))
        if self._lanes < LANES:
            # It begins in the next turn of the loop: whoever else is ready in this one comes along.
            self._lanes += 1
            task = loop.create_task(self._lane())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # From here, and not from when it is sent: it may have to wait for a lane first.
        late = loop.call_later(seconds, _give_up, future)
        try:
            return await future
        finally:
            late.cancel()

    async def _lane(self) -> None:
        try:
            await self._send()
        finally:
            self._lanes -= 1  # in the same turn in which it found that nobody waits

    async def _send(self) -> None:
        while self._waiting:
            if not (batch := self._take()):
                return
            self._under_way |= batch.keys()
            try:
                await self._settle(batch)
            finally:
                self._under_way -= batch.keys()

    async def _settle(self, batch: Batch) -> None:
        """All of them together; where somebody holds one, each by itself: the others go on.

        The one that is held is `Unavailable`. No answer must never look like no session.
        """
        given = [each for each, _ in batch.values()]
        try:
            # With time of its own: what began this lane is one of many requests that it serves.
            rotations = await self._connections.run(
                lambda db: _rotate(db, given), seconds=patience.SECONDS
            )
        except Exception as error:  # noqa: BLE001  handed to its callers, whatever it is
            if len(batch) > 1 and isinstance(error.__cause__, LockNotAvailable):
                await asyncio.gather(*(self._settle({name: batch[name]}) for name in batch))
                return
            for _, future in batch.values():
                if not future.done():
                    future.set_exception(error)
        else:
            for session_id, (_, future) in batch.items():
                if not future.done():
                    future.set_result(rotations.get(session_id))

    def _take(self) -> Batch:
        """Those who waited longest; of two with one session the second waits for the first."""
        batch: Batch = {}
        left = []
        for each in self._waiting:
            if each[1].done():
                continue  # it gave up, or was called off, before anything was sent
            session_id = each[0].id
            waits = session_id in batch or session_id in self._under_way
            if len(batch) < AT_ONCE and not waits:
                batch[session_id] = each
            else:
                left.append(each)
        self._waiting = left
        return batch


def _give_up(future: asyncio.Future[Rotation | None]) -> None:
    if not future.done():
        future.set_exception(Unavailable(patience.LATE))


async def _rotate(connection: AsyncConnection[Row], given: list[Given]) -> dict[str, Rotation]:
    """The rows as they stand after it, by their ids: those that it moved, then all others."""
    columns = [list(column) for column in zip(*given, strict=True)]
    moved = await connection.execute(sql.ROTATE, columns, binary=True)
    rotations = {row[0]: _rotation(row, won=True) for row in await moved.fetchall()}
    others = [each.id for each in given if each.id not in rotations]
    if others:
        # A statement of its own: it sees what those committed whom the first one waited for.
        found = await connection.execute(sql.SESSIONS_AND_USERS, [others], binary=True)
        rotations |= {row[0]: _rotation(row, won=False) for row in await found.fetchall()}
    return rotations


def _rotation(row: Row, *, won: bool) -> Rotation:
    return Rotation(
        won=won,
        session=rows.session(row[:_SESSION_COLUMNS]),
        account=rows.account(row[_SESSION_COLUMNS:]),
    )
