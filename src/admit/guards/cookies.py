"""The cookies: their names, their flags, and nothing else that a browser could be fooled by.

`__Host-` makes a browser insist on Secure, Path=/ and no Domain, so no sibling subdomain can
plant one; `Http-` says that no script did (RFC 6265bis, draft 22, section 4.1.3). Plain http is
served on localhost only, where neither prefix would be accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.guards.presented import cookie

if TYPE_CHECKING:
    from admit.guards.presented import Headers
    from admit.model import Tokens
    from admit.settings import Settings

PREFIX = "__Host-Http-"


class Cookies:
    """The cookies of these settings."""

    def __init__(self, settings: Settings) -> None:
        prefix = PREFIX if settings.secure else ""
        self.refresh_name = f"{prefix}admit-refresh"
        self.access_name = f"{prefix}admit-access"
        self.with_access = settings.access_cookie
        secure = "; Secure" if settings.secure else ""
        self._flags = f"; Path=/{secure}; HttpOnly; SameSite={settings.cookie_samesite.title()}"

    def refresh_token(self, headers: Headers) -> str | None:
        """The refresh token that the request's cookie carries."""
        return cookie(headers, self.refresh_name)

    def access_token(self, headers: Headers) -> str | None:
        """The access token that the request's cookie carries, where that is enabled."""
        return cookie(headers, self.access_name) if self.with_access else None

    def delivering(self, tokens: Tokens, *, held: str | None = None) -> list[str]:
        """The values of `Set-Cookie` that bring these tokens.

        A refresh token that the browser holds, because it rests, isn't sent back: the answer might
        arrive after the one that brings its successor, and put it back in its place.
        """
        lines = []
        if tokens.refresh_token != held:
            lines.append(
                self._line(self.refresh_name, tokens.refresh_token, tokens.refresh_expires_in)
            )
        if self.with_access:
            lines.append(self._line(self.access_name, tokens.access_token, tokens.expires_in))
        return lines

    def removing(self) -> list[str]:
        """Those that remove both, every attribute repeated: else a browser keeps them."""
        return [self._line(name, "", 0) for name in (self.refresh_name, self.access_name)]

    def _line(self, name: str, value: str, max_age: int) -> str:
        # By hand: the standard library's cookie writer takes most of a refresh's own time.
        return f"{name}={value}; Max-Age={max_age}{self._flags}"
