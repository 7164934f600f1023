"""The HTTP contract through Flask, and through Django under WSGI and ASGI: the same file."""

from contextlib import asynccontextmanager, contextmanager
from functools import partial

import httpx
import pytest
from flask import Flask

from admit import Admit
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.flask import mount
from admit.testing.http_contract import Clock, HTTPContract, Service
from tests.cheap import cheap
from tests.frameworks.django_site import Site
from tests.frameworks.wsgi_caller import WSGITransport

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


@contextmanager
def flask(auth):
    app = Flask("contract")
    mount(app, auth)
    yield WSGITransport(app)


@contextmanager
def django_wsgi(auth):
    with Site(auth) as site:
        yield WSGITransport(site.wsgi())


@contextmanager
def django_asgi(auth):
    with Site(auth) as site:
        yield httpx.ASGITransport(site.asgi())


class TestFlask(HTTPContract):
    at_root = False

    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, flask, tmp_path)


class TestDjangoWSGI(HTTPContract):
    at_root = False

    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, django_wsgi, tmp_path)


class TestDjangoASGI(HTTPContract):
    at_root = False

    @pytest.fixture
    def serve(self, tmp_path):
        return partial(through, django_asgi, tmp_path)
