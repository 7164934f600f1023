"""What the documentation of Django, of REST framework and of simplejwt advises for production."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

DEBUG = False
SECRET_KEY = "a key of the benchmarks, and of nothing else, 0123456789 abcdef"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "benchmarks.peers.apps.simplejwt.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path.cwd() / "db.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Django's answer to "database is locked": a writer waits its turn.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # Django advises neither FULL nor NORMAL. Guides to SQLite in production with it
            # have NORMAL, which is the faster.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
}
if replica := os.environ.get("PEER_REPLICA"):
    DATABASES["replica"] = DATABASES["default"] | {"NAME": replica}
    DATABASE_ROUTERS = ["benchmarks.peers.apps.simplejwt.replicas.PrimaryReplicaRouter"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),  # none ends while it is measured
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    # Off as it comes. On, a changed password ends what entered before, and the user, whose row
    # holds what is compared, is asked for anyway.
    "CHECK_REVOKE_TOKEN": True,
    # Its documentation wants a key that is not Django's own.
    "SIGNING_KEY": "another key of the benchmarks, for tokens alone, 0123456789 abcdef",
}
if os.environ.get("PEER_RACES"):  # as Django's documentation has it for tests
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
