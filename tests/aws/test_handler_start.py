"""How the handler starts: for a first refresh it loads nothing that only other requests need."""

import asyncio
import json
import subprocess
import sys

import pytest

from admit import Admit, Settings
from admit.http import later
from desk.events import event_of
from desk.runtime import environment
from desk.wire import Request
from tests.emulators import CREDENTIALS

pytestmark = pytest.mark.anyio

NEVER_LOADED = {
    "a2wsgi",
    "admit.cli",
    "admit.redis",
    "admit.stores.postgres",
    "admit.stores.sqlite",
    "admit.telemetry.prometheus",
    "admit.testing",
    "admit.verifier",
    "argon2",
    "cryptography.x509",
    "dns",
    "dotenv",
    "email_validator",
    "httpx",
    "jinja2",
    "joserfc",
    "limits",
    "opentelemetry.trace",
    "prometheus_client",
    "psycopg",
    "pwdlib",
    "redis",
    "sqlite3",
    "typer",
    "uvicorn",
    *later.LATER,
}
FRESH = """
import json, sys
import admit.aws
handler = admit.aws.handler
from admit import life
from admit.stores import patience
from admit.stores.dynamodb import table
life.SLOW_START_SECONDS = patience.SECONDS = 60.0  # however busy this machine is
table.CONNECT_SECONDS = table.ANSWER_SECONDS = 60.0
answer = handler(json.load(sys.stdin), None)
print(json.dumps([answer["statusCode"], sorted(sys.modules)]))
"""
SECRET = "a secret of the tests 0123456789abcdef"


def fresh(event, environ, cwd):
    """What the handler answers in a process of its own, and all that is loaded then."""
    # Measuring coverage loads modules by itself.
    kept = {name: value for name, value in environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", FRESH]
    return subprocess.run(
        command, input=event, env=kept, cwd=cwd, capture_output=True, text=True, check=False
    )


async def refresh_token(url):
    """One that was given out on the table of this URL."""
    async with Admit(Settings(database_url=url, secret=(SECRET,))) as auth:
        now = auth.clock()
        await auth.accounts.register(email="ada@example.com", password="seven pale lamps", now=now)
        account = await auth.accounts.find("ada@example.com")
        assert account
        return (await auth.sessions.open(account, now=now)).refresh_token


@pytest.mark.usefixtures("patient_dynamodb")
async def test_a_first_refresh_loads_nothing_that_only_other_requests_need(dynamodb_url, tmp_path):
    headers = [("Host", "localhost:8000"), ("Refresh-Token", await refresh_token(dynamodb_url))]
    event = event_of("http", Request("POST", "/auth/refresh", headers=headers))
    given = {"ADMIT_SECRET": SECRET, "ADMIT_DATABASE_URL": dynamodb_url}
    environ = environment("admit.aws.handler", memory=512, given=given | CREDENTIALS, cwd=tmp_path)
    done = await asyncio.to_thread(fresh, json.dumps(event), environ, tmp_path)
    assert done.returncode == 0, done.stderr
    status, loaded = json.loads(done.stdout)
    assert status == 200, done.stderr
    assert "admit.stores.dynamodb" in loaded
    parts = (each.split(".") for each in loaded)
    roots = {".".join(each[:end]) for each in parts for end in range(1, len(each) + 1)}
    assert roots & NEVER_LOADED == set()
