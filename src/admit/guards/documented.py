"""How a guarded route is described in an app's OpenAPI document, whatever framework writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from admit import errors
from admit.guards.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admit.guards.gate import Gate, Needs

BEARER = "admit"
"""The security scheme of access tokens that are sent as bearer tokens."""
COOKIE = "admitCookie"
"""That of the access cookie."""


def schemes(gate: Gate) -> dict[str, dict[str, Any]]:
    """The security schemes that this gate takes."""
    found: dict[str, dict[str, Any]] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, as a sign-in or a refresh brings it.",
        }
    }
    if gate.access_cookie:
        found[COOKIE] = {
            "type": "apiKey",
            "in": "cookie",
            "name": gate.access_cookie,
            "description": "The access token in the cookie that a sign-in sets.",
        }
    return found


class Guarded:
    """A route, by all the guards that stand before it.

    Arguments:
        gate: theirs.
        needed: what each of them needs.
    """

    def __init__(self, gate: Gate, needed: Sequence[Needs]) -> None:
        self._gate = gate
        self._roles = sorted({each.role for each in needed if each.role})
        self._is_step_up = any(each.within is not None for each in needed)
        self._is_optional = all(each.optional for each in needed)

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """The schemes, any of which serves, with the roles (OpenAPI 3.1, section 4.8.30)."""
        any_of = [{name: self._roles} for name in schemes(self._gate)]
        return [*any_of, {}] if self._is_optional else any_of

    @property
    def refusals(self) -> dict[int, list[type[errors.Refusal]]]:
        """What it may answer besides its own, by status."""
        found: dict[int, list[type[errors.Refusal]]] = {400: [errors.Malformed]}
        found[401] = [errors.Unauthenticated, errors.InvalidToken]
        if self._gate.access_cookie:
            found[401].append(errors.RefreshRefused)
            found[403] = [errors.CsrfFailed]
        if self._is_step_up:
            found[401].append(errors.InsufficientUserAuthentication)
        if self._roles:
            found.setdefault(403, []).append(errors.Forbidden)
        found[503] = [errors.Unavailable]
        return found

    @property
    def responses(self) -> dict[str, dict[str, Any]]:
        """The same as OpenAPI has it; the schema of a problem refers to nothing."""
        _, parts = msgspec.json.schema_components([Problem])
        content = {MEDIA_TYPE: {"schema": parts["Problem"]}}
        return {
            str(status): {"description": described(refused), "content": content}
            for status, refused in self.refusals.items()
        }


def described(refused: list[type[errors.Refusal]]) -> str:
    """Every code with its public text."""
    return "; ".join(f"`{each.code}`: {each.title()}" for each in refused)
