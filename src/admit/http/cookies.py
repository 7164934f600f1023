"""The cookies: their names, their flags, and nothing else that a browser could be fooled by.

`__Host-` makes a browser insist on Secure, Path=/ and no Domain, so no sibling subdomain can
plant one; `Http-` says that no script did (RFC 6265bis, draft 22, section 4.1.3). Plain http is
served on localhost only, where neither prefix would be accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import Malformed

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response

    from admit.model import Tokens
    from admit.settings import Settings

PREFIX = "__Host-Http-"


class Cookies:
    """The cookies of these settings."""

    def __init__(self, settings: Settings) -> None:
        prefix = PREFIX if settings.secure else ""
        self.refresh_name = f"{prefix}admit-refresh"
        self.access_name = f"{prefix}admit-access"
        self._with_access = settings.access_cookie
        secure = "; Secure" if settings.secure else ""
        self._flags = f"; Path=/{secure}; HttpOnly; SameSite={settings.cookie_samesite.title()}"

    def refresh_token(self, headers: Headers) -> str | None:
        """The refresh token that the request's cookie carries."""
        return _value(headers, self.refresh_name)

    def access_token(self, headers: Headers) -> str | None:
        """The access token that the request's cookie carries, where that is enabled."""
        return _value(headers, self.access_name) if self._with_access else None

    def deliver(self, response: Response, tokens: Tokens, *, held: str | None = None) -> None:
        """Put the tokens in the answer's cookies.

        A refresh token that the browser holds, because it rests, isn't sent back: the answer might
        arrive after the one that brings its successor, and put it back in its place.
        """
        if tokens.refresh_token != held:
            self._set(response, self.refresh_name, tokens.refresh_token, tokens.refresh_expires_in)
        if self._with_access:
            self._set(response, self.access_name, tokens.access_token, tokens.expires_in)

    def remove(self, response: Response) -> None:
        """Remove both cookies, every attribute repeated: else a browser keeps them."""
        for name in (self.refresh_name, self.access_name):
            self._set(response, name, "", 0)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        # By hand: the standard library's cookie writer takes most of a refresh's own time.
        response.headers.append("set-cookie", f"{name}={value}; Max-Age={max_age}{self._flags}")


def _value(headers: Headers, name: str) -> str | None:
    """The value of the cookie; a name that stands twice with two values is refused."""
    values = set()
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            key, named, value = pair.strip().partition("=")
            if named and key == name:
                values.add(value.strip())
    if len(values) > 1:
        raise Malformed("A cookie stands in the request twice.")
    return values.pop() if values else None
