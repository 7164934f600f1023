"""The files of the pages: a fixed list, read at the start and served from memory."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response

from admit.errors import SettingsError
from admit.settings import variable
from admit.web import policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

    from admit.settings import Settings

LARGEST_THEME = 64 * 1024
LARGEST_LOGO = 256 * 1024
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
FOREVER = "public, max-age=31536000, immutable"
"""For an address that names the content: another content has another address."""
ASK_FIRST = "no-cache"


class File(NamedTuple):
    """One file: its name, what is in it, and what names its content."""

    name: str
    body: bytes
    version: str

    def answer(self, request: Request) -> Response:
        """The file, or that the browser has it already."""
        tag = f'"{self.version}"'
        named = request.query_params.get("v") == self.version
        headers = {"Cache-Control": FOREVER if named else ASK_FIRST, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        suffix = PurePath(self.name).suffix
        if suffix == ".svg":
            headers["Content-Security-Policy"] = policy.SVG
        return Response(self.body, headers={**headers, "Content-Type": TYPES[suffix]})


def made(name: str, body: bytes) -> File:
    """A file with this content."""
    return File(name, body, hashlib.sha256(body).hexdigest()[:20])


def shipped() -> dict[str, File]:
    """The files that come with the package, by their names: `style.css`, `admin/chart.js`."""
    folder = resources.files("admit.web") / "static"
    return {each.name: each for each in _inside(folder)}


def _inside(folder: Traversable, above: str = "") -> Iterator[File]:
    """The files in a folder that browsers get, and in those within it."""
    for each in folder.iterdir():
        if each.is_dir():
            yield from _inside(each, f"{above}{each.name}/")
        elif PurePath(each.name).suffix in TYPES:
            yield made(above + each.name, each.read_bytes())


def theme(settings: Settings) -> File | None:
    """The stylesheet of whoever runs this.

    Raises:
        SettingsError: it can't be read, is too large or is no text.
    """
    if not settings.pages_theme:
        return None
    body = _read("pages_theme", settings.pages_theme, LARGEST_THEME)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise _unusable("pages_theme", settings.pages_theme, "is not UTF-8 text") from None
    return made("theme.css", body)


def logo(settings: Settings) -> File | None:
    """The image that stands for the name.

    Raises:
        SettingsError: it can't be read, is too large or is no image that browsers show.
    """
    if not settings.pages_logo:
        return None
    body = _read("pages_logo", settings.pages_logo, LARGEST_LOGO)
    suffix = _kind(body)
    if suffix is None:
        raise _unusable("pages_logo", settings.pages_logo, "is no SVG, PNG, JPEG, WebP or GIF")
    return made(f"logo{suffix}", body)


def _read(setting: str, path: str, largest: int) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            body = file.read(largest + 1)
    except OSError as error:
        raise _unusable(setting, path, f"can't be read ({error.strerror})") from None
    if len(body) > largest:
        raise _unusable(setting, path, f"is over {largest // 1024} KiB")
    return body


def _kind(body: bytes) -> str | None:
    """What image it is, by its content: a name can be wrong, and browsers must not guess."""
    signs = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}
    for sign, suffix in signs.items():
        if body.startswith(sign):
            return suffix
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return ".webp"
    head = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    return ".svg" if head.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in head else None


def _unusable(setting: str, path: str, why: str) -> SettingsError:
    return SettingsError(
        setting, f"{variable(setting)} ({setting}) is {path!r}, which {why}: mend it or unset it."
    )
