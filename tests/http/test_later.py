"""What a process loads, and when: a refresh waits for nothing that only a sign-in needs."""

import json
import os
import subprocess
import sys

import pytest

from admit import Admit
from admit.http import later

pytestmark = pytest.mark.anyio

REFRESH = """
import asyncio, json, sys
from admit import Admit, Settings

async def refresh(data_dir, token):
    app, sent = Admit(Settings(data_dir=data_dir)).app, []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost:8000"), (b"refresh-token", token.encode())]
    await app({"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
               "method": "POST", "scheme": "http", "path": "/auth/refresh",
               "raw_path": b"/auth/refresh", "query_string": b"", "root_path": "",
               "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000)},
              receive, send)
    return sent[0]["status"]

status = asyncio.run(refresh(*sys.argv[1:]))
print(json.dumps([status, sorted(sys.modules)]))
"""
ELSEWHERE = {
    "a2wsgi",
    "argon2",
    "botocore",
    "deprecated",
    "dns",
    "dotenv",
    "email_validator",
    "fastapi",
    "flask",
    "httptools",
    "httpx",
    "idna",
    "jinja2",
    "joserfc",
    "limits",
    "packaging",
    "prometheus_client",
    "psycopg",
    "pwdlib",
    "redis",
    "typer",
    "uvicorn",
    "uvloop",
    "wrapt",
}
"""Libraries that other requests need, and other ways to run."""


def in_a_process_of_its_own(code, *arguments):
    # Measuring coverage loads modules by itself.
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("COVERAGE")}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return json.loads(done.stdout)


async def test_a_refresh_loads_nothing_of_a_sign_in(tmp_path):
    async with Admit(data_dir=tmp_path) as auth:
        now = auth.clock()
        await auth.accounts.register(
            email="ada@example.com", password="seven pale lanterns", now=now
        )
        account = await auth.accounts.find("ada@example.com")
        assert account
        tokens = await auth.sessions.open(account, now=now)
    status, loaded = in_a_process_of_its_own(REFRESH, tmp_path, tokens.refresh_token)
    assert status == 200
    assert {each.partition(".")[0] for each in loaded} & ELSEWHERE == set()
    assert {*later.LATER, "opentelemetry.trace"} & set(loaded) == set()


def test_all_of_it_can_be_loaded_at_once():
    code = "from admit.http import later; later.load()"
    code += "; import json, sys; print(json.dumps([*sys.modules]))"
    assert set(later.LATER) <= set(in_a_process_of_its_own(code))
