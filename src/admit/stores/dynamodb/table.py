"""One table of DynamoDB: what is asked of it, how long for, and what is asked again.

What is asked again must do no harm where it happens twice. A read does none; a transaction can't,
because it carries a token by which DynamoDB knows it again; of some writes their caller says so.
Any other is asked again only where DynamoDB said that it did nothing, or was never reached: one
whose answer was lost may have been made. It is `Unavailable`, and to the law an answer that was
lost on its way.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore import exceptions as boto

from admit import readers
from admit.errors import SettingsError, Unavailable
from admit.stores import patience
from admit.stores.dynamodb.client import Client

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

Answer = dict[str, Any]

CONNECTIONS = 8
"""How many requests of one process are under way at once, unless it is told otherwise."""
CONNECT_SECONDS = 0.7
ANSWER_SECONDS = 1.2
"""How long for a connection, and then for the answer; the slowest of AWS's own take 0.1 s."""
TRIES = 8
"""How often something is asked that DynamoDB refuses only for now."""
PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
"""The pause before the second try is up to the first, then twice that, up to the second."""
OUT = "The store cannot be reached."
CLOSED = "The store is not started."

READS = frozenset({"batch_get_item", "describe_table", "get_item", "query", "scan"})
TRANSACTION = "transact_write_items"
NAMED_INSIDE = frozenset({"batch_get_item", "batch_write_item", TRANSACTION})
"""These name the table for each item, and not once."""
REFUSED_FOR_NOW = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ThrottlingException",
        "TransactionConflictException",
    }
)
"""DynamoDB did nothing, and may do it a moment later."""
CONFLICTS = frozenset(
    {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError"}
    | {"TransactionConflict"}
)
"""The same, as the reasons for which a transaction was cancelled."""
NOT_SENT = (boto.ConnectTimeoutError, boto.EndpointConnectionError)
SERVER_ERROR = 500


class ConditionFailed(boto.ClientError):  # type: ignore[misc] # untyped
    """A condition did not hold, and nothing was written.

    `item` is the one that stands there, where it was asked for and DynamoDB shows it, else None;
    `reasons` has a code for each action of a transaction, "None" where it was not its fault.
    """

    def __init__(self, response: Answer, operation: str) -> None:
        super().__init__(response, operation)
        self.item: Answer | None = response.get("Item")
        self.reasons = [each.get("Code", "None") for each in response.get(_REASONS, ())]


_REASONS = "CancellationReasons"
CONDITION = "ConditionalCheckFailed"


class _Asked(NamedTuple):
    """What `Table.ask` is asked."""

    operation: str
    parameters: Answer
    ahead: bool
    twice: bool


class Table:
    """The table that a URL names.

    Arguments:
        url: `dynamodb://TABLE?region=…&endpoint=…`.
        connections: how many requests are under way at once; one more is kept for `ahead`.

    Raises:
        SettingsError: neither the URL nor the environment names a region.
    """

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        place = readers.table_place(url)
        self.name = place.table
        self.region = place.region or _region()
        self.endpoint = place.endpoint
        self.is_emulated = place.is_emulated
        self._most = connections
        self._guard = threading.Lock()
        self._hands: _Hands | None = _Hands(self)
        self._asked: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}

    async def open(self) -> None:
        """Make the client, which takes a while: no request has to wait for it. May be repeated."""
        with self._guard:
            hands = self._hands = self._hands or _Hands(self)
        try:
            await asyncio.get_running_loop().run_in_executor(hands.all, hands.made)
        except boto.BotoCoreError as error:
            raise Unavailable(OUT) from error

    async def close(self) -> None:
        """Wait a moment for what was asked, and let go of everything; may be repeated."""
        with self._guard:
            hands, self._hands = self._hands, None
        if hands is None:
            return
        here = asyncio.get_running_loop()
        if asked := [task for task, loop in list(self._asked.items()) if loop is here]:
            await asyncio.wait(asked, timeout=patience.SECONDS)
        hands.let_go()

    async def ask(
        self,
        operation: str,
        *,
        ahead: bool = False,
        twice: bool = False,
        **parameters: Any,  # noqa: ANN401  botocore's own
    ) -> Answer:
        """What DynamoDB answers to an operation of its API, spelled as botocore does.

        The table's name is added. A caller that is cancelled, or has waited for as long as it
        may, leaves what was asked to end by itself.

        Arguments:
            operation: such as `update_item`.
            ahead: whether it may pass by what others wait for: what a process has to know.
            twice: whether this write comes to the same where it happens twice.
            parameters: such as `Key`, with every value in DynamoDB's own form.

        Raises:
            ConditionFailed: a condition did not hold.
            Unavailable: no answer in time, or DynamoDB can't; its cause says why.
        """
        asked = _Asked(operation, self._named(operation, parameters), ahead=ahead, twice=twice)
        with patience.Step() as left:
            return await self._bounded(self._tried(asked), left)

    def _named(self, operation: str, parameters: Answer) -> Answer:
        """The parameters with the table's name, and the token by which a transaction is known."""
        if operation not in NAMED_INSIDE:
            return {"TableName": self.name, **parameters}
        if operation != TRANSACTION:
            return parameters
        actions = [
            {verb: {"TableName": self.name, **action} for verb, action in each.items()}
            for each in parameters["TransactItems"]
        ]
        token = secrets.token_hex(16)
        return {"ClientRequestToken": token, **parameters, "TransactItems": actions}

    async def _bounded(self, work: Coroutine[Any, Any, Answer], waits: float) -> Answer:
        """What it comes to while its caller waits; it has the whole time for itself."""
        loop = asyncio.get_running_loop()
        task = patience.kept(loop.create_task(work))
        late = loop.call_later(patience.SECONDS, task.cancel)
        self._asked[task] = loop

        def over(task: asyncio.Task[Answer]) -> None:
            late.cancel()
            self._asked.pop(task, None)

        task.add_done_callback(over)
        done, _ = await asyncio.wait({task}, timeout=waits)
        if not done or task.cancelled():
            raise Unavailable(patience.LATE) from TimeoutError("DynamoDB did not answer in time")
        return task.result()

    async def _tried(self, asked: _Asked) -> Answer:
        """Ask, and ask again where that can't do it twice, within the time that there is."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.SECONDS
        for tried in range(TRIES):
            try:
                return await self._once(asked)
            except (boto.BotoCoreError, boto.ClientError) as error:
                length = pause(tried)
                last = tried + 1 == TRIES or loop.time() + length > until
                if last or not _may_be_repeated(asked, error):
                    raise _told(error) from error
            await asyncio.sleep(length)
        raise AssertionError

    async def _once(self, asked: _Asked) -> Answer:
        with self._guard:
            if self._hands is None:
                raise Unavailable(CLOSED)
            future = self._hands.do(asked)
        try:
            return await asyncio.wrap_future(future)
        except boto.ClientError as error:
            if _condition_failed(error):
                raise ConditionFailed(error.response, asked.operation) from None
            raise


class _Hands:
    """The threads that ask, and the one client that they share."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._making = threading.Lock()
        self._client: Client | None = None
        self.all = ThreadPoolExecutor(table._most, "admit-dynamodb")  # noqa: SLF001
        self._ahead = ThreadPoolExecutor(1, "admit-dynamodb-ahead")

    def do(self, asked: _Asked) -> Future[Answer]:
        """Begin it, in its turn."""
        threads = self._ahead if asked.ahead else self.all
        return threads.submit(lambda: self.made().ask(asked.operation, asked.parameters))

    def made(self) -> Client:
        """The client."""
        with self._making:
            if self._client is None:
                self._client = Client(
                    region=self._table.region,
                    endpoint=self._table.endpoint,
                    emulated=self._table.is_emulated,
                    connections=self._table._most + 1,  # noqa: SLF001
                    connect_seconds=CONNECT_SECONDS,
                    answer_seconds=ANSWER_SECONDS,
                )
            return self._client

    def let_go(self) -> None:
        """Begin nothing any more, and close the connections."""
        for threads in (self.all, self._ahead):
            threads.shutdown(wait=False, cancel_futures=True)
        with self._making:
            if self._client is not None:
                self._client.close()


