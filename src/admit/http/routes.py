"""What each route does: read the request, ask the engine, write the answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from admit import errors
from admit.guards import csrf, presented
from admit.guards.cookies import Cookies
from admit.http import bodies, credentials, parsing
from admit.http.feed import RevocationFeed
from admit.http.former import FormerCookies
from admit.http.standing import enabled_account, living_session
from admit.tokens.refresh import is_session_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from admit.engine import Engine
    from admit.model import Origin, Principal, Tokens

logger = logging.getLogger("admit.http")


class Routes:
    """The routes over one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._cookies = Cookies(engine.settings)
        self._former = FormerCookies(engine.moving.former if engine.moving else ())
        self.revocations = RevocationFeed(engine).revocations

    async def register(self, request: Request) -> Response:
        """`POST /register`."""
        csrf.check(request.headers, self._settings)
        origin = self._origin(request)
        body = await parsing.read(request, bodies.RegisterBody)
        await self._engine.throttle.register(origin.ip)
        user = await self._engine.accounts.register(
            email=body.email,
            password=body.password,
            username=body.username,
            now=self._engine.clock(),
            origin=origin,
        )
        return bodies.answer(bodies.RegisteredOut(user=bodies.user_out(user)), 201)

    async def login(self, request: Request) -> Response:
        """`POST /login`."""
        csrf.check(request.headers, self._settings)
        body = await parsing.read(request, bodies.LoginBody)
        await self._engine.catch_up_keys()
        now, origin = self._engine.clock(), self._origin(request)
        tokens = await self._engine.sessions.sign_in(
            login=body.login,
            password=body.password,
            now=now,
            origin=origin,
            replaces=self._cookies.refresh_token(request.headers),
        )
        for each in self._former.tokens(request.headers):  # it is replaced as well
            try:
                await self._engine.sessions.sign_out(each, now=now, origin=origin)
            except errors.Unavailable as error:  # of who has the right password, nobody is kept out
                logger.warning("a former system's token stays as good as it was: %s", error)
        return self._deliver(tokens, body.delivery)

    async def refresh(self, request: Request) -> Response:
        """`POST /refresh`: the successor goes back the way its parent came."""
        token, delivery = await self._refresh_token(request)
        if token is None and (token := self._former.token(request.headers)):
            csrf.check(request.headers, self._settings)
            delivery = "cookie"
        if token is None:
            raise errors.Unauthenticated("There is no refresh token in this request: sign in.")
        await self._engine.catch_up_keys()
        tokens = await self._engine.sessions.refresh(
            token,
            now=self._engine.clock(),
            idempotency_key=request.headers.get("idempotency-key"),
            origin=self._origin(request),
        )
        return self._deliver(tokens, delivery, held=token)

    async def logout(self, request: Request) -> Response:
        """`POST /logout`: whatever genuine token is presented, its session ends."""
        token, _ = await self._refresh_token(request)
        if token is None:
            # SameSite kept the cookie back from another site; its removal must not get through.
            csrf.check(request.headers, self._settings)
        now, origin = self._engine.clock(), self._origin(request)
        former = self._former.tokens(request.headers)
        if former:  # whatever else is presented: they are removed, and must not be of use later
            csrf.check(request.headers, self._settings)
        for each in {token, *former}:
            if each:
                await self._engine.sessions.sign_out(each, now=now, origin=origin)
        if access := presented.bearer(request.headers):
            await self._engine.catch_up()
            try:
                principal = self._engine.verify(access)
            except errors.InvalidToken:
                pass  # it could do no more than it does: nothing
            else:
                await self._engine.sessions.end_own(
                    principal.user_id, principal.session_id, now=now, origin=origin
                )
        return self._signed_out()

    async def logout_all(self, request: Request) -> Response:
        """`POST /logout/all`."""
        principal = await self._principal(request)
        now, origin = self._engine.clock(), self._origin(request)
        await self._engine.sessions.end_all(principal.user_id, now=now, origin=origin)
        return self._signed_out()

    async def me(self, request: Request) -> Response:
        """`GET /me`."""
        principal = await self._principal(request, cookie=True)
        session = await living_session(self._engine, principal)
        account = await enabled_account(self._engine, principal)
        me = bodies.MeOut(
            user=bodies.user_out(account.user),
            session=bodies.session_out(session, current=principal.session_id),
        )
        return bodies.answer(me)

    async def password(self, request: Request) -> Response:
        """`POST /password`."""
        principal = await self._principal(request)
        await living_session(self._engine, principal)
        body = await parsing.read(request, bodies.PasswordBody)
        await self._engine.accounts.change_password(
            user_id=principal.user_id,
            session_id=principal.session_id,
            current_password=body.current_password,
            new_password=body.new_password,
            now=self._engine.clock(),
            origin=self._origin(request),
        )
        return Response(status_code=204)

    async def sessions(self, request: Request) -> Response:
        """`GET /sessions`."""
        principal = await self._principal(request)
        living = await self._engine.sessions.list(principal.user_id, now=self._engine.clock())
        current = principal.session_id
        listed = [bodies.session_out(each, current=current) for each in living]
        return bodies.answer(bodies.SessionsOut(sessions=listed))

    async def end_session(self, request: Request) -> Response:
        """`DELETE /sessions/{id}`."""
        principal = await self._principal(request)
        session_id = request.path_params["id"]
        ended = is_session_id(session_id) and await self._engine.sessions.end_own(
            principal.user_id, session_id, now=self._engine.clock(), origin=self._origin(request)
        )
        if not ended:
            raise errors.NotFound("You have no such session.")
        return Response(status_code=204)

    async def jwks(self, _: Request) -> Response:
        """`GET /.well-known/jwks.json`."""
        await self._engine.catch_up_keys(published=True)
        keys = self._engine.keys.jwks(self._engine.clock())["keys"]
        response = bodies.answer(bodies.JWKSOut(keys=keys))
        max_age = int(self._settings.jwks_max_age)
        response.headers["cache-control"] = f"public, max-age={max_age}"
        return response

    async def healthz(self, _: Request) -> Response:
        """`GET /healthz`: the process answers."""
        return bodies.answer(bodies.HealthOut())

    async def readyz(self, _: Request) -> Response:
        """`GET /readyz`: the store can be written; what is done without meanwhile is named."""
        await self._engine.check()
        return bodies.answer(bodies.HealthOut(degraded=self._engine.degraded or msgspec.UNSET))

    async def _principal(self, request: Request, *, cookie: bool = False) -> Principal:
        in_cookie = self._cookies.access_token(request.headers) if cookie else None
        token = presented.access_token(request.headers, in_cookie)
        await self._engine.catch_up()
        return self._engine.verify(token)

    async def _refresh_token(self, request: Request) -> tuple[str | None, bodies.Delivery]:
        """The one refresh token of the request, and the way its successor goes back."""
        in_cookie = self._cookies.refresh_token(request.headers)
        if in_cookie:
            csrf.check(request.headers, self._settings)
        body = await parsing.read(request, bodies.TokenBody)
        in_header = request.headers.getlist("refresh-token")
        found = [each for each in (in_cookie, body.refresh_token, *in_header) if each]
        if len(found) > 1:
            raise errors.Malformed("There is more than one refresh token in this request.")
        delivery: bodies.Delivery = "cookie" if in_cookie else "body"
        return (found[0] if found else None), delivery

    def _deliver(
        self, tokens: Tokens, delivery: bodies.Delivery, *, held: str | None = None
    ) -> Response:
        response = bodies.answer(bodies.tokens_out(tokens, delivery))
        if delivery == "cookie":
            _set_cookies(response, self._cookies.delivering(tokens, held=held))
        return response

    def _signed_out(self) -> Response:
        response = Response(status_code=204)
        _set_cookies(response, [*self._cookies.removing(), *self._former.removing()])
        return response

    def _origin(self, request: Request) -> Origin:
        return credentials.origin(request.scope, request.headers, self._settings)


def _set_cookies(response: Response, lines: list[str]) -> None:
    for line in lines:
        response.headers.append("set-cookie", line)
