"""What API Gateway asks an authorizer: the token, the form of the question, and the API's stage.

| form | API | `type` | `version` | the token |
|---|---|---|---|---|
| `token` | REST | `TOKEN` | none | `authorizationToken` |
| `request` | REST | `REQUEST` | none | the header Authorization |
| `http1` | HTTP | `REQUEST` | `1.0` | the same |
| `http2` | HTTP | `REQUEST` | `2.0` | the same |

Where there is no such header, the identity source that the API names is taken in its place. A
cookie is not: whether a request that brings one comes from another site is told by its method and
its origin, and API Gateway's cache knows neither.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from admit.errors import Malformed, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Form = Literal["token", "request", "http1", "http2"]
_STAGE = re.compile(r"(arn:[^:/]+:execute-api:[^:/]*:[^:/]*:[^:/*]+/[^:/]+)(?:/.*)?", re.DOTALL)
"""Up to the stage; behind it the path may hold anything, as the caller wrote it."""
_VERSIONS: dict[object, Form] = {None: "request", "1.0": "http1", "2.0": "http2"}


class Asked(msgspec.Struct, frozen=True):
    """One question: its form, and the ARN of the stage, under which lies every route of the API."""

    form: Form
    stage: str


def asked(event: Mapping[str, Any]) -> Asked:
    """What is asked.

    Raises:
        ValueError: this is no event of an authorizer.
    """
    kind, version = event.get("type"), event.get("version")
    form: Form | None = "token" if kind == "TOKEN" else None
    if kind == "REQUEST":
        form = _VERSIONS.get(version)
    arn = event.get("routeArn" if form == "http2" else "methodArn")
    match = _STAGE.fullmatch(arn) if isinstance(arn, str) else None
    if form is None or match is None:
        raise ValueError("This is no event that API Gateway sends to an authorizer.")
    return Asked(form, match[1])


def token(event: Mapping[str, Any], form: Form) -> str:
    """The one token of the request.

    Raises:
        Unauthenticated: there is none.
        Malformed: there are several.
    """
    if form == "token":
        found = _bare(event.get("authorizationToken"))
    else:
        headers = list(_authorization(event))
        if len(headers) > 1:
            raise Malformed("The Authorization header stands in the request twice.")
        found = _bearer(headers[0]) if headers else _identity(event)
    if not found:
        raise Unauthenticated
    return found


def _authorization(event: Mapping[str, Any]) -> Iterator[str]:
    """Every Authorization header, whatever its case; each is in both maps where there are two."""
    several = event.get("multiValueHeaders") or {}
    found = [each for name, values in several.items() if _named(name) for each in values or []]
    if not found:
        headers = event.get("headers") or {}
        found = [value for name, value in headers.items() if _named(name)]
    return (each for each in found if isinstance(each, str))


def _named(name: str) -> bool:
    return name.lower() == "authorization"


def _identity(event: Mapping[str, Any]) -> str | None:
    """The token of the API's identity source, where that is one value and not several."""
    source = event.get("identitySource")
    if isinstance(source, list):
        source = source[0] if len(source) == 1 else None
    return _bare(source)


def _bare(value: object) -> str | None:
    """The token of a header that may have another name than Authorization, and need no scheme."""
    if not isinstance(value, str):
        return None
    return _bearer(value) if " " in value.strip() else value.strip()


def _bearer(value: str) -> str | None:
    """The token behind `Bearer`, whatever its case (RFC 6750 section 2.1)."""
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None
