"""Sign-in for Python: short-lived access tokens and rotating refresh tokens.

The names here are the whole public API; everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.version import VERSION

if TYPE_CHECKING:
    from admit.auth import Admit as Admit
    from admit.errors import AdmitError as AdmitError
    from admit.errors import InvalidToken as InvalidToken
    from admit.errors import Refusal as Refusal
    from admit.errors import SettingsError as SettingsError
    from admit.errors import Unavailable as Unavailable
    from admit.hooks import Hooks as Hooks
    from admit.model import Principal as Principal
    from admit.model import Session as Session
    from admit.model import Tokens as Tokens
    from admit.model import User as User
    from admit.settings import Settings as Settings
    from admit.verifier.service import Verifier as Verifier

__version__ = VERSION

_HOMES = {
    "Admit": "auth",
    "AdmitError": "errors",
    "Hooks": "hooks",
    "InvalidToken": "errors",
    "Principal": "model",
    "Refusal": "errors",
    "Session": "model",
    "Settings": "settings",
    "SettingsError": "errors",
    "Tokens": "model",
    "Unavailable": "errors",
    "User": "model",
    "Verifier": "verifier.service",
}
__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604  strings all


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for: `import admit` alone loads next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'admit' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"admit.{_HOMES[name]}"), name)
