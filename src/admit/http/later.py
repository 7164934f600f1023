"""What a first refresh does without, and a first sign-in needs.

A process that is started for one request, as on AWS Lambda, must not load for it what others will
need. Where there is time before the first request (a server that starts, an image of a function
that is taken once and restored many times), `load` does it all then.
"""

from __future__ import annotations

from importlib import import_module

LATER: tuple[str, ...] = (
    "admit.http.openapi",
    "admit.passwords.forms",
    "admit.tokens.making",
    "email_validator",
    "limits",
    "pwdlib.hashers.argon2",
)
"""Modules that are imported where they are first used, each with a sentence beside it."""


def load() -> None:
    """Import all of it now. Nothing is drawn or read in doing so: it may be remembered."""
    for name in LATER:
        import_module(name)
