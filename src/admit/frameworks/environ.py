"""A WSGI request as what the guards and the routes read: its headers, its scope, its body.

A server has one text for each header: where a header came twice, it joined the two with a comma.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from admit.errors import Malformed
from admit.http.parsing import LARGEST

if TYPE_CHECKING:
    from typing import Protocol

    class Readable(Protocol):
        """What a body is read from."""

        def read(self, size: int, /) -> bytes:
            """So many bytes at most."""


Environ = dict[str, Any]
Lines = list[tuple[bytes, bytes]]

_OURS = r"(?:__Host-Http-)?admit-(?:refresh|access)"
_COOKIES_JOINED = re.compile(rf"(?:^|;)[ \t]*(?P<name>{_OURS})=[^;,]*(?P<comma>,)[ \t]*(?P=name)=")
"""One cookie of ours, from two headers. A comma elsewhere is a part of somebody's value: were it
taken for a joint, whoever can plant any cookie could plant ours inside of it."""
_KEYS = {"authorization": "HTTP_AUTHORIZATION", "cookie": "HTTP_COOKIE"}
_PLAIN = {"CONTENT_TYPE": b"content-type", "CONTENT_LENGTH": b"content-length"}


class EnvironHeaders:
    """The headers of an environ (PEP 3333), or of a `META` of Django's, by their small names."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def get(self, key: str, /) -> str | None:
        """The value of the header, or None where there is none."""
        value = self._environ.get(_KEYS.get(key) or f"HTTP_{key.upper().replace('-', '_')}")
        return None if value is None else str(value)

    def getlist(self, key: str, /) -> list[str]:
        """The values of every header of this name, as far as they can be told apart."""
        value = self.get(key)
        if value is None:
            return []
        return _cookies(value) if key == "cookie" and "," in value else [value]


def _cookies(value: str) -> list[str]:
    joined = _COOKIES_JOINED.search(value)
    if joined is None:
        return [value]
    return [value[: joined.start("comma")], value[joined.end("comma") :]]


def scope_of(environ: Environ) -> dict[str, Any]:
    """The scope (ASGI 3) of this request; it holds whatever bytes were sent."""
    path = _bytes(environ.get("SCRIPT_NAME")) + _bytes(environ.get("PATH_INFO"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": path.decode("utf-8", "replace"),
        "raw_path": None,
        "query_string": _bytes(environ.get("QUERY_STRING")),
        "root_path": "",
        "headers": lines(environ),
        "client": peer_of(environ),
        "server": None,
    }


def peer_of(environ: Environ) -> tuple[str, int] | None:
    """The address that the server saw; None where it listens on a Unix socket."""
    address, port = environ.get("REMOTE_ADDR"), str(environ.get("REMOTE_PORT") or "")
    return (str(address), int(port) if port.isdecimal() else 0) if address else None


def path_of(environ: Environ) -> str:
    """The whole path, where the app is mounted under another one too."""
    return str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))


def lines(environ: Environ) -> Lines:
    """Every header, with those of our own apart that came twice."""
    found: Lines = []
    for key, value in environ.items():
        name = _PLAIN.get(key)
        if name is not None:
            if value != "":  # a server may write it so where there is none
                found.append((name, _bytes(value)))
        elif key.startswith("HTTP_") and key[5:] not in _PLAIN:
            name = key[5:].replace("_", "-").lower().encode("latin-1", "replace")
            found += [(name, _bytes(each)) for each in _apart(name, str(value))]
    return found


def _apart(name: bytes, value: str) -> list[str]:
    if "," in value:
        if name == b"refresh-token":
            return value.split(",")
        if name == b"cookie":
            return _cookies(value)
    return [value]


def body_of(environ: Environ) -> bytes:
    """The body, or as much of it as shows that it is too large.

    Raises:
        Malformed: it broke off, or nothing says where it ends.
    """
    stream = environ.get("wsgi.input")
    announced = str(environ.get("CONTENT_LENGTH") or "")
    if announced:
        # What isn't a number, or is too large, the routes refuse by the header alone.
        known = announced.isdecimal() and len(announced) <= len(str(LARGEST))
        return _read(stream, int(announced)) if known and int(announced) <= LARGEST else b""
    if not environ.get("HTTP_TRANSFER_ENCODING"):
        return b""
    if not environ.get("wsgi.input_terminated"):
        raise Malformed("This server says no length of a body in chunks: send a Content-Length.")
    return _read(stream, LARGEST + 1)


def _read(stream: Readable | None, size: int) -> bytes:
    """So many bytes, or all that there are; a stream may give fewer at once."""
    read = bytearray()
    try:
        while stream is not None and len(read) < size:
            part = stream.read(size - len(read))
            if not part:
                break
            read += part
    except OSError as error:  # the client is gone, or its chunks are none
        raise Malformed("The body broke off.") from error
    return bytes(read)


def _bytes(text: object) -> bytes:
    """What was sent: a server has decoded it as Latin-1 (PEP 3333)."""
    return str(text or "").encode("latin-1", "replace")
