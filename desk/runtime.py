"""A Lambda function on this machine: processes of it, each of which answers one event at a time.

async with Function("admit.aws.handler", processes=8, environ={...}) as function:
    answer = await function.invoke(event)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Self

from desk.process import FunctionError, InitError, InvocationError, Process, ProcessEnded, TimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import IO

__all__ = [
    "Function",
    "FunctionError",
    "InitError",
    "InvocationError",
    "Process",
    "ProcessEnded",
    "TimedOut",
]

REGION = "eu-central-1"


class Function:
    """A function of `processes` processes; an async context, after which none of them is left.

    Arguments:
        handler: what AWS's runtime client is told to run.
        processes: how many; they are started at once, or at their first event where not `start`.
        environ: settings of the function. Of our own environment it gets no `ADMIT_…`, no `AWS_…`.
        command: another command that speaks the Runtime API, instead of Python's.
        memory: what the function believes to have, in MB.
        frozen: whether a process stands still between two events, as on AWS.
        timeout: how many seconds an event may take before its process is killed.
        log: where what the processes write goes; None leaves it where ours goes.
        cwd: where they run.
    """

    def __init__(
        self,
        handler: str = "admit.aws.handler",
        *,
        processes: int = 1,
        environ: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
        memory: int = 512,
        frozen: bool = False,
        timeout: float = 60.0,
        log: IO[bytes] | None = None,
        cwd: str | Path | None = None,
        start: bool = True,
    ) -> None:
        self._command = command or (sys.executable, "-m", "awslambdaric", handler)
        self._environ = environment(handler, memory=memory, given=environ or {}, cwd=cwd)
        self._how: dict[str, Any] = {"frozen": frozen, "timeout": timeout, "log": log, "cwd": cwd}
        self._start = start
        self._turn = asyncio.Condition()
        self.processes = [self._process() for _ in range(processes)]

    def _process(self) -> Process:
        return Process(self._command, self._environ, **self._how)

    async def __aenter__(self) -> Self:
        if self._start:
            try:
                for each in self.processes:
                    await each.start()
            except BaseException:
                await self.__aexit__()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(each.stop() for each in self.processes))

    async def ready(self) -> Self:
        """Return when every process has been loaded.

        Raises:
            InvocationError: one can't be.
        """
        await asyncio.gather(*(each.ready() for each in self.processes))
        return self

    async def invoke(self, event: object, *, process: int | None = None) -> Any:  # noqa: ANN401
        """What the function gives for this event.

        Arguments:
            event: anything that JSON can say.
            process: which process answers; the free one with the fewest events where None, so
                that requests go through as many as there are.

        Raises:
            InvocationError: it gives nothing, and says why.
        """
        payload = json.dumps(event).encode()
        return json.loads(await self.invoke_raw(payload, process=process))

    async def invoke_raw(self, payload: bytes, *, process: int | None = None) -> bytes:
        """The same, with the bytes of both."""
        chosen = await self._free(process)
        try:
            return await chosen.invoke(payload)
        finally:
            async with self._turn:
                chosen.busy = False
                self._turn.notify_all()

    async def _free(self, process: int | None) -> Process:
        """A process that is nobody else's, until its `busy` is off again."""
        wanted = self.processes if process is None else [self.processes[process]]
        async with self._turn:
            await self._turn.wait_for(lambda: any(not each.busy for each in wanted))
            free = [each for each in wanted if not each.busy]
            chosen = min(free, key=lambda each: each.invocations)
            chosen.busy = True
            return chosen


def environment(
    handler: str, *, memory: int, given: Mapping[str, str], cwd: str | Path | None
) -> dict[str, str]:
    """What a function finds in its environment on AWS, and what was given besides."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADMIT_", "AWS_", "PYTEST_"))
    }
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        **ours,
        "_HANDLER": handler,
        "AWS_ACCESS_KEY_ID": "desk",
        "AWS_SECRET_ACCESS_KEY": "desk",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_FUNCTION_NAME": "desk",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(cwd or os.getcwd()),  # noqa: PTH109  no file of ours
        "TZ": ":UTC",
        **given,
    }
