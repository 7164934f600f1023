"""Access cookies that renew themselves: for pages that a server renders.

A browser that opens such a page can't refresh first. So where the access cookie is gone or over,
and the refresh cookie is there, the refresh is done on the way in: the guard behind it sees a
fresh token, and the answer carries the new cookies. Six such requests at once get the same
successor, by the session law.

It must be sure that the answer brings the cookies: a browser that does not get them holds a parent,
which is theft once the leeway is over. So a page of another site can have nothing renewed but by
opening ours, and the handshake of a WebSocket renews nothing: not every browser keeps its cookies.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from admit.errors import InvalidToken, Refusal, Unavailable
from admit.guards import csrf
from admit.guards.cookies import Cookies
from admit.guards.gate import REFUSED, SAFE
from admit.guards.presented import BLANKS, bearer
from admit.http.former import FormerCookies
from admit.stores.patience import Patience

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.guards.presented import Headers
    from admit.model import Origin, Tokens

__all__ = ["NOTHING", "REFUSED", "Renewal", "Renewed"]

logger = logging.getLogger("admit.http")


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the session on the way in.

    `cookie` is what the request is to carry as its `Cookie` header from now on; `delivered` are
    the values of `Set-Cookie` for its answer, which nobody may store then; `refusal` says why
    there is no new token.
    """

    cookie: str | None = None
    delivered: tuple[str, ...] = ()
    refusal: Refusal | None = None


NOTHING = Renewed()


class Renewal:
    """Renews the session of a request where it needs that.

    Arguments:
        engine: has the sessions; `access_cookie` has to be on, or nothing is ever done.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cookies = Cookies(engine.settings)
        self._former = FormerCookies(engine.moving.former if engine.moving else ())

    def presented(self, headers: Headers) -> str | None:
        """The refresh token in a cookie: ours, or a former system's that is taken.

        Raises:
            Malformed: a cookie stands twice.
        """
        return self._cookies.refresh_token(headers) or self._former.token(headers)

    async def renew(self, headers: Headers, *, method: str, path: str, origin: Origin) -> Renewed:
        """Refresh the session of this request, if it has one and needs it. Never raises a Refusal.

        Arguments:
            headers: of the request.
            method: of the request, in capitals.
            path: of the request; our own routes do by themselves what they need.
            origin: where the request came from.
        """
        try:
            token = await self._renewable(headers, method=method, path=path)
            if token is None:
                return NOTHING
            tokens = await self._refreshed(token, origin)
        except Refusal as refusal:
            return Renewed(refusal=refusal)
        except Exception:
            # As in the app of our routes: it fails closed, and says nothing of what happened.
            logger.exception("unexpected, while a session was renewed")
            return Renewed(refusal=Unavailable())
        return Renewed(
            cookie=self._with_access(headers, tokens.access_token),
            delivered=tuple(self._cookies.delivering(tokens, held=token)),
        )

    async def _refreshed(self, token: str, origin: Origin) -> Tokens:
        """What `POST /refresh` would give.

        Raises:
            RefreshRefused, TooManyAttempts, Unavailable: as there.
        """
        with Patience():
            await self._engine.begin()
            await self._engine.catch_up_keys()
            return await self._engine.sessions.refresh(
                token, now=self._engine.clock(), origin=origin
            )

    async def _renewable(self, headers: Headers, *, method: str, path: str) -> str | None:
        """The refresh token of a request that needs a new access token, and may have one.

        Raises:
            CsrfFailed: another site wants something changed.
            Malformed: a cookie stands twice.
            Unavailable: it can't be told whether the access token is good.
        """
        prefix = self._engine.settings.prefix
        if not self._cookies.with_access or path == prefix or path.startswith(f"{prefix}/"):
            return None
        token = self.presented(headers)
        if not token or bearer(headers) or await self._is_good(headers):
            return None
        if method not in SAFE:
            csrf.check(headers, self._engine.settings)
        elif not (csrf.opened(headers) or csrf.is_own(headers, self._engine.settings)):
            return None
        return token

    async def _is_good(self, headers: Headers) -> bool:
        """Whether the access cookie lets its bearer in.

        A session that was ended lets nobody in again: the refresh says so, and why.
        """
        token = self._cookies.access_token(headers)
        if not token:
            return False
        try:
            await self._engine.verify_async(token)
        except InvalidToken:
            return False
        return True

    def _with_access(self, headers: Headers, access_token: str) -> str:
        """The request's cookies, with this access token in place of the one that was there."""
        name = self._cookies.access_name
        kept = [
            pair.strip(BLANKS)
            for line in headers.getlist("cookie")
            for pair in line.split(";")
            if pair.strip(BLANKS).partition("=")[0] != name
        ]
        return "; ".join([*kept, f"{name}={access_token}"])
