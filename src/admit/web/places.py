"""Where a visitor may be sent after signing in: nobody else's address, however it is written.

Browsers read addresses by the WHATWG's rules, which forgive much: a backslash is a slash, a tab is
nothing, `https:/evil.example` is `https://evil.example/`. What such a rule could turn into another
place is not mended here but refused, so that there is one reading of what is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from admit.settings import Settings

LONGEST = 2048
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*", re.ASCII)
"""The characters of RFC 3986: no space, no backslash, no control character."""
_PARTS = re.compile(
    r"(?:(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?)?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.ASCII | re.IGNORECASE,
)
_DISGUISED = re.compile(r"%(?:[01][0-9a-f]|7f|2f|5c)|%(?![0-9a-f]{2})", re.ASCII | re.IGNORECASE)
"""In a path: what becomes a slash, a backslash or a control character where it is decoded twice."""
_DOTS = frozenset({".", "..", "%2e", ".%2e", "%2e.", "%2e%2e"})
_AS_IT_IS = "".join(chr(each) for each in range(128))
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Places:
    """The places that a visitor may be sent to.

    Arguments:
        settings: has our own origin, and the others that are allowed.
        never: paths of ours that would send the visitor on once more.
    """

    def __init__(self, settings: Settings, *, never: frozenset[str]) -> None:
        self._own = settings.base_url
        self._origins = frozenset({settings.base_url, *settings.allowed_origins})
        self._never = never

    def allowed(self, wanted: str) -> str | None:
        """The address as it may stand in a link, or None where nobody is sent there."""
        try:
            address = quote(wanted[: LONGEST + 1], safe=_AS_IT_IS)  # as browsers write it
        except UnicodeEncodeError:  # half a character
            return None
        if len(address) > LONGEST or not _PLAIN.fullmatch(address):
            return None
        parts = _PARTS.fullmatch(address)
        if parts is None or not _is_plain_path(parts["path"] or "/"):
            return None
        if parts["scheme"] is None:
            return address if parts["path"] and self._leads_on(parts["path"]) else None
        origin = _origin(parts["scheme"].lower(), parts["host"].lower(), parts["port"])
        if origin not in self._origins:
            return None
        rest = address[parts.end("port") if parts["port"] else parts.end("host") :]
        if origin == self._own and not self._leads_on(parts["path"] or "/"):
            return None
        return origin + rest

    def _leads_on(self, path: str) -> bool:
        return path not in self._never


def _is_plain_path(path: str) -> bool:
    """Whether there is one reading of it: no empty segment but the last, no dots, no disguise."""
    _, *segments = path.split("/")
    return (
        not _DISGUISED.search(path)
        and all(segments[:-1])
        and not any(each.lower() in _DOTS for each in segments)
    )


def _origin(scheme: str, host: str, port: str | None) -> str:
    named = port.lstrip("0") if port else ""
    return f"{scheme}://{host}" + (f":{named}" if named not in {"", _DEFAULT_PORTS[scheme]} else "")
