"""Each framework of threads around one `Admit`: the transport to it, for the length of a block."""

from contextlib import contextmanager

import httpx

from tests.frameworks.django_site import Site
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import WSGITransport


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
