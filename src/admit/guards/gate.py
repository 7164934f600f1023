"""The gate: from the headers of a request to who calls, or to the refusal.

`Admit` and `Verifier` both have one (`auth.gate`), so a framework's guard is the same in front of
the service that signs people in and of those that only check tokens.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from admit.errors import Forbidden, InsufficientUserAuthentication, InvalidToken, Unauthenticated
from admit.guards import csrf, problems
from admit.guards.cookies import Cookies
from admit.guards.presented import access_token, bearer

if TYPE_CHECKING:
    from collections.abc import Callable

    from admit.errors import Refusal
    from admit.guards.presented import Headers
    from admit.guards.problems import Answer
    from admit.model import Principal
    from admit.settings import Settings

REFUSED = "admit.refused"
"""Where a scope or an environ says why the session could not be renewed (a `Refusal`)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so another site may cause them (RFC 9110 section 9.2.1)."""


class Verifies(Protocol):
    """Who says whose an access token is."""

    def verify(self, token: str) -> Principal:
        """Whose it is, from what is known now."""

    async def verify_async(self, token: str) -> Principal:
        """Whose it is, after looking where what is known is too old."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What a route asks of its caller.

    Arguments:
        optional: whether nobody may call, too.
        role: which role the caller has to have.
        within: how many seconds ago the sign-in may have been.

    Raises:
        ValueError: nobody could ever pass.
    """

    optional: bool = False
    role: str | None = None
    within: float | None = None

    def __post_init__(self) -> None:
        """Refuse what nobody could meet, and a span that is no number, which everybody would.

        Raises:
            ValueError: the mistake stands where the guard is made.
        """
        is_role = isinstance(self.role, str) and self.role  # `@guard.role` alone hands in the view
        if not (is_role or self.role is None) or (self.within is not None and not self.within > 0):
            raise ValueError(
                f"nobody passes a guard with role={self.role!r}, within={self.within!r}: say it as"
                ' guard.role("admin"), or guard.needs(role="admin", within=300)'
            )


ANYBODY = Needs()
"""Anybody who is signed in."""


class Gate:
    """Lets a request in.

    Arguments:
        auth: says whose a token is.
        settings: where cookies are taken, and from which sites; None where only bearer tokens are.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        auth: Verifies,
        *,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._auth = auth
        self._settings = settings
        self._cookies = Cookies(settings) if settings and settings.access_cookie else None
        self._clock = clock

    @property
    def access_cookie(self) -> str | None:
        """The name of the cookie that is looked at, too; None where only bearer tokens are."""
        return self._cookies.access_name if self._cookies else None

    def admit(
        self,
        headers: Headers,
        needs: Needs = ANYBODY,
        *,
        changing: bool,
        instead: Refusal | None = None,
    ) -> Principal | None:
        """Who calls; None only where that is optional.

        Arguments:
            headers: of the request.
            needs: what the route asks.
            changing: whether it may change something: a method that isn't safe, or a WebSocket.
            instead: what to refuse with where there is no token, or none but a cookie's that is
                not good, if more is known of why: the session could not be renewed.

        Raises:
            Refusal: what the caller is to be told; `answer` has it in words.
        """
        token, in_cookie = self._presented(headers, needs, changing=changing, instead=instead)
        if token is None:
            return None
        try:
            principal = self._auth.verify(token)
        except InvalidToken as refusal:
            _overlook(refusal, needs, in_cookie=in_cookie, instead=instead)
            return None
        return self.fitting(principal, needs)

    async def admit_async(
        self,
        headers: Headers,
        needs: Needs = ANYBODY,
        *,
        changing: bool,
        instead: Refusal | None = None,
    ) -> Principal | None:
        """As `admit`, after looking where what is known is too old."""
        token, in_cookie = self._presented(headers, needs, changing=changing, instead=instead)
        if token is None:
            return None
        try:
            principal = await self._auth.verify_async(token)
        except InvalidToken as refusal:
            _overlook(refusal, needs, in_cookie=in_cookie, instead=instead)
            return None
        return self.fitting(principal, needs)

    def answer(self, refusal: Refusal) -> Answer:
        """The refusal as the HTTP contract has it, word for word."""
        return problems.answer(refusal, secure=self._settings is None or self._settings.secure)

    def _presented(
        self, headers: Headers, needs: Needs, *, changing: bool, instead: Refusal | None
    ) -> tuple[str | None, bool]:
        """The token, and whether it came in the cookie; a browser sends that by itself.

        Raises:
            Unauthenticated: there is none.
            CsrfFailed: it came in the cookie, and the request from another site.
            Malformed: there are two.
        """
        if self._cookies is None and (token := bearer(headers)):
            return token, False  # the ordinary case, without the steps that it does not need
        in_cookie = self._cookies.access_token(headers) if self._cookies else None
        try:
            token = access_token(headers, in_cookie)
        except Unauthenticated:
            if needs.optional:
                return None, False
            if instead is not None:
                raise instead from None
            raise
        if in_cookie and changing and self._settings is not None:
            csrf.check(headers, self._settings)
        return token, in_cookie is not None

    def fitting(self, principal: Principal, needs: Needs) -> Principal:
        """The caller, who is what the route needs.

        Raises:
            Forbidden: the role is missing (RFC 6750 section 3.1).
            InsufficientUserAuthentication: the sign-in is too long ago (RFC 9470 section 3).
        """
        if needs.role is not None and needs.role not in principal.roles:
            raise Forbidden
        if needs.within is not None and self._clock() - principal.auth_time > needs.within:
            raise InsufficientUserAuthentication(max_age=int(needs.within))
        return principal


def _overlook(
    refusal: InvalidToken, needs: Needs, *, in_cookie: bool, instead: Refusal | None
) -> None:
    """Return where nobody may call and the token is a cookie's, which browsers send by themselves.

    Raises:
        Refusal: in all other cases.
    """
    if in_cookie and needs.optional:
        return
    if in_cookie and instead is not None:
        raise instead from None
    raise refusal
