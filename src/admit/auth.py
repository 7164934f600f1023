"""What an app holds: the engine, and the routes as one ASGI app."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from admit.engine import Engine

if TYPE_CHECKING:
    from admit.http.app import App


class Admit(Engine):
    """Sign-in for an app: `auth = Admit()`, then mount `auth.app` at the prefix.

    Takes what `Engine` takes: settings by name, or from the environment.
    """

    @cached_property
    def app(self) -> App:
        """Every route of the HTTP contract, and the pages where they are on, as one ASGI app.

        Raises:
            SettingsError: the pages can't be as the settings want them.
        """
        from admit.http.app import App  # noqa: PLC0415  verifying a token needs no framework

        if not self.settings.pages:
            return App(self)
        from admit.web import served  # noqa: PLC0415  needs Jinja2, and most apps have no pages

        return App(self, served(self))
