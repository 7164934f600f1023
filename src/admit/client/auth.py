"""`AdmitAuth`: what an app gives to its httpx client."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

import httpx

from admit.client.book import Book
from admit.client.clocks import Clocks
from admit.client.origins import issuer as checked_issuer
from admit.client.origins import origin, origins
from admit.client.renewal import Renewal
from admit.client.steps import Line, run, run_async, through, through_async
from admit.client.stores import TokenStore
from admit.client.wire import USER_AGENT, Wire
from admit.errors import SettingsError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable

    from admit.client.steps import Flow

REFUSED = re.compile(r"\bBearer\b.*\berror\s*=\s*\"?invalid_token\b", re.IGNORECASE | re.DOTALL)
"""The challenge to a bad, expired or revoked access token (RFC 6750 section 3.1)."""
UNAUTHORIZED = 401

logger = logging.getLogger("admit.client")


class AdmitAuth(httpx.Auth):
    """Signs in, and stays signed in: give it to `httpx.Client(auth=…)` or `httpx.AsyncClient`.

    One of them serves any number of clients, threads, tasks and event loops. It adds the access
    token to requests for the issuer's own origin and for those of `send_to`, and for no other. It
    refreshes before the token expires, and once where a server says 401 `invalid_token`, unless
    the token is new because that server refused another just before; then the request is sent
    again, unless its body is a stream.

    Arguments:
        issuer: where Admit's routes are, such as `https://example.com/auth`.
        tokens: where the tokens are kept: `FileTokens`, `KeyringTokens`, `MemoryTokens`.
        send_to: further origins that get the access token, such as `https://api.example.com`.
        patience: for how many seconds a request waits for an access token while the issuer does
            not answer.
        timeout: as of httpx: for how many seconds one try waits for a connection to the issuer, or
            for the next bytes of its answer. All of a try takes three times as long at most; with
            no event loop, the name's look-up and each address's connecting are not cut short.
        verify: as of httpx: whom to believe that they are the issuer.
        proxy: as of httpx: through what to reach the issuer.
        user_agent: what the list of the user's sessions shows.
        wall: seconds since 1970, by the device's clock.
        steady: seconds, by a clock that only goes forward.

    Raises:
        SettingsError: an address is not one that tokens may be sent to, or `timeout` has no end.

    A request raises what stands in `admit.client.errors`: `SignedOut` with its reason where the
    session is over, `Unavailable` or `TooManyAttempts` where no access token could be had in time,
    `TokensError` where the stored tokens can't be used.
    """

    def __init__(
        self,
        issuer: str,
        *,
        tokens: TokenStore,
        send_to: Iterable[str] = (),
        patience: float = 30.0,
        timeout: float = 10.0,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        user_agent: str = USER_AGENT,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(tokens, TokenStore):
            raise SettingsError(
                "tokens",
                "tokens is where they are kept: FileTokens(path), or KeyringTokens(name).",
            )
        self.issuer = checked_issuer(issuer)
        self._origins = origins(self.issuer, send_to)
        clocks = Clocks(wall, steady)
        line = Line(verify=verify, proxy=proxy, timeout=timeout)
        wire = Wire(self.issuer, line, user_agent, clocks.now)
        self._renewal = Renewal(Book(self.issuer, tokens, clocks), wire, clocks, patience)

    def __repr__(self) -> str:
        """Whose it is, and nothing that could be stolen."""
        return f"AdmitAuth({self.issuer!r})"

    def sign_in(self, login: str, password: str) -> None:
        """Sign in; a session that was kept here before is ended.

        Arguments:
            login: the e-mail address or the username.
            password: as typed. It is not kept.

        Raises:
            InvalidCredentials, InvalidInput, TooManyAttempts, Unavailable: as the server said; it
                is not tried again by itself.
            TokensError: tokens can't be kept there.
        """
        run(self._renewal.sign_in(login, password))

    async def sign_in_async(self, login: str, password: str) -> None:
        """As `sign_in`."""
        await run_async(self._renewal.sign_in(login, password))

    def sign_out(self) -> bool:
        """Forget the tokens at once, then end the session at the server.

        A refresh that is under way brings nobody back, and is not waited for.

        Returns:
            False where the server couldn't be told for 5 s: there the session goes on until it
            expires, though nobody holds its tokens here.

        Raises:
            TokensError: the tokens can't be removed.
        """
        return run(self._renewal.sign_out())

    async def sign_out_async(self) -> bool:
        """As `sign_out`."""
        return await run_async(self._renewal.sign_out())

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """For `httpx.Client`."""
        return through(self._flow(request))

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For `httpx.AsyncClient`."""
        return through_async(self._flow(request))

    def _flow(self, request: httpx.Request) -> Flow:
        if origin(request.url) not in self._origins:
            yield request
            return
        token = yield from self._renewal.token()
        response: httpx.Response = yield _with(request, token)
        # Where a redirect made a GET of it, it was done: to send it again would do it twice.
        if not _refused(response, token) or response.request.method != request.method:
            return
        other = yield from self._renewal.instead(token, origin(response.request.url))
        if other is None:
            return
        if isinstance(request.stream, httpx.ByteStream):
            yield _with(request, other)
        else:
            logger.warning(
                "the body of %s %s is a stream and can't be sent again: its 401 stands. There is a"
                " new access token; send the request anew",
                request.method,
                request.url.copy_with(query=None, userinfo=b""),
            )


def _with(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _refused(response: httpx.Response, token: str) -> bool:
    """Whether it was our token that was refused, and by somebody who got it.

    httpx takes the token off where a redirect leads to another origin: what is said there says
    nothing about the token.
    """
    sent = response.request.headers.get("Authorization")
    if response.status_code != UNAUTHORIZED or sent != f"Bearer {token}":
        return False
    return REFUSED.search(", ".join(response.headers.get_list("WWW-Authenticate"))) is not None
