"""Accounts as Firebase exports them, turned into our fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from admit.cli.failure import Failed
from admit.passwords import forms

if TYPE_CHECKING:
    from pathlib import Path

PARAMETERS = ("base64_signer_key", "base64_salt_separator", "rounds", "mem_cost")

_MILLISECONDS = re.compile(r"\d{1,15}", re.ASCII)


class Project:
    """A Firebase project's way to hash passwords.

    Arguments:
        file: the `hash_config` that the project's console shows, saved as text.

    Raises:
        Failed: a parameter is missing.
    """

    def __init__(self, file: Path) -> None:
        text = file.read_text(encoding="utf-8", errors="replace")
        found = {name: _parameter(name, text) for name in PARAMETERS}
        if missing := [name for name, value in found.items() if value is None]:
            raise Failed(
                f"{file} lacks {', '.join(missing)}: save there what the Firebase console shows"
                " under Authentication, Users, Password hash parameters."
            )
        key, separator, rounds, mem_cost = (found[name] or "" for name in PARAMETERS)
        if not (rounds.isdecimal() and mem_cost.isdecimal()):
            raise Failed(f"{file} has to say rounds and mem_cost in whole numbers.")
        self._prefix = forms.firebase(
            rounds=int(rounds), mem_cost=int(mem_cost), signer_key=key, separator=separator
        )

    def fields(self, theirs: dict[str, Any]) -> dict[str, Any]:
        """Our fields, of one account as Firebase exports it; what has no place here is left out."""
        created = str(theirs.get("createdAt", ""))  # in milliseconds
        return {
            "email": theirs.get("email"),
            "hash": self._hash(theirs.get("passwordHash"), theirs.get("salt")),
            "created": int(created) / 1000 if _MILLISECONDS.fullmatch(created) else created or None,
            "email_verified": theirs.get("emailVerified"),
            "disabled": theirs.get("disabled"),
        }

    def _hash(self, result: Any, salt: Any) -> str | None:  # noqa: ANN401  whatever stood there
        if not isinstance(result, str) or not isinstance(salt, str) or not result:
            return None
        return forms.of_firebase(self._prefix, salt=salt, result=result)


def _parameter(name: str, text: str) -> str | None:
    found = re.search(rf'\b{name}"?\s*[:=]\s*"?([A-Za-z0-9+/_=-]*)', text)
    return found[1] if found else None
