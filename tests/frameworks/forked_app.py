"""What the servers of the tests load: one `Admit` and its apps, made while this is imported.

`VERIFIED` is a token that a guard verifies meanwhile, so that Admit is started before any fork.
However busy the machine is, nobody gives up here. Where a process ends by itself, it leaves a file
that says whether Admit had still anything open.
"""

import atexit
import os
from pathlib import Path

import httpx
import pytest

from admit import Admit
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import called, environ_of
from tests.unhurried import wait_long

wait_long(pytest.MonkeyPatch())

auth = Admit()


@atexit.register
def ended():
    place = Path(os.environ["ADMIT_DATA_DIR"]) / f"ended-{os.getpid()}"
    place.write_text("open" if auth._life._opened else "closed", encoding="ascii")


def flask():
    app = flask_app(auth)
    if token := os.environ.get("VERIFIED"):
        sent = {"Authorization": f"Bearer {token}"}
        request = httpx.Request("GET", "http://localhost/guarded", headers=sent)
        assert called(app, environ_of(request, b""))[0] == 200
    return app


def django(kind):
    from tests.frameworks.django_site import Site

    return getattr(Site(auth).__enter__(), kind)()


def __getattr__(name):
    """The app that a server asks for, and no other."""
    made = {
        "flask_wsgi": flask,
        "django_wsgi": lambda: django("wsgi"),
        "django_asgi": lambda: django("asgi"),
    }
    if name not in made:
        raise AttributeError(name)
    return globals().setdefault(name, made[name]())
