"""Sets Django up, in the process that tests/users/test_django.py starts: a plugin of its pytest.

It is no conftest: whoever only collects the tests would set Django up, too.
"""

import tempfile
from pathlib import Path

import django
import pytest
from django.conf import settings

HOME = Path(tempfile.mkdtemp(prefix="admit-shop-"))

settings.configure(
    SECRET_KEY="of the tests",
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "tests.users.django_shop",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "shop.db",
            "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"},
        }
    },
    PASSWORD_HASHERS=[
        f"tests.users.django_shop.hashers.{name}"
        for name in ("Preferred", "BCrypt", "Argon2", "Scrypt", "SHA1")
    ],
)
django.setup()


@pytest.fixture(scope="session", autouse=True)
def tables():
    """The project's tables, made once."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, run_syncdb=True)
    connection.close()
    yield
    for path in HOME.iterdir():
        path.unlink()
    HOME.rmdir()


@pytest.fixture(autouse=True)
def nobody(tables):
    """No users and no groups before a test."""
    from django.contrib.auth.models import Group, User

    from tests.users.django_shop.models import Customer

    for model in (User, Customer, Group):
        model._default_manager.all().delete()
