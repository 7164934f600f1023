"""What the servers of the tests load: one `Admit` and its apps, made while this is imported.

`STARTED` says what was done with it then: nothing, a token verified by a guard (`guard`), or a
start in an event loop of the app's own (`loop`).
"""

import asyncio
import os

from admit import Admit
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import called

auth = Admit()
KEPT = []


def flask():
    app = flask_app(auth)
    if os.environ.get("STARTED") == "guard":
        import httpx

        from tests.frameworks.wsgi_caller import environ_of

        sent = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
        environ = environ_of(httpx.Request("GET", "http://localhost/guarded", headers=sent), b"")
        assert called(app, environ)[0] == 200
    elif os.environ.get("STARTED") == "loop":
        loop = asyncio.new_event_loop()
        KEPT.append(loop)
        loop.run_until_complete(auth.start())
    return app


def django(kind):
    from tests.frameworks.django_site import Site

    site = Site(auth)
    site.__enter__()
    return getattr(site, kind)()


def __getattr__(name):
    """The app that a server asks for, and no other."""
    made = {"flask_wsgi": flask, "django_wsgi": lambda: django("wsgi")}
    made["django_asgi"] = lambda: django("asgi")
    if name not in made:
        raise AttributeError(name)
    return globals().setdefault(name, made[name]())
