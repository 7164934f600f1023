"""The session of a page that a server renders, renewed on its way in, for frameworks of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.errors import Refusal
from admit.frameworks.bridge import BRIDGE
from admit.frameworks.environ import EnvironHeaders, path_of, peer_of
from admit.guards.cookies import Cookies
from admit.guards.gate import REFUSED
from admit.http.credentials import origin
from admit.http.renewal import NOTHING, Renewal, Renewed

if TYPE_CHECKING:
    from admit.engine import Engine

Environ = dict[str, Any]


class Renewing:
    """Renews the session of a request whose access cookie is gone or over.

    Arguments:
        engine: has the sessions.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._renewal = Renewal(engine)
        self._cookies = Cookies(engine.settings)

    def renew(self, environ: Environ) -> Renewed:
        """Refresh the session, if it needs that; the environ carries on what came of it."""
        if not self.needs(environ):
            return NOTHING
        BRIDGE.keep(self._engine)
        try:
            return _taken(environ, BRIDGE.call(self._work(environ)))
        except Refusal as refusal:
            return _taken(environ, Renewed(refusal=refusal))

    async def renew_async(self, environ: Environ) -> Renewed:
        """The same, for who is in another event loop, which goes on meanwhile."""
        if not self.needs(environ):
            return NOTHING
        BRIDGE.keep(self._engine)
        try:
            return _taken(environ, await BRIDGE.wait(self._work(environ)))
        except Refusal as refusal:
            return _taken(environ, Renewed(refusal=refusal))

    def needs(self, environ: Environ) -> bool:
        """Whether there may be something to do; most requests change no threads for it."""
        headers = EnvironHeaders(environ)
        try:
            if not self._renewal.presented(headers):
                return False
            token = self._cookies.access_token(headers)
            if token:
                self._engine.verify(token)
        except Refusal:
            return True
        return not token

    async def _work(self, environ: Environ) -> Renewed:
        headers = EnvironHeaders(environ)
        return await self._renewal.renew(
            headers,
            method=environ["REQUEST_METHOD"],
            path=path_of(environ),
            origin=origin({"client": peer_of(environ)}, headers, self._engine.settings),
        )


def _taken(environ: Environ, renewed: Renewed) -> Renewed:
    """What became of it, written where the guards look."""
    if renewed.cookie is not None:
        environ["HTTP_COOKIE"] = renewed.cookie
    if renewed.refusal is not None:
        environ[REFUSED] = renewed.refusal
    return renewed
