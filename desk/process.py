"""One process of a Lambda function, and the Runtime API that it talks to.

The process asks for an event (`/invocation/next`), answers it (`/response`, `/error`), and asks
again: AWS's own runtime client does, and whoever else speaks the API
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from desk.ending import with_its_parent
from desk.wire import Listener, Request, Response

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import IO

API = "/2018-06-01/runtime"
STOP_SECONDS = 10.0
ARN = "arn:aws:lambda:eu-central-1:000000000000:function:desk"


class InvocationError(Exception):
    """The invocation gave no answer."""


class FunctionError(InvocationError):
    """The function raised: `kind` is the exception's name, `trace` its lines."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told.get("errorMessage") or "")
        self.kind: str = told.get("errorType") or ""
        self.trace: list[str] = told.get("stackTrace") or []


class InitError(FunctionError):
    """The function could not be loaded."""


class ProcessEnded(InvocationError):
    """The process ended before it had answered."""


class TimedOut(InvocationError):
    """The function took too long, and its process was killed."""


@dataclass
class Invocation:
    """One event on its way through a process."""

    payload: bytes
    deadline: float
    """Seconds since 1970."""
    answer: asyncio.Future[bytes]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Process:
    """One process, which answers one event at a time.

    Arguments:
        command: what is run.
        environ: its whole environment, but for the address of the Runtime API.
        frozen: whether it stands still between two events, as on AWS.
        timeout: how many seconds an event may take.
        log: where what it writes goes; None leaves it where ours goes.
        cwd: where it runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        frozen: bool = False,
        timeout: float = 60.0,
        log: IO[bytes] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> None:
        self._command, self._environ, self._cwd, self._log = command, environ, cwd, log
        self._frozen, self._timeout = frozen, timeout
        self._child: asyncio.subprocess.Process | None = None
        self.busy = False
        self.invocations = 0
        self.started_at = self.asked_at = self.answered_at = 0.0
        """Monotonic instants of its last start: when it was started, asked for its first event,
        and gave its first answer; 0.0 where it has not yet."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.returncode is None

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._child is not None
        return self._child.pid

    async def start(self) -> None:
        """Start it, anew where it has ended; whether it can be loaded is told by `ready`."""
        await self.stop()
        self._waiting: asyncio.Queue[Invocation] = asyncio.Queue()
        self._current: Invocation | None = None
        self._asked = asyncio.Event()
        self._idle = asyncio.Event()
        self._failed: dict[str, Any] | None = None
        self.asked_at = self.answered_at = 0.0
        self._api = await Listener(self._answer).__aenter__()
        self.started_at = time.monotonic()
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            env={**self._environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.port}"},
            cwd=self._cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            process_group=0,  # a Ctrl-C is ours to pass on
            preexec_fn=with_its_parent(),
        )
        self._watch = asyncio.create_task(self._watched(self._child))

    async def stop(self) -> None:
        """End it; may be repeated."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            for sent in (signal.SIGCONT, signal.SIGTERM):
                _tell(child, sent)
        await self._api.close()  # what waits for an event in C hears no signal
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            _tell(child, signal.SIGKILL)
        await self._watch

    async def kill(self) -> None:
        """End it at once (kill -9), and return when it is gone."""
        self.signal(signal.SIGKILL)
        await self._watch

    def signal(self, number: int) -> None:
        """Send it a signal; where it has ended, nothing."""
        assert self._child is not None
        _tell(self._child, number)

    async def ready(self) -> None:
        """Return when it asks for an event.

        Raises:
            InitError: it can't be loaded.
            ProcessEnded: it ended.
        """
        assert self._child is not None
        ended = asyncio.create_task(self._child.wait())
        asked = asyncio.create_task(self._asked.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        for each in (ended, asked):
            each.cancel()
        if not self._asked.is_set():
            raise self._end()

    async def idle(self) -> None:
        """Return when it asks for the next event."""
        await self._idle.wait()

    async def invoke(self, payload: bytes) -> bytes:
        """The answer to one event, both as JSON; one at a time.

        Raises:
            FunctionError: the function raised, or can't be loaded.
            ProcessEnded: the process ended.
            TimedOut: it took too long.
        """
        if not self.alive:
            await self.start()
        self.invocations += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        invocation = Invocation(payload, time.time() + self._timeout, answer)
        self._current = invocation
        self._idle.clear()
        self._waiting.put_nowait(invocation)
        try:
            return await asyncio.wait_for(answer, self._timeout)
        except TimeoutError:
            await self.kill()
            raise TimedOut(f"The function did not answer within {self._timeout:g} s.") from None
        finally:
            self._current = None

    async def _watched(self, child: asyncio.subprocess.Process) -> None:
        """Tell whoever waits for an answer that the process has ended."""
        await child.wait()
        if self._current is not None and not self._current.answer.done():
            self._current.answer.set_exception(self._end(child.returncode))

    def _end(self, code: int | None = None) -> InvocationError:
        if self._failed is not None:
            return InitError(self._failed)
        return ProcessEnded(f"The process ended ({code}) before it had answered.")

    async def _answer(self, request: Request) -> Response:
        """The Runtime API."""
        route = (request.method, request.path.removeprefix(API))
        if route == ("GET", "/invocation/next"):
            return await self._next()
        if route == ("GET", "/restore/next"):
            return Response(200)
        if route[0] != "POST":
            return Response(404)
        if route[1] in {"/init/error", "/restore/error"}:
            self._failed = json.loads(request.body)
            return Response(202, [("Content-Type", "application/json")], b'{"status":"OK"}')
        return self._answered(route[1], request.body)

    async def _next(self) -> Response:
        """The next event; until there is one, the process stands still."""
        self.asked_at = self.asked_at or time.monotonic()
        self._asked.set()
        if self._frozen and self._waiting.empty():
            self.signal(signal.SIGSTOP)
        self._idle.set()
        invocation = await self._waiting.get()
        self._idle.clear()
        if self._frozen:
            self.signal(signal.SIGCONT)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        }
        return Response(200, [*headers.items()], invocation.payload)

    def _answered(self, path: str, body: bytes) -> Response:
        """Hand on what the function gave, to whoever waits for it."""
        current = self._current
        _, _, rest = path.partition("/invocation/")
        number, _, what = rest.partition("/")
        if current is None or number != current.id or what not in {"response", "error"}:
            return Response(400)
        self.answered_at = self.answered_at or time.monotonic()
        if not current.answer.done():
            if what == "response":
                current.answer.set_result(body)
            else:
                current.answer.set_exception(FunctionError(json.loads(body)))
        return Response(202, [("Content-Type", "application/json")], b'{"status":"OK"}')


def _tell(child: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError):
        child.send_signal(number)
