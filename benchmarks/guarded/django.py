"""Django, beside simplejwt, which is a part of Django REST framework.

Its best setting here asks no database; the one that it comes with looks the user up.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import JsonResponse

from benchmarks.guarded import (
    ASKING,
    BARE,
    BARE_REST,
    HELLO,
    KEY,
    MINUTES,
    OURS,
    OURS_REST,
    TOKENS,
    USERS,
    USUAL,
)
from benchmarks.guarded.serving import wsgi_by_path

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

OTHERS = ["django.middleware.common.CommonMiddleware"]  # says how long an answer is

settings.configure(
    SECRET_KEY=KEY,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(os.environ["ADMIT_DATA_DIR"]) / "django.db",
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "admit.frameworks.django",
    ],
    MIDDLEWARE=OTHERS,
    MIGRATION_MODULES={"auth": None, "contenttypes": None},  # tables at once, without a history
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
    SIMPLE_JWT={"ACCESS_TOKEN_LIFETIME": timedelta(minutes=MINUTES)},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402  Django has to be set up before
from django.urls import include, path  # noqa: E402
from rest_framework.permissions import AllowAny, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.authentication import (  # noqa: E402
    JWTAuthentication,
    JWTStatelessUserAuthentication,
)
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402

from admit.frameworks.django import guard  # noqa: E402
from admit.frameworks.django.rest import AdmitAuthentication  # noqa: E402


def bare(_: HttpRequest) -> HttpResponse:
    return JsonResponse(HELLO)


@guard.user
def ours(request: HttpRequest) -> HttpResponse:
    assert request.principal.user_id  # type: ignore[attr-defined]
    return JsonResponse(HELLO)


def tokens(_: HttpRequest) -> HttpResponse:
    users = User.objects.bulk_create([User(username=name) for name in USERS])
    return JsonResponse([str(AccessToken.for_user(user)) for user in users], safe=False)


class BareRest(APIView):  # type: ignore[misc]
    """What Django REST framework itself costs."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, _: Request) -> Response:
        return Response(HELLO)


class Usual(APIView):  # type: ignore[misc]
    authentication_classes = (JWTStatelessUserAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        assert request.user.id
        return Response(HELLO)


class OursRest(Usual):
    authentication_classes = (AdmitAuthentication,)


class Asking(Usual):
    authentication_classes = (JWTAuthentication,)


views = {
    BARE: bare,
    OURS: ours,
    USUAL: Usual.as_view(),
    BARE_REST: BareRest.as_view(),
    OURS_REST: OursRest.as_view(),
    ASKING: Asking.as_view(),
    TOKENS: tokens,
}
urlpatterns = [
    *(path(at.removeprefix("/"), view) for at, view in views.items()),
    path("", include("admit.frameworks.django.urls")),
]
call_command("migrate", run_syncdb=True, verbosity=0)
plain = WSGIHandler()  # the middleware that is listed now
settings.MIDDLEWARE = [*OTHERS, "admit.frameworks.django.Middleware"]
app = wsgi_by_path(dict.fromkeys(views, plain) | dict.fromkeys((OURS, OURS_REST), WSGIHandler()))
