"""What the tests of the frameworks share."""

from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from admit import Admit
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_contract import Clock, Service
from tests.cheap import cheap
from tests.frameworks.apps import APPS, inside
from tests.frameworks.django_site import Site
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import WSGITransport


@pytest.fixture(params=list(APPS))
def framework(request):
    return request.param


@pytest.fixture
def serve(framework, tmp_path):
    """Starts a service inside an app, for the length of a block."""
    return partial(inside, framework, data_dir=tmp_path)


@contextmanager
def flask(auth):
    yield WSGITransport(flask_app(auth))


@contextmanager
def django_wsgi(auth):
    with Site(auth) as site:
        yield WSGITransport(site.wsgi())


@contextmanager
def django_asgi(auth):
    with Site(auth) as site:
        yield httpx.ASGITransport(site.asgi())


WAYS = {"flask": flask, "django-wsgi": django_wsgi, "django-asgi": django_asgi}


@pytest.fixture(scope="module", params=WAYS)
def behind(request, tmp_path_factory):
    """The transport to each framework, the `Admit` there, and its clock; with access cookies."""
    clock = Clock()
    settings = cheap(data_dir=tmp_path_factory.mktemp("behind"), access_cookie=True)
    auth = Admit(settings, clock=clock)
    with WAYS[request.param](auth) as transport:
        yield transport, auth, clock
        BRIDGE.call(auth.close())


@pytest.fixture
async def threaded(behind):
    """The service."""
    transport, auth, clock = behind
    async with httpx.AsyncClient(transport=transport, base_url=auth.settings.base_url) as client:
        yield Service(client, auth, clock)
