"""To which origins a token may go: scheme, host and port, nothing else counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from admit.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCAL = {"localhost", "127.0.0.1", "::1"}
"""Where `http://` is good enough: what is sent leaves no machine."""

Origin = tuple[str, str, int | None]


def issuer(address: str) -> str:
    """The issuer's address without a slash at its end.

    Raises:
        SettingsError: it is not one that tokens may be sent to.
    """
    _checked("issuer", address)
    return address.rstrip("/")


def origins(issuer: str, send_to: Iterable[str]) -> frozenset[Origin]:
    """The issuer's own origin and those listed.

    Raises:
        SettingsError: one of them is more, or less, than an origin.
    """
    if isinstance(send_to, str):
        raise SettingsError("send_to", "send_to is a list of origins: write it in brackets.")
    found = {origin(_checked("issuer", issuer))}
    for address in send_to:
        url = _checked("send_to", address)
        if url.path.strip("/"):
            raise SettingsError(
                "send_to",
                f"{address!r} has a path: tokens go to a whole origin, {_root(url)!r}.",
            )
        found.add(origin(url))
    return frozenset(found)


def origin(url: httpx.URL) -> Origin:
    """The origin of an address; httpx writes host and port in one way only."""
    return url.scheme, url.host, url.port


def _checked(setting: str, address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        raise SettingsError(
            setting, f"{setting} has to be an address such as https://example.com, not {address!r}."
        ) from None
    if url.userinfo or url.query or url.fragment:
        raise SettingsError(setting, f"{setting} is an address without user, query and fragment.")
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsError(setting, f"{address!r} has to begin with https:// and name a host.")
    if url.scheme == "http" and url.host not in LOCAL:
        raise SettingsError(
            setting,
            f"{address!r} would send tokens where everybody on the way can read them:"
            " use https://; http:// is for localhost only.",
        )
    return url


def _root(url: httpx.URL) -> str:
    return str(url.copy_with(path="/")).rstrip("/")
