"""The HTTP contract where nothing goes on beside the requests, as on AWS Lambda (`watch=False`)."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

import httpx
import pytest

from admit import Admit
from admit.testing.http_contract import Clock, HTTPContract, Service
from tests.cheap import cheap

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_sqlite")]
SECRET = "a secret of the instances 0123456789 abcdef"


def ours():
    """The tasks of the house that are not over: what would be frozen with the process."""
    left = set()
    for task in asyncio.all_tasks():
        code = getattr(task.get_coro(), "cr_code", None)
        name = code.co_filename if code else ""
        if "/admit/" in name and "/admit/testing/" not in name:
            left.add(task)
    return left


class Frozen:
    """An app that is looked at whenever no request is being answered."""

    def __init__(self, app):
        self._app = app
        self._answering = 0

    async def __call__(self, scope, receive, send):
        self._answering += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._answering -= 1
            if not self._answering:
                assert not ours(), "it would go on, or fail, in the middle of the next request"


@pytest.fixture
def frozen(tmp_path):
    """Starts a service that is started by its first request, and looked at after each."""

    @asynccontextmanager
    async def start(**settings):
        clock = Clock()
        auth = Admit(cheap(**{"data_dir": tmp_path, **settings}), clock=clock, watch=False)
        transport = httpx.ASGITransport(Frozen(auth.app))
        base_url = auth.settings.base_url
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield Service(client, auth, clock)
        await auth.close()

    return start


class TestWithoutWatch(HTTPContract):
    @pytest.fixture
    def serve(self, frozen):
        return frozen


@pytest.mark.no_cover  # the same code as above, and the store has tests of its own
@pytest.mark.usefixtures("patient_dynamodb")
class TestWithoutWatchOnDynamoDB(HTTPContract):
    """As it is on AWS: one table, in which attempts are counted, too."""

    @pytest.fixture
    def serve(self, frozen, dynamodb_url):
        return partial(frozen, database_url=dynamodb_url, secret=(SECRET,))


async def test_the_first_request_starts_it_and_nothing_goes_on_afterwards(frozen):
    async with frozen() as service:
        assert not service.auth.ready
        assert (await service.client.get("/readyz")).status_code == 200
        assert service.auth.ready
        assert not ours()


async def test_a_refresh_asks_for_no_revocations_and_for_keys_only_now_and_then(frozen):
    async with frozen() as service:
        await service.register()
        tokens = await service.sign_in()
        asked = []
        store = service.auth.store
        for verb in ("revocations", "keys"):
            ask = getattr(store, verb)

            def counted(*args, verb=verb, ask=ask, **kwargs):
                asked.append(verb)
                return ask(*args, **kwargs)

            setattr(store, verb, counted)
        for _ in range(3):
            service.clock.advance(3)
            tokens = (await service.refresh(tokens["refresh_token"])).json()
        assert asked == []
        service.clock.advance(3)
        assert (await service.refresh(tokens["refresh_token"])).status_code == 200
        assert asked == ["keys"]
        asked.clear()
        assert await service.me(tokens["access_token"]) == 200
        assert await service.me(tokens["access_token"]) == 200
        assert asked == ["revocations"], "and the second request shares what the first one saw"


async def test_nobody_waits_for_news_beyond_the_instant_at_which_the_request_is_given_up(tmp_path):
    """A start that took all of its time leaves none to wait in."""
    key = "a key for the verifiers of the tests 0123456789"
    auth = Admit(cheap(data_dir=tmp_path, verifier_keys=(key,)), watch=False)

    async def late(scope, receive, send):
        await auth.app({**scope, "admit.ends_at": monotonic()}, receive, send)

    transport = httpx.ASGITransport(late)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        url, headers = "/auth/revocations?wait=30", {"Authorization": f"Bearer {key}"}
        async with asyncio.timeout(25):
            assert (await client.get(url, headers=headers)).json()["revocations"] == []
    await auth.close()


async def test_verified_tokens_are_counted_though_no_watch_hands_them_on(frozen):
    key = "a key for the numbers of the tests 0123456789"
    async with frozen(metrics_keys=key) as service:
        await service.register()
        tokens = await service.sign_in()
        assert await service.me(tokens["access_token"]) == 200
        answer = await service.client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
        assert "admit_access_tokens_verified_total 1.0" in answer.text