def _region() -> str:
    """The region that AWS's own variables name.

    Raises:
        SettingsError: they name none.
    """
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if found := os.environ.get(variable):
            return found
    raise SettingsError(
        "database_url",
        "ADMIT_DATABASE_URL (database_url) names a table and no region: add ?region=eu-west-1 with"
        " yours, or set AWS_REGION.",
    )


async def rest(tried: int) -> None:
    """Let others go first, in the time that the request has.

    Raises:
        Unavailable: it has none left.
    """
    with patience.Step() as left:
        await asyncio.sleep(min(left, pause(tried)))


def pause(tried: int) -> float:
    """Full jitter, from the system's randomness: SnapStart restores any other many times."""
    longest = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2**tried)
    return secrets.SystemRandom().uniform(0, longest)


def answered(error: BaseException | None) -> Answer:
    """What DynamoDB said when it refused; empty where it said nothing."""
    return getattr(error, "response", None) or {}


def code(error: BaseException | None) -> str:
    """The code with which DynamoDB refused, where that is what happened."""
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    return str(answered(cause).get("Error", {}).get("Code", ""))


def _reasons(error: Exception) -> set[str]:
    given = answered(error).get(_REASONS) or ()
    return {each.get("Code", "None") for each in given} - {"None"}


def _condition_failed(error: Exception) -> bool:
    return code(error) == "ConditionalCheckFailedException" or CONDITION in _reasons(error)


def _may_be_repeated(asked: _Asked, error: Exception) -> bool:
    """Whether asking once more could help, and can't do it twice."""
    if isinstance(error, ConditionFailed):
        return False
    if code(error) in REFUSED_FOR_NOW or isinstance(error, NOT_SENT):
        return True
    if code(error) == "TransactionCanceledException":
        return bool(_reasons(error) & CONFLICTS)
    if not asked.twice and asked.operation not in READS | {TRANSACTION}:
        return False
    status = answered(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    lost = isinstance(error, boto.HTTPClientError) or status >= SERVER_ERROR
    return lost or code(error) == "TransactionInProgressException"


def _told(error: Exception) -> Exception:
    """What the caller hears: that it can't be done now, or what it did wrong itself."""
    ours = isinstance(error, ConditionFailed | boto.ParamValidationError)
    return error if ours or code(error) == "ValidationException" else Unavailable(OUT)
