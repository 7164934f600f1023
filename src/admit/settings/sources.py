"""Where a setting's value comes from: the environment, or a `.env` file."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from admit.errors import SettingsError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

PREFIX = "ADMIT_"
AUTHORIZERS = "ADMIT_AUTHORIZER_"
"""What the authorizer on Lambda reads for itself; one block of variables may serve both."""


def variable(name: str) -> str:
    """The environment variable of a setting: `ADMIT_ACCESS_TTL` for `access_ttl`."""
    return PREFIX + name.upper()


def read_dotenv(path: str | os.PathLike[str] | None) -> dict[str, str]:
    """What the `.env` file sets; nothing where there is none.

    Raises:
        SettingsError: it can't be read, or one of its lines can't.
    """
    if path is None or not Path(path).exists():
        return {}
    from dotenv.parser import parse_stream  # noqa: PLC0415  most servers have no such file

    try:
        bindings = list(parse_stream(StringIO(Path(path).read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "dotenv", f"The file {str(path)!r} can't be read ({error}): mend it or remove it."
        ) from None
    for binding in bindings:
        if binding.error:  # what is skipped here would be a default there
            raise SettingsError(
                "dotenv",
                f"Line {binding.original.line} of {str(path)!r} can't be read: write NAME=value,"
                " and close its quotes.",
            )
    # A key without a value ("ADMIT_SECRET" alone on its line) is a slip: read it as empty.
    return {each.key: each.value or "" for each in bindings if each.key}


def from_environment(source: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """The text of every setting that these variables set, by its name.

    Arguments:
        source: the environment, or what stands in for it.
        known: the names of the settings.

    Raises:
        SettingsError: a variable with our prefix is no setting, or is empty.
    """
    values = {}
    for key, value in source.items():
        if not key.startswith(PREFIX) or key.startswith(AUTHORIZERS):
            continue
        name = key.removeprefix(PREFIX).lower()
        if name not in known or key != variable(name):
            near = _near(name, known)
            raise SettingsError(
                name, f"{key} is not a setting of Admit: correct its name or unset it{near}."
            )
        if value.strip() == "":
            raise SettingsError(name, f"{key} is empty: give it a value or unset it.")
        values[name] = value
    return values


def _near(name: str, known: set[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only on the way to an error

    near = get_close_matches(name, known, 1)
    return f" (did you mean {variable(near[0])}?)" if near else ""
