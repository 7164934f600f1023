"""What `admit doctor` thinks of the settings: judged without touching anything."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admit.cli.findings import fail, ok, warn
from admit.cli.output import span
from admit.cli.table import DYNAMODB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from admit.cli.findings import Finding
    from admit.settings import Settings

POSTGRESQL = "postgresql:"
RECOMMENDED_LENGTH = 15
"""NIST SP 800-63B-4 section 3.1.1.1, where the password is the only factor."""


def of_settings(settings: Settings) -> Iterator[Finding]:
    """Every finding about the settings by themselves."""
    yield _base_url(settings)
    yield _proxies(settings)
    yield _cookies(settings)
    yield _origins(settings)
    yield _throttle(settings)
    yield _leeway(settings)
    yield _passwords(settings)
    yield _algorithm(settings)
    yield _verifiers(settings)


def _base_url(settings: Settings) -> Finding:
    if settings.secure:
        return ok("base url", f"{settings.base_url}: cookies are Secure and bound to the host.")
    return warn(
        "base url",
        f"{settings.base_url} is for this machine only, and its cookies are not Secure.",
        "For production set ADMIT_BASE_URL to the https:// address that browsers use.",
    )


def _proxies(settings: Settings) -> Finding:
    trusted = settings.trusted_proxies
    if trusted:
        listed = ", ".join(map(str, trusted))
        return ok("proxies", f"X-Forwarded-For is believed from {listed}, and from nobody else.")
    if settings.secure:
        return warn(
            "proxies",
            "The base URL is https, so a proxy stands in front, but none is trusted: every client"
            " has the proxy's address, in the limits as in the audit trail.",
            "Set ADMIT_TRUSTED_PROXIES to its address; X-Forwarded-For is then believed from it"
            " alone.",
        )
    return ok("proxies", "None is trusted: a client's address is that of its connection.")


def _cookies(settings: Settings) -> Finding:
    if settings.cookie_samesite == "none":
        return warn(
            "cookies",
            "SameSite=None: browsers send the cookies from other sites too, and more and more of"
            " them block such cookies.",
            "Serve front end and API under one site if you can, with ADMIT_COOKIE_SAMESITE=strict.",
        )
    return ok("cookies", f"SameSite={settings.cookie_samesite.capitalize()}, HttpOnly.")


def _origins(settings: Settings) -> Finding:
    if not settings.allowed_origins:
        return ok("origins", "Only pages of the base URL may use the cookies.")
    listed = ", ".join(settings.allowed_origins)
    if settings.cookie_samesite == "none":
        return ok("origins", f"Pages of {listed} may use the cookies.")
    host = urlsplit(settings.base_url).hostname
    return ok(
        "origins",
        f"Pages of {listed} may use the cookies, where they share a site with {host}:"
        f" SameSite={settings.cookie_samesite.capitalize()} keeps the cookies from other sites.",
        "If one of them is on another site, it needs ADMIT_COOKIE_SAMESITE=none.",
    )


def _throttle(settings: Settings) -> Finding:
    if settings.throttle and settings.redis_url:
        return ok("throttle", "Attempts are limited, counted in Redis by all processes together.")
    if settings.throttle and settings.database_url.startswith(DYNAMODB):
        return ok("throttle", "Attempts are limited, counted in the table by all together.")
    if settings.throttle and settings.database_url.startswith(POSTGRESQL):
        return ok(
            "throttle",
            "Attempts are limited, counted by the workers of one `admit serve` together.",
            "Where several machines serve, set ADMIT_REDIS_URL, or each counts by itself.",
        )
    if settings.throttle:
        return ok(
            "throttle",
            "Attempts are limited, counted by the workers of one `admit serve` together.",
        )
    return fail(
        "throttle",
        "throttle=off: ANYBODY MAY GUESS PASSWORDS WITHOUT END.",
        "Unset ADMIT_THROTTLE; it is for load tests only.",
    )


def _leeway(settings: Settings) -> Finding:
    if settings.leeway:
        seconds = span(settings.leeway)
        return ok("leeway", f"A lost answer may be asked for again within {seconds}.")
    return warn(
        "leeway",
        "leeway is 0: two tabs that refresh at once, or a client that retries, end their session.",
        "Unset ADMIT_LEEWAY, unless every client sends an Idempotency-Key.",
    )


def _passwords(settings: Settings) -> Finding:
    length = settings.password_min_length
    says = f"New passwords have at least {length} characters and are not common ones."
    if length >= RECOMMENDED_LENGTH:
        return ok("passwords", says)
    return ok(
        "passwords",
        says,
        f"NIST recommends {RECOMMENDED_LENGTH} where the password is the only factor:"
        f" ADMIT_PASSWORD_MIN_LENGTH={RECOMMENDED_LENGTH}.",
    )


def _algorithm(settings: Settings) -> Finding:
    if settings.algorithm == "HS256":
        return warn(
            "algorithm",
            "HS256 has no public key, so no other service can verify the access tokens.",
            "Set ADMIT_ALGORITHM=ES256, unless Admit alone checks them.",
        )
    return ok("algorithm", f"Access tokens are signed with {settings.algorithm}.")


def _verifiers(settings: Settings) -> Finding:
    count = len(settings.verifier_keys)
    if count:
        keys = "One key reads" if count == 1 else f"{count} keys read"
        return ok("verifiers", f"{keys} what is revoked, at {settings.issuer}/revocations.")
    return ok("verifiers", "ADMIT_VERIFIER_KEYS has no key: no service reads what is revoked.")
