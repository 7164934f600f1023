"""Makes tokens with the Python libraries that people move from: a line asks, a line answers."""

import asyncio
import json
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any


def simplejwt(kind, user_id, secret, given):
    from rest_framework_simplejwt import tokens
    from rest_framework_simplejwt.backends import TokenBackend

    backend = TokenBackend(
        given.get("algorithm", "HS256"),
        secret,
        issuer=given.get("issuer"),
        audience=given.get("audience"),
    )
    base = tokens.RefreshToken if kind == "refresh" else tokens.AccessToken
    made: Any = type("Token", (base,), {"token_backend": property(lambda self: backend)})
    made.lifetime = timedelta(seconds=given.get("lifetime", 86_400))
    return str(made.for_user(SimpleNamespace(id=user_id, pk=user_id, is_active=True)))


def flask(kind, user_id, secret, config):
    from flask import Flask
    from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

    app = Flask("former")
    app.config.update(JWT_SECRET_KEY=secret, **config)
    JWTManager(app)
    with app.app_context():
        return (create_refresh_token if kind == "refresh" else create_access_token)(user_id)


def fastapi_users(kind, user_id, secret, given):
    from fastapi_users.authentication import JWTStrategy
    from fastapi_users.jwt import generate_jwt

    if kind != "refresh":  # as BaseUserManager.forgot_password makes it
        return generate_jwt({"sub": user_id, "aud": "fastapi-users:reset"}, secret, 3_600)
    strategy: Any = JWTStrategy(secret=secret, **{"lifetime_seconds": 3_600, **given})
    return asyncio.run(strategy.write_token(SimpleNamespace(id=user_id)))


def main():
    import django
    from django.conf import settings

    apps = ["django.contrib.auth", "django.contrib.contenttypes"]
    settings.configure(SECRET_KEY="unused " * 8, INSTALLED_APPS=apps, USE_TZ=True)
    django.setup()
    made = {"simplejwt": simplejwt, "flask": flask, "fastapi-users": fastapi_users}
    for line in sys.stdin:
        library, *asked = json.loads(line)
        sys.stdout.write(json.dumps(made[library](*asked)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
