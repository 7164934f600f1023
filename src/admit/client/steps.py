"""What the client has to do outside itself, as steps that either colour of code can take.

The client's logic is written once, as generators that yield steps and are handed their results.
Here each step is done in both ways, and a generator is run in both ways.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio
import anyio.to_thread
import httpx

from admit.client.answers import SHARES, ask, ask_async
from admit.client.errors import LostError, TokensError
from admit.errors import SettingsError

if TYPE_CHECKING:
    import ssl

    from admit.client.answers import Answer

T = TypeVar("T")


class Step(Protocol):
    """Something to be done, in either way."""

    def do(self) -> Any:  # noqa: ANN401  each step has a result of its own type
        """Do it, and block for as long as it takes."""

    async def do_async(self) -> Any:  # noqa: ANN401  as above
        """Do it, and let others go on meanwhile."""


Steps = Generator[Step, Any, T]
"""A story in steps, with a result at its end."""
Flow = Generator[Step | httpx.Request, Any, None]
"""One that also has requests for the app's own client to send, as `httpx.Auth` wants it."""


class Line:
    """How the issuer is reached: whom to believe, through which proxy, how long to wait.

    Arguments:
        verify: as of httpx.
        proxy: as of httpx.
        timeout: seconds that a step may take: to connect, to send, to receive the next bytes.

    Raises:
        SettingsError: that would be without end.
    """

    def __init__(self, verify: ssl.SSLContext | bool, proxy: str | None, timeout: float) -> None:  # noqa: FBT001  httpx's own
        if not 0 < timeout < math.inf:
            raise SettingsError("timeout", "timeout is a number of seconds, over 0 and finite.")
        self._verify = verify
        self._proxy = proxy
        self._timeout = timeout

    @property
    def seconds(self) -> float:
        """How long a try may take altogether."""
        return SHARES * self._timeout

    def options(self, url: str) -> dict[str, Any]:
        """For a client of httpx. Whom to believe is read once: that takes longer than a refresh.

        What goes to this machine without TLS goes through no proxy of the environment: it would
        leave the machine, and could be read there.
        """
        if isinstance(self._verify, bool):
            self._verify = httpx.create_ssl_context(self._verify)
        return {
            "verify": self._verify,
            "proxy": self._proxy,
            "trust_env": httpx.URL(url).scheme == "https",
            "timeout": self._timeout,
            "follow_redirects": False,
        }


class Hidden(dict[str, str]):
    """Names and values that are not shown: collectors of errors print what functions hold."""

    def __repr__(self) -> str:
        """Without what is in it."""
        return "Hidden()"


@dataclass(frozen=True)
class Post:
    """Send something to the issuer, over a connection of its own.

    It does not go through the app's client: that may follow a redirect, and would carry the
    refresh token in the body to wherever it points.
    """

    line: Line
    url: str
    headers: Hidden
    body: Hidden

    def do(self) -> Answer:
        """Send it.

        Raises:
            LostError: there was no answer.
        """
        try:
            with httpx.Client(**self.line.options(self.url)) as client:
                return ask(client, self._request(client), self.line.seconds)
        except httpx.HTTPError as error:
            raise _lost(error) from None

    async def do_async(self) -> Answer:
        """Send it; raises as `do` does."""
        try:
            async with httpx.AsyncClient(**self.line.options(self.url)) as client:
                return await ask_async(client, self._request(client), self.line.seconds)
        except httpx.HTTPError as error:
            raise _lost(error) from None

    def _request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        # What is packed may unpack to any size.
        headers = Hidden({**self.headers, "Accept-Encoding": "identity"})
        return client.build_request("POST", self.url, json=self.body, headers=headers)


@dataclass(frozen=True)
class Sleep:
    """Wait for so many seconds."""

    seconds: float

    def do(self) -> None:
        """Wait."""
        time.sleep(self.seconds)

    async def do_async(self) -> None:
        """Wait."""
        await anyio.sleep(self.seconds)


@dataclass(frozen=True)
class Call:
    """Call something that may block: a disk, a keychain that asks its owner."""

    function: Callable[[], Any]

    def do(self) -> Any:  # noqa: ANN401  whatever it returns
        """Call it."""
        return self.function()

    async def do_async(self) -> Any:  # noqa: ANN401  as above
        """Call it in a thread beyond the app's own number of them, which may all wait for us."""
        return await anyio.to_thread.run_sync(self.function, limiter=anyio.CapacityLimiter(1))


def post(line: Line, url: str, headers: Hidden, body: Hidden) -> Steps[Answer]:
    """The answer of the issuer; raises LostError where there is none."""
    answer: Answer = yield Post(line, url, headers, body)
    return answer


def sleep(seconds: float) -> Steps[None]:
    """Wait for so many seconds."""
    yield Sleep(seconds)


def call(function: Callable[[], T]) -> Steps[T]:
    """What the function returns; raises what it raises.

    Where tokens can't be read or written, the functions of the store hold them: the error comes
    without these, because collectors of errors print what functions hold.
    """
    try:
        result: T = yield Call(function)
    except TokensError as error:
        told = error.with_traceback(None)
        told.__cause__ = told.__context__ = None
    else:
        return result
    raise told


def through(flow: Flow) -> Generator[httpx.Request, httpx.Response, None]:
    """Run a flow; only what the app's own client has to send comes out."""
    with closing(flow):
        advance: Callable[[], Step | httpx.Request] = partial(next, flow)
        while True:
            try:
                step = advance()
            except StopIteration:
                return
            try:
                result = (yield step) if isinstance(step, httpx.Request) else step.do()
            except Exception as error:  # noqa: BLE001  the flow decides what to do about it
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, result)


async def through_async(flow: Flow) -> AsyncGenerator[httpx.Request, httpx.Response]:
    """Run a flow as `through` does."""
    with closing(flow):
        advance: Callable[[], Step | httpx.Request] = partial(next, flow)
        while True:
            try:
                step = advance()
            except StopIteration:
                return
            try:
                result = (yield step) if isinstance(step, httpx.Request) else await step.do_async()
            except Exception as error:  # noqa: BLE001  the flow decides what to do about it
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, result)


def run(steps: Steps[T]) -> T:
    """Take all the steps, and return what comes of them."""
    results: list[T] = []
    for _ in through(_into(results, steps)):
        raise AssertionError("these steps have nothing for an app's client")
    return results[0]


async def run_async(steps: Steps[T]) -> T:
    """Take all the steps, and return what comes of them."""
    results: list[T] = []
    async for _ in through_async(_into(results, steps)):
        raise AssertionError("these steps have nothing for an app's client")
    return results[0]


def _into(results: list[T], steps: Steps[T]) -> Flow:
    results.append((yield from steps))


def _lost(error: httpx.HTTPError) -> LostError:
    return LostError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
