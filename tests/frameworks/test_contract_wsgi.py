"""The HTTP contract through Flask, and through Django under WSGI and ASGI: the same file."""

from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest

from admit import Admit
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_contract import Clock, HTTPContract, Service
from tests.cheap import cheap
from tests.frameworks.threaded import WAYS

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def through(carried, data_dir, **settings):
    """A service behind a framework; `carried` makes the transport to it."""
    clock = Clock()
    auth = Admit(cheap(data_dir=data_dir, **settings), clock=clock)
    with carried(auth) as transport:
        async with httpx.AsyncClient(
            transport=transport, base_url=auth.settings.base_url
        ) as client:
            yield Service(client, auth, clock)
        await BRIDGE.wait(auth.close())


class TestFlask(HTTPContract):
    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, WAYS["flask"], tmp_path)


class TestDjangoWSGI(HTTPContract):
    at_root = False

    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, WAYS["django-wsgi"], tmp_path)


class TestDjangoASGI(HTTPContract):
    at_root = False

    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, WAYS["django-asgi"], tmp_path)
