"""Functions of Lambda on this machine, each process started for one event."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

from admit import Admit, Settings
from admit.stores.dynamodb.client import Client
from benchmarks.processes import ROOT, START_SECONDS, LoadError
from benchmarks.seed import PASSWORD, address
from desk.events import event_of
from desk.process import Process
from desk.runtime import REGION, environment
from desk.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NODE = Path(__file__).parent / "node"
NODE_MODULES = ROOT / "tests" / "node" / "node_modules"
HANDLER, AUTHORIZER = "admit.aws.handler", "admit.aws.authorizer"
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""The first start, which does not count, leaves the modules compiled, as in a zip for Lambda."""
ARN = "arn:aws:execute-api:eu-central-1:000000000000:desk000000/$default/GET/guarded"


class Started:
    """One start of a function: how long to its first answer, and what it wrote."""

    def __init__(self, process: Process, log: str) -> None:
        self.milliseconds = (process.answered_at - process.started_at) * 1000
        self.log = log


def start(
    command: Sequence[str], handler: str, environ: Mapping[str, str], event: object, home: Path
) -> Started:
    """Start it, have it answer this event, and end it.

    Raises:
        LoadError: it did not give what it should.
    """
    given = environment(handler, memory=512, given={**COMPILED, **environ}, cwd=home)
    log = home / "function.log"
    with log.open("wb") as written:
        process = Process(command, given, log=written, cwd=home)
        answer = asyncio.run(_once(process, json.dumps(event).encode()))
    if answer.get("statusCode", 200) != 200 or answer.get("isAuthorized") is False:
        raise LoadError(f"{handler}: {answer}\n{log.read_text(errors='replace')}")
    return Started(process, log.read_text(errors="replace"))


async def _once(process: Process, payload: bytes) -> dict[str, Any]:
    await process.start()
    try:
        answer: dict[str, Any] = json.loads(await process.invoke(payload))
    finally:
        await process.stop()
    return answer


def runtime(handler: str, *before: str) -> list[str]:
    """AWS's own runtime client, told to run this."""
    return [*(before or (sys.executable,)), "-m", "awslambdaric", handler]


def node() -> list[str] | None:
    """The tutorial's handler under a runtime of ours; None where Node or its library is missing."""
    found = shutil.which("node")
    if found is None or not (NODE_MODULES / "jsonwebtoken").exists():
        return None
    return [found, str(NODE / "runtime.js"), str(NODE / "handler.js")]


def tutorial() -> tuple[dict[str, str], dict[str, Any]]:
    """The environment of the tutorial's handler, and an event with a token of its own."""
    secret = secrets.token_urlsafe(32)
    token = jwt.encode({"sub": "1", "exp": int(time.time()) + 3600}, secret, algorithm="HS256")
    headers = [("Cookie", f"refresh_token={token}")]
    event = event_of("http", Request("POST", "/auth/refresh", headers=headers))
    return {"TOKEN_SECRET": secret, "NODE_PATH": str(NODE_MODULES)}, event


def refreshing(token: str) -> dict[str, Any]:
    """The event of `POST /auth/refresh`."""
    headers = [("Refresh-Token", token), ("Host", "localhost:8000")]
    return event_of("http", Request("POST", "/auth/refresh", headers=headers))


def guarded(token: str) -> dict[str, Any]:
    """What API Gateway asks an authorizer before a request with this token gets through."""
    return {
        **event_of("http", Request("GET", "/guarded")),
        "type": "REQUEST",
        "routeArn": ARN,
        "identitySource": [f"Bearer {token}"],
        "headers": {"authorization": f"Bearer {token}"},
    }


def table(endpoint: str) -> str:
    """The URL of the table on this emulator."""
    return f"dynamodb://cold?region={REGION}&endpoint={endpoint}"


def seeded(given: Mapping[str, str], *, sessions: int) -> Iterator[str]:
    """The refresh tokens of as many new sessions, with these settings."""
    settings = Settings.load(environ=given, dotenv=None)

    async def fill() -> list[str]:
        async with Admit(settings) as auth:
            now = auth.clock()
            await auth.accounts.register(email=address(0), password=PASSWORD, now=now)
            account = await auth.accounts.find(address(0))
            assert account is not None
            opened = [await auth.sessions.open(account, now=now) for _ in range(sessions)]
            return [each.refresh_token for each in opened]

    return iter(asyncio.run(fill()))


@contextmanager
def emulator() -> Iterator[str]:
    """An emulator of DynamoDB, with the address at which it answers."""
    command = [sys.executable, "-m", "desk.table"]
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": "desk", "AWS_SECRET_ACCESS_KEY": "desk"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            endpoint = process.stdout.readline().strip()
            _warmed(endpoint)
            yield endpoint
        finally:
            process.kill()


def _warmed(endpoint: str) -> None:
    """Its first answer takes seconds, which are not ours."""
    client = Client(
        region=REGION,
        endpoint=endpoint,
        emulated=True,
        connections=1,
        connect_seconds=START_SECONDS,
        answer_seconds=START_SECONDS,
    )
    client.ask("list_tables", {})
    client.close()
