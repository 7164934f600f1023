"""The connections of one event loop: a bounded pool, and a bound on how long anything may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import psycopg
from psycopg import errors as pg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from admit.errors import Unavailable
from admit.stores import patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from psycopg import AsyncConnection

    from admit.stores.rows import Row

Result = TypeVar("Result")
Work = Callable[["AsyncConnection[Row]"], Awaitable[Result]]

WAIT_SECONDS = 1.0
"""How long for its turn, and then for a connection."""
LET_GO_SECONDS = 0.5
"""How long a server that did not answer in time has to take back what it was asked."""
STATEMENT_MS = 1_200
"""After which the server gives a statement up, and takes back what it did."""
LOCK_MS = 400
"""How long a statement waits for somebody else's lock: nobody of ours holds one for longer."""
IDLE_MS = 5_000
"""After which the server ends a transaction in which nothing happens: its process is gone."""
TRIES = 3
"""How often a step is made that the server took back because of another one."""
CONNECT_SECONDS = 2
OUT = "The store cannot be reached."
OUT_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    pg.ReadOnlySqlTransaction,
    pg.InsufficientPrivilege,
    PoolTimeout,
    PoolClosed,
)
"""What says that the server can't, whatever it was asked."""
SESSION = f"""
SELECT set_config('statement_timeout', '{STATEMENT_MS}', false),
       set_config('lock_timeout', '{LOCK_MS}', false),
       set_config('idle_in_transaction_session_timeout', '{IDLE_MS}', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
         WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)
"""
"""What the store's promises rest on, whatever the database's own defaults are."""
PARAMETERS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "admit",
    "target_session_attrs": "read-write",  # a replica lags, which would look like theft
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # and where something was sent that nobody acknowledges
}


class Connections:
    """A pool for the event loop that is running.

    Arguments:
        url: `postgresql://…`; what it says itself wins over `PARAMETERS`.
        most: how many connections there are at most; the last one is kept for looking.
    """

    def __init__(self, url: str, *, most: int) -> None:
        self._connected = asyncio.Event()
        self._made: WeakSet[AsyncConnection[Row]] = WeakSet()
        self._places = asyncio.Semaphore(max(1, most - 1))
        self._pool = AsyncConnectionPool(
            url,
            kwargs=parameters(url) | {"autocommit": True},
            min_size=1,
            max_size=most,
            timeout=WAIT_SECONDS,
            reconnect_timeout=WAIT_SECONDS,
            configure=self._configure,
            open=False,
            name="admit",
        )

    async def open(self) -> None:
        """Connect, or leave it to the pool to go on trying where that takes long.

        Who comes before there is a connection makes the pool begin another one, and an event loop
        that ends right afterwards would have to wait for that.
        """
        await self._pool.open()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), WAIT_SECONDS)

    async def close(self) -> None:
        """Let the connections go."""
        await self._pool.close(timeout=patience.SECONDS)

    def abandon(self) -> None:
        """Cut every connection: their event loop is gone, or belongs to somebody else."""
        for connection in self._made:
            connection.pgconn.finish()

    async def run(self, work: Work[Result], *, seconds: float | None = None) -> Result:
        """What `work` makes of a connection, in its turn.

        Arguments:
            work: asks the server.
            seconds: how long it may take, also where the request has less left; else 1.5.

        A caller that is cancelled, or has waited for as long as it may, leaves the work to end by
        itself; at the end of its own time it is called off. To the law either is an answer that
        was lost.

        Raises:
            Unavailable: no connection, no answer in time, or the server can't.
        """
        if seconds is not None:
            return await _bounded(self._in_turn(work), seconds)
        with patience.Step() as left:
            return await _bounded(self._in_turn(work), patience.SECONDS, waits=left)

    async def look(self, work: Work[Result]) -> Result:
        """The same for what a process has to know: on the connection that is kept for that."""
        with patience.Step() as left:
            return await _bounded(self._tried(work), patience.SECONDS, waits=left)

    async def _in_turn(self, work: Work[Result]) -> Result:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            why = f"couldn't get a connection after {WAIT_SECONDS:.2f} sec: all of them are in use"
            raise Unavailable(OUT) from PoolTimeout(why)
        try:
            return await self._tried(work)
        finally:
            self._places.release()

    async def _configure(self, connection: AsyncConnection[Row]) -> None:
        await connection.execute(SESSION)
        self._made.add(connection)
        self._connected.set()

    async def _tried(self, work: Work[Result]) -> Result:
        for left in reversed(range(TRIES)):
            try:
                async with self._connection() as connection:
                    return await work(connection)
            except (pg.DeadlockDetected, pg.SerializationFailure) as error:
                if not left:
                    raise Unavailable(OUT) from error
        raise AssertionError

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        """One from the pool; where it turns out to be dead, so are the others that lie idle."""
        try:
            connection = await self._pool.getconn()
            try:
                yield connection
            except pg.ReadOnlySqlTransaction:
                await connection.close()  # it was the primary once
                raise
            finally:
                # Shielded: one that is not put back is lost to the pool for ever.
                await asyncio.shield(self._put_back(connection))
        except (pg.DeadlockDetected, pg.SerializationFailure):
            raise
        except OUT_ERRORS as error:
            raise Unavailable(OUT) from error

    async def _put_back(self, connection: AsyncConnection[Row]) -> None:
        dead = connection.broken or connection.closed
        await self._pool.putconn(connection)
        if dead:
            await self._pool.drain()


async def fetched(db: AsyncConnection[Row], statement: str, values: Any = None) -> list[Row]:  # noqa: ANN401
    """All rows that a statement gives."""
    cursor = await db.execute(statement.encode(), values)
    return await cursor.fetchall()


def connecting_seconds(url: str) -> float:
    """How long connecting may take where only the last of the listed hosts answers."""
    given = psycopg.conninfo.conninfo_to_dict(url)
    hosts = str(given.get("hostaddr") or given.get("host") or "").split(",")
    each = int(given.get("connect_timeout") or CONNECT_SECONDS)
    return patience.SECONDS + each * (len(hosts) - 1)


def parameters(url: str) -> dict[str, Any]:
    """The connection parameters that the URL does not give itself."""
    given = psycopg.conninfo.conninfo_to_dict(url)
    return {name: value for name, value in PARAMETERS.items() if name not in given}


async def _bounded(
    work: Coroutine[Any, Any, Result], seconds: float, *, waits: float | None = None
) -> Result:
    """What it comes to within so many seconds, or while its caller waits; see `Connections.run`."""
    task = asyncio.create_task(work)
    later = asyncio.get_running_loop().call_later
    # When it is called off, the driver asks the server to stop and waits for that, up to ten
    # seconds; called off again, it drops the connection.
    late = [later(after, task.cancel) for after in (seconds, seconds + LET_GO_SECONDS)]

    def over(_: asyncio.Task[Result]) -> None:
        for each in late:
            each.cancel()

    task.add_done_callback(over)
    task.add_done_callback(patience.forget)
    done, _ = await asyncio.wait({task}, timeout=seconds if waits is None else waits)
    if not done or task.cancelled():
        raise Unavailable(patience.LATE)
    return task.result()
