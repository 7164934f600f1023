"""Whether a request that changes something comes from our own pages.

The browser says so in headers that no page can forge (Fetch Metadata; RFC 6454 section 7).
A client that sends neither header isn't a browser, and has no cookies of a user to abuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import CsrfFailed
from admit.guards.presented import bearer

if TYPE_CHECKING:
    from admit.guards.presented import Headers
    from admit.settings import Settings

OWN_SITES = frozenset({"same-origin", "none"})


def check(headers: Headers, settings: Settings) -> None:
    """Refuse what another site sent; a request with a bearer token can't have been.

    Raises:
        CsrfFailed: neither the browser's word nor the origin is ours.
    """
    if bearer(headers):  # not just any Authorization: browsers send Basic along by themselves
        return
    if not is_own(headers, settings):
        raise CsrfFailed(
            "If that site is yours, list its origin in ADMIT_ALLOWED_ORIGINS, or correct"
            " ADMIT_BASE_URL."
        )


def is_own(headers: Headers, settings: Settings) -> bool:
    """Whether the request comes from our pages, or from no page at all."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return True
    return site in OWN_SITES or origin == settings.base_url or origin in settings.allowed_origins


def opened(headers: Headers) -> bool:
    """Whether somebody opens a page, whoever linked to it; a frame or an image is not opened."""
    mode, what = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return mode == "navigate" and what == "document"
