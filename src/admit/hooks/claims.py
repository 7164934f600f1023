"""The claims that an app adds: which names it may use, and what can be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

RESERVED = frozenset(
    {
        "amr",
        "aud",
        "auth_time",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "roles",
        "sid",
        "sub",
    }
)
"""What we say ourselves, and what decides from when a token is good."""


class Added(msgspec.Struct, frozen=True):
    """The claims that are kept, each as JSON, and why the others are not."""

    kept: dict[str, msgspec.Raw]
    refused: tuple[str, ...] = ()


NOTHING = Added({})


def added(result: object) -> Added:
    """What is to be added of that which the app's function returned.

    Raises:
        TypeError: it returned no mapping.
    """
    if not isinstance(result, Mapping):
        raise TypeError(f"claims wants a mapping of names to values, not {type(result).__name__}")
    kept, refused = {}, []
    for name, value in result.items():
        written = _json(value)
        if not isinstance(name, str) or not name or _json(name) is None:
            refused.append("a name that is no text")
        elif name in RESERVED:
            refused.append(f"{name!r} is ours")
        elif written is None:
            refused.append(f"{name!r} has a value that can't be JSON ({type(value).__name__})")
        else:
            kept[str(name)] = written
    return Added(kept, tuple(refused))


def _json(value: Any) -> msgspec.Raw | None:  # noqa: ANN401  whatever the app gives
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except Exception:  # noqa: BLE001  also what the value's own code raises
        return None
