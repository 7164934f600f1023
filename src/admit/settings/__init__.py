"""Every setting, validated once, at the start.

A value comes from a keyword argument, else from the environment (`ADMIT_ACCESS_TTL`), else from a
`.env` file, else from the default. What can't work stops the start with one sentence that names
the setting and says what to do.
"""

from __future__ import annotations

from admit.settings.conflicts import LOCAL_HOSTS
from admit.settings.fields import SKEW, Settings
from admit.settings.sources import PREFIX, read_dotenv, variable

__all__ = ["LOCAL_HOSTS", "PREFIX", "SKEW", "Settings", "read_dotenv", "variable"]
