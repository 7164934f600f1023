"""`make run-lambda`: the function on this machine, on an emulated table, behind a local port."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from desk.ending import with_its_parent
from desk.gateway import Gateway
from desk.runtime import Function, InvocationError, environment
from desk.wire import bound

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from desk.events import Form

TABLE = "admit"


class Failed(Exception):
    """It can't be started; the sentence says why."""


async def run(*, host: str, port: int, processes: int, form: Form) -> None:
    """Serve until Ctrl-C or SIGTERM; what was started for it is gone then.

    Raises:
        Failed: it can't be started.
    """
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with AsyncExitStack() as started:
        listener = _bound(host, port)
        started.callback(listener.close)
        await _unless(stop, _serve(started, listener, processes=processes, form=form))
        await stop.wait()


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do this, but no longer than until it is stopped."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _serve(
    started: AsyncExitStack, listener: socket.socket, *, processes: int, form: Form
) -> None:
    """Start the table, the function and the port, in this order."""
    port = listener.getsockname()[1]
    environ = {name: text for name, text in os.environ.items() if name.startswith("ADMIT_")}
    environ.setdefault("ADMIT_BASE_URL", f"http://localhost:{port}")
    if "ADMIT_SECRET_SOURCE" not in environ:
        environ.setdefault("ADMIT_SECRET", secrets.token_urlsafe(48))  # for as long as this runs
    if "ADMIT_DATABASE_URL" not in environ:
        emulator = await started.enter_async_context(emulated_table())
        environ["ADMIT_DATABASE_URL"] = f"dynamodb://{TABLE}?endpoint={emulator}"
    await migrate(environ)
    function = Function(processes=processes, environ=environ, frozen=True)
    await started.enter_async_context(function)
    try:
        await function.ready()
    except InvocationError as error:
        raise Failed(f"The function can't be loaded: {error}") from error
    await started.enter_async_context(Gateway(function, form=form, at=listener))
    print(_banner(port, environ, processes, form), file=sys.stderr, flush=True)


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bound(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Failed(
                f"Port {port} is in use: stop what listens there, or take another with PORT=…."
            ) from error
        raise Failed(f"Nothing can listen on {host}, port {port}: {error.strerror}.") from error


def _banner(port: int, environ: Mapping[str, str], processes: int, form: Form) -> str:
    store = environ["ADMIT_DATABASE_URL"].partition("?")[0].rpartition("@")[2]
    return f"""\
Admit on Lambda, on this desk, listens on http://localhost:{port}
  issuer   {environ["ADMIT_BASE_URL"]}/auth
  function admit.aws.handler under AWS's runtime client, {processes} processes
  events   as {NAMES[form]} sends them
  store    {store}{"" if "ADMIT_DATABASE_URL" in os.environ else ", emulated; gone with Ctrl-C"}

Try it:

  curl http://localhost:{port}/auth/register -H 'Content-Type: application/json' \\
    -d '{{"email": "ada@example.com", "password": "correct horse battery"}}'
"""


NAMES: dict[Form, str] = {
    "rest": "an API Gateway REST API",
    "http": "an API Gateway HTTP API",
    "url": "a Function URL",
    "alb": "a load balancer",
    "alb-multi": "a load balancer with multi-value headers",
}


@asynccontextmanager
async def emulated_table() -> AsyncIterator[str]:
    """The address of an emulated DynamoDB, for the length of a block.

    Raises:
        Failed: it did not start.
    """
    child = await _started("desk.table", environ=None, errors=None)
    assert child.stdout is not None
    try:
        address = (await child.stdout.readline()).decode().strip()
        if not address:
            raise Failed("The emulated DynamoDB did not start.")
        yield address
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def migrate(environ: Mapping[str, str]) -> None:
    """Make the table, by the command.

    Raises:
        Failed: it could not be made.
    """
    given = environment("", memory=512, given=environ, cwd=None)
    child = await _started("admit.cli", "migrate", environ=given, errors=asyncio.subprocess.STDOUT)
    said, _ = await child.communicate()
    if child.returncode != 0:
        raise Failed(said.decode().strip().removeprefix("Error: "))


async def _started(
    module: str, *arguments: str, environ: Mapping[str, str] | None, errors: int | None
) -> asyncio.subprocess.Process:
    """A module as a process, which ends with ours."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        process_group=0,
        preexec_fn=with_its_parent(),
    )
