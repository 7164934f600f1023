"""What a check finds: its name, ok or warn or fail, a sentence, and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one check. `do` may hold a hint where the state is ok, too."""

    check: str
    state: Literal["ok", "warn", "fail"]
    says: str
    do: str | None = None


def ok(check: str, says: str, do: str | None = None) -> Finding:
    """All is well."""
    return Finding(check=check, state="ok", says=says, do=do)


def warn(check: str, says: str, do: str) -> Finding:
    """It works, but not as it should in production."""
    return Finding(check=check, state="warn", says=says, do=do)


def fail(check: str, says: str, do: str) -> Finding:
    """It doesn't work, or isn't safe."""
    return Finding(check=check, state="fail", says=says, do=do)
