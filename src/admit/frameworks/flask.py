"""Admit in Flask: `mount(app, auth)` and `Guard(auth)`.

auth = Admit()
guard = Guard(auth)
mount(app, auth)

@app.get("/orders")
@guard.user
def orders():
    return {"orders_of": guard.caller.user_id}
"""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, current_app, request

from admit.errors import Refusal
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.door import Door
from admit.frameworks.guarding import Decorator, Guarding, View, admit_of
from admit.guards.gate import Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Request
    from werkzeug.local import LocalProxy

    from admit.frameworks.bridge import Guarded
    from admit.guards.problems import Answer
    from admit.model import Principal

EXTENSION = "admit"
"""Where an app keeps its own `Admit`, or its `Verifier`."""
PRINCIPAL = "admit.principal"
"""Where a request's environ keeps who calls, once a guard has said so."""
BARE = "__admit_bare__"
"""What a view is marked with that a guard stands before: a route is to have the guard, not it."""


def mount(app: Flask, auth: Guarded, *, at_root: bool = False) -> None:
    """Give this app the routes of `auth` at its prefix, and answers to the refusals of its guards.

    A `Verifier` has no routes. Where `access_cookie` is on, the session of a page is renewed before
    its view.

    Arguments:
        app: may share `auth` with others.
        auth: `Admit`, or a `Verifier`.
        at_root: whether `/healthz`, `/readyz` and `/.well-known/jwks.json` are answered, too.

    Raises:
        ValueError: the app has one already.
        SettingsError: without a prefix, no path would be left to the app.
    """
    if EXTENSION in app.extensions:
        raise ValueError("This app has an Admit already: mount one.")
    app.extensions[EXTENSION] = auth
    app.register_error_handler(Refusal, lambda refusal: _response(auth.gate.answer(refusal)))
    app.wsgi_app = _Looking(app)  # type: ignore[method-assign]
    admit = admit_of(auth)
    if admit is not None:
        BRIDGE.offer(admit)
        from admit.frameworks.wsgi import Mounted  # noqa: PLC0415  a Verifier needs no routes

        app.wsgi_app = Mounted(app.wsgi_app, admit, at_root=at_root)  # type: ignore[method-assign]


class Guard(Guarding[Decorator]):
    """Decorators that let callers in.

    Each stands between the route and the view; for views that are classes, in their `decorators`.

    Arguments:
        auth: `Admit` or a `Verifier`; that of the app that serves the request where None.
    """

    def __init__(self, auth: Guarded | None = None) -> None:
        super().__init__()
        self._own = Door(auth) if auth is not None else None

    @property
    def principal(self) -> Principal | None:
        """Who calls; None where nobody has to and nobody does.

        Raises:
            RuntimeError: no guard stands before this view.
        """
        try:
            return cast("Principal | None", _environ()[PRINCIPAL])
        except KeyError:
            raise RuntimeError(
                "No guard stands before this view: put @guard.user, or @guard.optional, under its"
                " route."
            ) from None

    @property
    def caller(self) -> Principal:
        """Who calls, where somebody has to.

        Raises:
            RuntimeError: nobody calls, or no guard stands before this view.
        """
        principal = self.principal
        if principal is None:
            raise RuntimeError("Nobody calls: put @guard.user under the route, or ask principal.")
        return principal

    def _made(self, needs: Needs) -> Decorator:
        def guard(view: View, /) -> View:
            return self._before(view, needs)

        return guard

    def check(
        self, *, role: str | None = None, within: float | None = None, optional: bool = False
    ) -> Callable[[], Response | None]:
        """The same for `before_request`, of an app or a blueprint: all its views are guarded.

        What Flask answers to OPTIONS without a view is not: no preflight carries a token.

        Raises:
            ValueError: nobody could ever pass.
        """
        needs = Needs(role=role, within=within, optional=optional)
        return lambda: None if _runs_no_view() else self._refused(needs)

    def _before(self, view: View, needs: Needs) -> View:
        is_async = iscoroutinefunction(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  a view takes and gives anything
            refused = self._refused(needs)
            if refused is not None:
                return refused
            return (current_app.ensure_sync(view) if is_async else view)(*args, **kwargs)

        guarded.__dict__.pop(BARE, None)  # taken over from a view that has another guard, too
        with suppress(AttributeError):  # a method has no room for it
            setattr(view, BARE, True)
        return cast("View", guarded)

    def _refused(self, needs: Needs) -> Response | None:
        """The answer to who may not call; None to whoever may."""
        environ = _environ()
        door = self._own or Door(_mounted())
        try:
            environ[PRINCIPAL] = door.admit(environ, needs)
        except Refusal as refusal:
            return _response(door.answer(refusal))
        return None


class _Looking:
    """Looks once, before the first request, whether a guard stands over its route.

    Flask would have the view without it, and let everybody in.
    """

    def __init__(self, app: Flask) -> None:
        self._views = app.view_functions
        self._inner = app.wsgi_app
        self._looked = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on.

        Raises:
            RuntimeError: some view is open that was meant to be guarded.
        """
        if not self._looked:
            guarded = {id(each) for view in self._views.values() for each in _beneath(view)}
            bare = [
                name
                for name, view in self._views.items()
                if hasattr(view, BARE) and id(view) not in guarded
            ]
            if bare:
                raise RuntimeError(
                    f"Anybody would get into {', '.join(bare)}: its guard stands over the route."
                    " Put @guard.… under @app.route(…)."
                )
            self._looked = True
        return self._inner(environ, start_response)


def _beneath(view: Any) -> Iterator[Any]:  # noqa: ANN401  whatever decorators stand around
    """What stands beneath its decorators; where that is a route as well, it is open on purpose."""
    while view := getattr(view, "__wrapped__", None):
        yield view


def _environ() -> dict[str, Any]:
    """That of the request; the proxy alone would take three times as long."""
    current = cast("LocalProxy[Request]", request)
    return current._get_current_object().environ  # noqa: SLF001  it is what a proxy offers


def _runs_no_view() -> bool:
    """Whether Flask answers this itself, by the methods of the route (`dispatch_request`)."""
    by_itself = getattr(request.url_rule, "provide_automatic_options", False)
    return by_itself and request.method == "OPTIONS"


def _mounted() -> Guarded:
    """What this app has.

    Raises:
        RuntimeError: nothing was mounted.
    """
    try:
        return cast("Guarded", current_app.extensions[EXTENSION])
    except KeyError:
        raise RuntimeError(
            "This app has no Admit: call mount(app, auth), or name it in Guard(auth)."
        ) from None


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)
