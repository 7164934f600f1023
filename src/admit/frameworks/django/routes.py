"""Admit's routes as one view."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, RawPostDataException
from django.views.decorators.csrf import csrf_exempt

from admit.errors import NotFound, Refusal
from admit.frameworks.django.configured import auth
from admit.frameworks.environ import body_of, path_of, scope_of
from admit.frameworks.guarding import admit_of
from admit.frameworks.routes import Reply, Routes
from admit.frameworks.wsgi import replied
from admit.http.parsing import LARGEST

if TYPE_CHECKING:
    from django.http import HttpRequest

    from admit.auth import Admit


@csrf_exempt  # Admit looks at where a request comes from by itself
def routes(request: HttpRequest) -> HttpResponse:
    """The answer to a request under the prefix."""
    made = auth()
    try:
        admit = admit_of(made)
        if admit is None:
            raise NotFound  # a Verifier has no routes
        reply = _of(admit).answer(_scope(request), _body(request))
    except Refusal as refusal:
        reply = replied(made.gate.answer(refusal))
    return _response(reply, request.method == "HEAD")


@lru_cache(1)
def _of(made: Admit) -> Routes:
    return Routes(made)


def _scope(request: HttpRequest) -> dict[str, Any]:
    if isinstance(request, ASGIRequest):
        return {**request.scope, "path": path_of(request.META)}
    return scope_of(request.META)


def _body(request: HttpRequest) -> bytes:
    """The body, or as much of it as shows that it is too large.

    Under ASGI Django has taken it in as a whole before any view.
    """
    if isinstance(request, ASGIRequest):
        return request.read(LARGEST + 1)
    if getattr(request, "_read_started", False):  # by a middleware before us
        try:
            return request.body
        except RawPostDataException:  # it kept nothing: a form that it parsed, or a stream
            return b""
    return body_of(request.META)


def _response(reply: Reply, headless: bool) -> HttpResponse:  # noqa: FBT001
    made = HttpResponse(b"" if headless else reply.body, status=reply.status)
    del made["Content-Type"]  # it says text/html where nothing is said
    for name, value in reply.headers:
        text = value.decode("latin-1")
        if name == b"set-cookie":
            made.cookies.load(text)
        else:
            title = name.decode("latin-1").title()
            made[title] = f"{made[title]}, {text}" if title in made else text
    return made
