"""Around any WSGI app (PEP 3333): our routes at the prefix, and sessions renewed on the way in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from admit.errors import Refusal
from admit.frameworks.environ import body_of, path_of, scope_of
from admit.frameworks.renewing import Renewing
from admit.frameworks.routes import Reply, Routes
from admit.http.embedding import lets_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication

    from admit.auth import Admit
    from admit.guards.problems import Answer

Environ = dict[str, Any]
Headers = list[tuple[str, str]]


class Mounted:
    """A WSGI app with Admit's routes before it.

    Arguments:
        app: answers all that is not ours.
        auth: answers what is under its prefix.
        at_root: whether the health checks and the keys are answered at the root, too.

    Raises:
        SettingsError: without a prefix, no path would be left to the app.
    """

    def __init__(self, app: WSGIApplication, auth: Admit, *, at_root: bool = False) -> None:
        self._app = app
        self._routes = Routes(auth, at_root=at_root)
        self._gate = auth.gate
        self._renewing = Renewing(auth) if auth.settings.access_cookie else None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._routes.has(path_of(environ)):
            reply = self._reply(environ)
            headers = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.headers
            ]
            start_response(status_line(reply.status), headers)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]
        if self._renewing is not None:
            delivered = self._renewing.renew(environ).delivered
            if delivered:
                start_response = _delivering(start_response, delivered)
        return self._app(environ, start_response)

    def _reply(self, environ: Environ) -> Reply:
        try:
            return self._routes.answer(scope_of(environ), body_of(environ))
        except Refusal as refusal:
            return replied(self._gate.answer(refusal))


def replied(answer: Answer) -> Reply:
    """A refusal from before the routes, as theirs."""
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    return Reply(answer.status, headers, answer.body)


def status_line(status: int) -> str:
    """The status with its phrase, as WSGI wants it."""
    return f"{status} {HTTPStatus(status).phrase}"


def _delivering(start_response: StartResponse, cookies: tuple[str, ...]) -> StartResponse:
    """It adds these cookies to an answer, which nobody may store then.

    A cookie that the app sets or removes itself is left to it: it signs out, perhaps.
    """

    def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:  # noqa: ANN401
        own = {value.partition("=")[0].strip() for name, value in headers if _sets(name)}
        kept = [each for each in headers if not lets_store(each[0])]
        kept.append(("Cache-Control", "no-store"))
        kept += [("Set-Cookie", each) for each in cookies if each.partition("=")[0] not in own]
        return start_response(status, kept, exc_info) if exc_info else start_response(status, kept)

    return start


def _sets(name: str) -> bool:
    return name.lower() == "set-cookie"
