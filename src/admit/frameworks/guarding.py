"""What the guards of every framework have in common: their names, and what each needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from admit.errors import Refusal
from admit.guards.gate import ANYBODY, Needs

if TYPE_CHECKING:
    from admit.auth import Admit
    from admit.guards.gate import Gate

Made = TypeVar("Made")
View = TypeVar("View", bound=Callable[..., Any])

MINUTE = 60.0


class Keeper(AbstractAsyncContextManager[object], Protocol):
    """Who keeps the door, from the start of an app to its end: an `Admit` or a `Verifier`."""

    @property
    def gate(self) -> Gate:
        """The door."""


def admit_of(auth: object) -> Admit | None:
    """The `Admit` that this is; None for a `Verifier`, for which no engine has to be loaded."""
    return cast("Admit", auth) if hasattr(type(auth), "app") else None


def noted(refusal: Refusal, app: Any) -> None:  # noqa: ANN401  of whichever framework
    """Say with a refusal that the app has no answer to, which ends in a 500, what is missing."""
    if Refusal not in getattr(app, "exception_handlers", ()):
        refusal.add_note("This app does not answer refusals: call mount(app, auth) on it.")


class Decorator(Protocol):
    """A guard that is put before a view, which stays of its type."""

    def __call__(self, view: View, /) -> View:
        """The view, with the guard before it."""


class Guarding(Generic[Made]):
    """Makes guards; the same one for the same needs, so that a request passes it once."""

    def __init__(self) -> None:
        self._guards: dict[Needs, Made] = {}
        self.user: Made = self._for(ANYBODY)
        """Somebody who is signed in."""
        self.optional: Made = self._for(Needs(optional=True))
        """Anybody; who is signed in is known. A bearer token that is sent has to be good."""

    def role(self, role: str) -> Made:
        """Somebody who has this role.

        Raises:
            ValueError: it is none.
        """
        return self.needs(role=role or "")

    def recent(self, *, minutes: float) -> Made:
        """Somebody who signed in, and did not only refresh, within so many minutes (RFC 9470)."""
        return self.needs(within=minutes * MINUTE)

    def needs(self, *, role: str | None = None, within: float | None = None) -> Made:
        """Somebody who has the role, and signed in within so many seconds.

        Raises:
            ValueError: nobody could ever pass.
        """
        return self._for(Needs(role=role, within=within))

    def _for(self, needs: Needs) -> Made:
        if needs not in self._guards:
            self._guards[needs] = self._made(needs)
        return self._guards[needs]

    def _made(self, needs: Needs) -> Made:
        raise NotImplementedError


class Gated(Guarding[Made]):
    """Guards of an asynchronous framework, which stand at the gate of one `auth`.

    Arguments:
        auth: an `Admit` or a `Verifier`.
    """

    def __init__(self, auth: Keeper) -> None:
        self.gate = auth.gate
        super().__init__()
