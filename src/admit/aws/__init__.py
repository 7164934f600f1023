"""Admit on AWS Lambda: `admit.aws.handler` answers requests, `admit.aws.authorizer` guards others.

Each is loaded when it is first asked for: the authorizer needs nothing of what the handler does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from admit.aws.api import handler as handler
    from admit.aws.guard import authorizer as authorizer

_HOMES = {"authorizer": "guard", "handler": "api"}
__all__ = [*_HOMES]  # noqa: PLE0604  strings all


def __getattr__(name: str) -> object:
    """Load what Lambda was told to run."""
    if name not in _HOMES:
        raise AttributeError(f"module 'admit.aws' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"admit.aws.{_HOMES[name]}"), name)
