"""The tokens that a request presents, by its headers alone."""

from __future__ import annotations

import re
from typing import Protocol

from admit.errors import Malformed, Unauthenticated

_JOINED = re.compile(r",\s*[A-Za-z]+ ", re.ASCII)
"""Two values of one header, as WSGI servers join them: a token has no blank in it."""
BLANKS = " \t"
"""What may stand around a cookie (RFC 6265 section 5.2).

Python takes more for blanks, and browsers don't: a sibling can plant a cookie whose name is ours
but for a no-break space before it.
"""


class Headers(Protocol):
    """The headers of a request, by their names in small letters."""

    def get(self, key: str, /) -> str | None:
        """The value of the header, or None where there is none."""

    def getlist(self, key: str, /) -> list[str]:
        """The values of every header of this name."""


def bearer(headers: Headers) -> str | None:
    """The token of the Authorization header (RFC 6750 section 2.1), or None where there is none.

    Raises:
        Malformed: the header stands twice; WSGI servers join the two with a comma.
    """
    values = headers.getlist("authorization")
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or ("," in token and _JOINED.search(token)):
        raise Malformed("The Authorization header stands in the request twice.")
    return token.strip() or None if scheme.lower() == "bearer" else None


def cookie(headers: Headers, name: str) -> str | None:
    """The value of the cookie, or None where there is none.

    Raises:
        Malformed: it stands twice, with two values.
    """
    values = cookies(headers, name)
    if len(values) > 1:
        raise Malformed("A cookie stands in the request twice.")
    return values[0] if values else None


def cookies(headers: Headers, name: str) -> list[str]:
    """Every value of the cookie, each once."""
    values: dict[str, None] = {}
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            key, named, value = pair.strip(BLANKS).partition("=")
            if named and key == name:
                values[value.strip(BLANKS)] = None
    return list(values)


def access_token(headers: Headers, cookie: str | None) -> str:
    """The one access token of the request.

    Raises:
        Unauthenticated: there is none.
        Malformed: there is one in the header and one in the cookie.
    """
    token = bearer(headers)
    if token and cookie:
        raise Malformed("There is an access token in the header and one in the cookie: send one.")
    if not (token or cookie):
        raise Unauthenticated
    return token or cookie or ""
