"""Signed out on one instance of the function: how long until another's authorizer refuses.

Everything that lies between is real: AWS's runtime client, an emulated table, the feed over HTTP.
The sign-out goes through one process of the handler; the authorizer, in two processes of its own,
reads the feed from another one. `FAULTS=long` measures it over a hundred trials.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress

import pytest

from admit import Admit
from admit.testing.http_caller import EMAIL, PASSWORD
from desk.events import answer_of, event_of
from desk.gateway import Gateway
from desk.runtime import Function, InvocationError
from desk.wire import Request
from tests.cheap import cheap

from .conftest import LONG
from .figures import percentile

pytestmark = pytest.mark.anyio
SECRET = "a secret of the tests with more than 32 bytes in it"
KEY = "a verifier key of the tests which is long enough"
BASE_URL = "http://localhost:8000"
TRIALS = 100 if LONG else 10
REACHED = "until both authorizers refused"
PROMISED = 1.0
"""The p99, in seconds: half a second at the issuer's other instance, half at the authorizer."""
SLACK = 1.0
"""For a machine on which other things run, the emulated table among them."""
PATIENCE = 60
SIGNS_OUT, READ_FROM = 0, 1
"""Which process of the handler does what."""


class ReadFrom(Function):
    """A function of which one process answers whoever comes by HTTP."""

    async def invoke_raw(self, payload, *, process=None):
        return await super().invoke_raw(payload, process=READ_FROM if process is None else process)


def asked(token):
    """What an HTTP API asks its authorizer."""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:eu-central-1:123456789012:abcdef123/$default/GET/things",
        "headers": {"authorization": f"Bearer {token}"},
    }


async def sign_out(handler, token):
    """Through the one process of the handler; the instant at which it was asked."""
    headers = [("Authorization", f"Bearer {token}")]
    event = event_of("http", Request("POST", "/auth/logout", "", headers, b""))
    async with asyncio.timeout(PATIENCE):
        while True:
            began = time.perf_counter()
            answer = answer_of("http", await handler.invoke(event, process=SIGNS_OUT))
            if answer.status != 503:  # a busy machine: an honest client tries again
                assert answer.status == 204
                return began
            await asyncio.sleep(0.1)


async def said(authorizer, token, process, *, lets_in):
    """What one process of the authorizer says, once it lets the token in, or refuses it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(InvocationError):  # it can't tell just now, which is no refusal
                answer = await authorizer.invoke(asked(token), process=process)
                if answer["isAuthorized"] is lets_in:
                    return answer
            await asyncio.sleep(0.005)


@pytest.fixture
async def sessions(dynamodb_url):
    """The access tokens of as many sessions as there are trials."""
    settings = cheap(database_url=dynamodb_url, secret=SECRET, base_url=BASE_URL)
    async with Admit(settings, watch=False) as auth:
        now = auth.clock()
        await auth.accounts.register(email=EMAIL, password=PASSWORD, now=now)
        account = await auth.accounts.find(EMAIL)
        assert account is not None
        opened = [await auth.sessions.open(account, now=now) for _ in range(TRIALS)]
    return [each.access_token for each in opened]


async def test_signed_out_on_one_instance_and_refused_by_anothers_authorizer(
    dynamodb_url, sessions, dice, figures, tmp_path
):
    shared = {"ADMIT_BASE_URL": BASE_URL, "ADMIT_VERIFIER_KEYS": KEY}
    issuing = {"ADMIT_DATABASE_URL": dynamodb_url, "ADMIT_SECRET": SECRET}
    async with AsyncExitStack() as started:
        handler = ReadFrom(processes=2, environ=shared | issuing, cwd=tmp_path)
        await started.enter_async_context(handler)
        gateway = Gateway(handler)
        await started.enter_async_context(gateway)
        found_at = {"ADMIT_AUTHORIZER_URL": f"http://127.0.0.1:{gateway.port}/auth"}
        authorizer = Function(
            "admit.aws.authorizer", processes=2, environ=shared | found_at, cwd=tmp_path
        )
        await started.enter_async_context(authorizer)
        await handler.ready()
        await authorizer.ready()
        for token in sessions:
            for process in range(2):
                await said(authorizer, token, process, lets_in=True)
            await asyncio.sleep(dice.uniform(0, 0.5))
            began = await sign_out(handler, token)
            answers = await asyncio.gather(
                *(said(authorizer, token, each, lets_in=False) for each in range(2))
            )
            figures.took(REACHED, time.perf_counter() - began)
            assert {each["context"]["reason"] for each in answers} == {"signed_out"}
    if LONG:
        assert percentile(figures.spans[REACHED], 99) / 1000 < PROMISED + SLACK
