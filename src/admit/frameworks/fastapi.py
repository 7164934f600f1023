"""Admit in a FastAPI app: `mount(app, auth)`, and `Depends(guard.user)` on what needs somebody."""
# No `from __future__ import annotations`: FastAPI reads those of a dependency while it runs.

from collections.abc import Callable, Iterator
from typing import Annotated, Any, NoReturn

import msgspec
from fastapi import FastAPI
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from admit.errors import Refusal, Unauthenticated
from admit.frameworks import starlette
from admit.frameworks.guarding import Gated, Keeper, noted
from admit.guards import documented
from admit.guards.asgi import caller
from admit.guards.gate import Gate, Needs
from admit.model import Principal

NEEDS = "x-admit-needs"
"""What a guard leaves in its security scheme, for `mount` to describe the route by."""


def mount(app: FastAPI, auth: Keeper, *, at_root: bool = False) -> None:
    """Put Admit into the app: routes, refusals, start and end, and its OpenAPI document.

    Arguments:
        app: any FastAPI app, before its first request.
        auth: an `Admit`, or a `Verifier`, which has no routes.
        at_root: whether `/healthz`, `/readyz` and `/.well-known/jwks.json` are answered, too.

    Raises:
        SettingsError: the prefix is empty.
        RuntimeError: the app is running: what answers refusals can't be put in any more.
    """
    starlette.mount(app, auth, at_root=at_root)
    own: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        return _described(own(), auth.gate)

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's way to extend it


class Dependency(SecurityBase):
    """A guard: FastAPI calls it before the route, and shows it as the route's security scheme.

    The scopes of `Security(guard.user, scopes=["admin"])` are roles, and all of them are needed.
    It guards requests and the handshakes of WebSockets alike.
    """

    def __init__(self, gate: Gate, needs: Needs) -> None:
        self._gate = gate
        self._needs = needs
        written = msgspec.to_builtins(needs)
        self.scheme_name = " ".join([documented.BEARER, *map(str, written.values())])
        bearer = documented.schemes(gate)[documented.BEARER]
        self.model = SecurityModel.model_validate({**bearer, NEEDS: written})

    async def __call__(
        self, connection: HTTPConnection, scopes: SecurityScopes
    ) -> Principal | None:
        """Who calls; None only where that is optional.

        Raises:
            Refusal: what the caller is to be told.
        """
        try:
            principal = await caller(self._gate, connection.scope, self._needs)
        except Refusal as refusal:
            noted(refusal, connection.scope.get("app"))
            raise
        if scopes.scopes:
            if principal is None:
                raise Unauthenticated
            for role in scopes.scopes:
                self._gate.fitting(principal, Needs(role=role))
        return principal


class _Uncalled:
    """Keeps FastAPI from taking the arguments of `Depends(guard.role)` from the query.

    It would make a guard for each request, ask it nothing, and let everybody in.
    """

    def __get_pydantic_core_schema__(self, *_: object) -> NoReturn:
        raise TypeError('A guard was not called: say it as Depends(guard.role("admin")).')


Named = Annotated[str, _Uncalled()]
Time = Annotated[float, _Uncalled()]


class Guard(Gated[Dependency]):
    """Dependencies that give a `Principal`; for a route, a router or the whole app."""

    def role(self, role: Named) -> Dependency:
        """See `Gated.role`."""
        return super().role(role)

    def recent(self, *, minutes: Time) -> Dependency:
        """See `Gated.recent`."""
        return super().recent(minutes=minutes)

    def needs(self, *, role: Named | None = None, within: Time | None = None) -> Dependency:
        """See `Gated.needs`."""
        return super().needs(role=role, within=within)

    def _made(self, needs: Needs) -> Dependency:
        return Dependency(self.gate, needs)


def _described(document: dict[str, Any], gate: Gate) -> dict[str, Any]:
    """The document, with one scheme for each way that a token may come, and every refusal."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    left = {name: scheme.pop(NEEDS) for name, scheme in schemes.items() if NEEDS in scheme}
    if left:
        for operation in _operations(document):
            _describe(operation, left, gate)
        for name in left:
            del schemes[name]
        schemes.update(documented.schemes(gate))
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        yield from (each for each in path.values() if isinstance(each, dict))


def _describe(operation: dict[str, Any], left: dict[str, Any], gate: Gate) -> None:
    """One operation, by all guards that stand before it; what it says itself stays."""
    asked: list[dict[str, list[str]]] = operation.get("security", [])
    needed = []
    for name, scopes in ((name, scopes) for each in asked for name, scopes in each.items()):
        if name in left:
            needed.append(msgspec.convert(left[name], Needs))
            needed += [Needs(role=role) for role in scopes]
    if needed:
        guarded = documented.Guarded(gate, needed)
        others = [each for each in asked if not left.keys() & each.keys()]
        operation["security"] = others + guarded.security
        for status, response in guarded.responses.items():
            operation["responses"].setdefault(status, response)
