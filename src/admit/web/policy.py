"""What a page may do: its Content-Security-Policy, with a nonce that no other answer has."""

from __future__ import annotations

import secrets

NONCE_BYTES = 18
SVG = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For an image that is opened by itself: as a document it could run scripts in our origin."""


def new_nonce() -> str:
    """Names the scripts and styles of one answer; nobody can guess it."""
    return secrets.token_urlsafe(NONCE_BYTES)


def headers(nonce: str) -> dict[str, str]:
    """The headers of a page, beside those that every answer carries."""
    rules = (
        "default-src 'none'",
        f"script-src 'nonce-{nonce}'",
        f"style-src 'nonce-{nonce}'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",  # a script sends what was typed; a form never does
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(rules),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Vary": "Accept-Language",
    }
