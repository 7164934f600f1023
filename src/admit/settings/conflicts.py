"""What can't work together, or would not be safe, though each value is one of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admit.errors import SettingsError

if TYPE_CHECKING:
    from admit.settings.fields import Fields

LOCAL_HOSTS = ("localhost", "127.0.0.1")
"""Where plain http is safe enough: the traffic never leaves the machine."""
LONGEST_LEEWAY = 60.0


def check_together(settings: Fields) -> None:
    """Return where these settings can work together.

    Raises:
        SettingsError: two of them can't, or one of them would be unsafe.
    """
    parts = urlsplit(settings.base_url)
    if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
        raise SettingsError(
            "base_url",
            f"ADMIT_BASE_URL (base_url) is {settings.base_url!r}, but cookies and tokens must not"
            " cross a network in the clear: use https://, or http://localhost while developing.",
        )
    if not settings.access_ttl <= settings.refresh_ttl <= settings.session_ttl:
        raise SettingsError(
            "refresh_ttl",
            f"ADMIT_REFRESH_TTL (refresh_ttl) is {settings.refresh_ttl:.0f} s, and must lie between"
            f" access_ttl ({settings.access_ttl:.0f} s) and session_ttl"
            f" ({settings.session_ttl:.0f} s): change one of the three.",
        )
    if settings.leeway > LONGEST_LEEWAY:
        raise SettingsError(
            "leeway",
            "ADMIT_LEEWAY (leeway) is over 1m, for which a stolen token would go unnoticed: set it"
            " to a few seconds, and let clients send an Idempotency-Key.",
        )
    if settings.refresh_ttl <= settings.leeway:
        raise SettingsError(
            "refresh_ttl",
            "ADMIT_REFRESH_TTL (refresh_ttl) must be longer than leeway, or a session expires while"
            " its newest token rests: raise it, or lower leeway.",
        )
    if settings.key_ttl <= settings.jwks_max_age + settings.access_ttl:
        raise SettingsError(
            "key_ttl",
            "ADMIT_KEY_TTL (key_ttl) must be longer than jwks_max_age and access_ttl together, or"
            " keys pile up: raise it, to days.",
        )
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        raise SettingsError(
            "trusted_proxies",
            "ADMIT_TRUSTED_PROXIES (trusted_proxies) trusts every address, so that anybody could"
            " choose their own: name your proxies.",
        )
    _check_secret(settings)
    _check_cookies(settings)
    _check_argon2(settings)


def _check_secret(settings: Fields) -> None:
    if settings.secret and settings.secret_source:
        raise SettingsError(
            "secret_source",
            "ADMIT_SECRET (secret) and ADMIT_SECRET_SOURCE (secret_source) are both set, and which"
            " of them holds is not to be guessed: unset one.",
        )
    if settings.database_url.startswith("dynamodb:") and not (
        settings.secret or settings.secret_source
    ):
        raise SettingsError(
            "secret",
            "ADMIT_SECRET (secret) is not set, and with DynamoDB none is made, since each instance"
            " would make another: set it, or ADMIT_SECRET_SOURCE (secret_source).",
        )


def _check_cookies(settings: Fields) -> None:
    if settings.cookie_samesite == "none" and not settings.secure:
        raise SettingsError(
            "cookie_samesite",
            "ADMIT_COOKIE_SAMESITE (cookie_samesite) is 'none', which browsers accept only with"
            " an https:// base_url: set ADMIT_BASE_URL, or use 'strict'.",
        )
    if settings.cookie_samesite == "none" and not settings.allowed_origins:
        raise SettingsError(
            "allowed_origins",
            "ADMIT_ALLOWED_ORIGINS (allowed_origins) is empty while cookie_samesite is 'none':"
            " name the origins of your front end.",
        )
    for origin in settings.allowed_origins:
        parts = urlsplit(origin)
        if settings.secure and parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
            raise SettingsError(
                "allowed_origins",
                f"ADMIT_ALLOWED_ORIGINS (allowed_origins) has {origin!r}: whoever is on its way"
                " could put a script into that page; use https://.",
            )


def _check_argon2(settings: Fields) -> None:
    """OWASP's equivalent minimums (ASVS 5.0.0 appendix C): more passes for less memory."""
    wanted = {1: 47_104, 2: 19_456}.get(settings.argon2_time, 12_288)
    if settings.argon2_memory < wanted:
        raise SettingsError(
            "argon2_memory",
            f"ADMIT_ARGON2_MEMORY (argon2_memory) must be at least {wanted} KiB with argon2_time"
            f" {settings.argon2_time}: raise either.",
        )
