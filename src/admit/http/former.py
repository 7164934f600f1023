"""Cookies of former systems, whose refresh tokens are taken for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.guards.presented import cookie, cookies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.guards.presented import Headers
    from admit.moving import Former

MOST = 8
"""Cookies of former systems that are looked at in one request."""


class FormerCookies:
    """The cookies of former systems.

    Arguments:
        former: systems whose refresh tokens are taken, perhaps from cookies of theirs.
    """

    def __init__(self, former: Sequence[Former]) -> None:
        self._places = [(each.cookie, _place(each)) for each in former if each.cookie]

    def token(self, headers: Headers) -> str | None:
        """The refresh token that the first of them carries."""
        found = (cookie(headers, name) for name, _ in self._places)
        return next((each for each in found if each), None)

    def tokens(self, headers: Headers) -> list[str]:
        """What they carry; nothing kept a sibling from planting more."""
        found = [value for name, _ in self._places for value in cookies(headers, name) if value]
        return found[:MOST]

    def removing(self) -> list[str]:
        """The values of `Set-Cookie` that remove them: whoever signed out would get in again."""
        return [f"{name}=; Max-Age=0{place}" for name, place in self._places]


def _place(former: Former) -> str:
    """Where a browser keeps a former system's cookie."""
    domain = f"; Domain={former.cookie_domain}" if former.cookie_domain else ""
    return f"; Path={former.cookie_path}{domain}"
