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
        """Every route of the HTTP contract, as one ASGI app."""
        from admit.http.app import App  # noqa: PLC0415  verifying a token needs no framework

        return App(self)
