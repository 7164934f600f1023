"""The pages that people sign in with: shells, which scripts fill through the JSON routes.

They are served beside the routes where the setting `pages` is on, and need Jinja2 (the extra
`pages`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.errors import SettingsError

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.web.pages import Pages


def served(engine: Engine) -> Pages:
    """The pages over one engine.

    Raises:
        SettingsError: Jinja2 is not installed, or one of the settings `pages_…` can't work.
    """
    try:
        from admit.web.pages import Pages  # noqa: PLC0415  so that the lack of Jinja2 is told
    except ModuleNotFoundError as error:
        if error.name != "jinja2":
            raise
        raise SettingsError(
            "pages",
            "ADMIT_PAGES (pages) is on, and Jinja2 is not installed: pip install 'admit[pages]', or"
            " turn them off.",
        ) from None
    return Pages(engine)
