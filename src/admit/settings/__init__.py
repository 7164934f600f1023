"""Every setting, validated once, at the start.

A value comes from a keyword argument, else from the environment (`ADMIT_ACCESS_TTL`), else from a
`.env` file, else from the default. What can't work stops the start with one sentence that names
the setting and says what to do.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from admit.errors import SettingsError
from admit.model import SKEW
from admit.settings.conflicts import LOCAL_HOSTS, check_together
from admit.settings.fields import Fields
from admit.settings.sources import PREFIX, from_environment, read_dotenv, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOCAL_HOSTS", "PREFIX", "SKEW", "Settings", "read_dotenv", "variable"]


class Settings(Fields):
    """How this Admit behaves; frozen.

    Every field takes its own type or the text that its environment variable would hold.

    Raises:
        SettingsError: a value that can't work, or not with another one, with a sentence that says
            what to do.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check_together(self)

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        dotenv: str | os.PathLike[str] | None = ".env",
        **given: object,
    ) -> Settings:
        """Settings from arguments, else the environment, else a `.env` file.

        Arguments:
            environ: the environment; `os.environ` where None.
            dotenv: the path of the `.env` file, which need not exist; None reads none.
            given: settings by their own names; they win over the environment.

        Raises:
            SettingsError: an unknown setting or variable, or a value that can't work.
        """
        known = {each.name for each in dataclasses.fields(cls)}
        for name in given.keys() - known:
            raise SettingsError(name, f"There is no setting {name!r}; see docs/settings.md.")
        values: dict[str, Any] = {}
        for source in (read_dotenv(dotenv), os.environ if environ is None else environ):
            values |= from_environment(source, known)
        return cls(**{**values, **given})
