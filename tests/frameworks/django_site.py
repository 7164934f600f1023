"""A Django project in this process: one for all the tests, since Django takes settings once."""

import django
from django.conf import settings
from django.test import override_settings

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "admit.frameworks.django.Middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CHOSEN = {
    "SECRET_KEY": "a-secret-of-the-tests-alone",
    "ALLOWED_HOSTS": ["*"],
    "ROOT_URLCONF": "tests.frameworks.django_views",
    "MIDDLEWARE": MIDDLEWARE,
    "APPEND_SLASH": True,
    "USE_TZ": True,
}


def configured():
    """Settings, where no other test of this process gave any."""
    if not settings.configured:
        settings.configure(
            **CHOSEN,
            INSTALLED_APPS=[
                "django.contrib.contenttypes",
                "django.contrib.auth",
                "django.contrib.sessions",
                "admit.frameworks.django",
            ],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        )
        django.setup()


auth = None
"""What `ADMIT_AUTH` names."""


class Site:
    """The project around one `auth`, for the length of a block."""

    def __init__(self, auth):
        configured()
        globals()["auth"] = auth
        self._chosen = override_settings(**CHOSEN, ADMIT_AUTH="tests.frameworks.django_site.auth")

    def __enter__(self):
        self._chosen.enable()
        return self

    def __exit__(self, *_):
        self._chosen.disable()

    def wsgi(self):
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()

    def asgi(self):
        from django.core.handlers.asgi import ASGIHandler

        return ASGIHandler()
