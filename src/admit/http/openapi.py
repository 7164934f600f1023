"""The OpenAPI 3.1 document, generated from the types that parse the bodies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from admit import errors
from admit.guards.cookies import Cookies
from admit.guards.problems import Problem
from admit.http.feed import LONGEST_WAIT
from admit.version import VERSION

if TYPE_CHECKING:
    from admit.http.operations import Operation
    from admit.settings import Settings

SCHEMA = "#/components/schemas/{name}"
ALWAYS: tuple[type[errors.Refusal], ...] = (errors.TooLarge, errors.Unavailable)
"""Whatever the route: headers over 64 KiB, and a store that is out."""
_FEED: tuple[dict[str, Any], ...] = (
    {
        "name": "after",
        "in": "query",
        "required": False,
        "description": "The cursor of the answer before; without it, everything that matters.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,19}\\.[0-9a-f]{8}$"},
    },
    {
        "name": "wait",
        "in": "query",
        "required": False,
        "description": "Seconds to wait for news while there is none.",
        "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
    },
    {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the answer before.",
        "schema": {"type": "string"},
    },
)


def describe(settings: Settings, operations: list[Operation]) -> bytes:
    """The document for these routes, as JSON."""
    types = {each.takes for each in operations} | {each.gives for each in operations}
    used = sorted((each for each in types if each), key=lambda each: each.__name__)
    _, schemas = msgspec.json.schema_components([*used, Problem], ref_template=SCHEMA)
    _bound(schemas, settings)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in operations:
        paths[settings.prefix + each.path][each.method.lower()] = _operation(each)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Admit",
            "version": VERSION,
            "summary": "Sign-in: access tokens and rotating refresh tokens.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.base_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _schemes(settings)},
    }
    return msgspec.json.encode(document)


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.endpoint.__name__,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    parameters = _parameters(operation)
    if parameters:
        described["parameters"] = parameters
    if operation.takes:
        content = {"application/json": {"schema": _ref(operation.takes)}}
        required = any(each.required for each in msgspec.structs.fields(operation.takes))
        described["requestBody"] = {"content": content, "required": required}
    named: list[dict[str, list[str]]] = [
        {scheme: []} for scheme in operation.presents if scheme != "refreshBody"
    ]
    if named:
        # A refresh token in the body is no scheme that OpenAPI knows: `{}` stands for it.
        described["security"] = named + ([{}] if len(named) < len(operation.presents) else [])
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = []
    if "{id}" in operation.path:
        schema = {"type": "string", "pattern": operation.id_is}
        parameters.append({"name": "id", "in": "path", "required": True, "schema": schema})
    if operation.path == "/refresh":
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same over the retries of one refresh, and random.",
                "schema": {"type": "string", "maxLength": 255},
            }
        )
    if operation.path == "/revocations":
        parameters += _FEED
    return [*parameters, *operation.parameters]


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.gives:
        good["content"] = {"application/json": {"schema": _ref(operation.gives)}}
    by_status: dict[int, list[type[errors.Refusal]]] = defaultdict(list)
    for refusal in dict.fromkeys((*operation.refuses, *ALWAYS)):
        by_status[refusal.status].append(refusal)
    refused = {
        str(status): {
            "description": "; ".join(f"`{each.code}`: {each.title()}" for each in refusals),
            "content": {"application/problem+json": {"schema": _ref(Problem)}},
        }
        for status, refusals in sorted(by_status.items())
    }
    unchanged = {"304": {"description": "Nothing new"}} if operation.unchanged else {}
    return {str(operation.status): good, **unchanged, **refused}


def _bound(schemas: dict[str, Any], settings: Settings) -> None:
    """The bounds that the settings move, and the problem's closed lists."""
    least = settings.password_min_length
    if "RegisterBody" in schemas:  # else nobody registers here
        schemas["RegisterBody"]["properties"]["password"]["minLength"] = least
    schemas["PasswordBody"]["properties"]["new_password"]["minLength"] = least
    codes = sorted(each.code for each in errors.Refusal.__subclasses__())
    schemas["Problem"]["properties"]["code"]["enum"] = codes


def _schemes(settings: Settings) -> dict[str, Any]:
    cookies = Cookies(settings)
    schemes: dict[str, Any] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"},
        "refreshCookie": {"type": "apiKey", "in": "cookie", "name": cookies.refresh_name},
        "refreshHeader": {"type": "apiKey", "in": "header", "name": "Refresh-Token"},
        "accessCookie": {"type": "apiKey", "in": "cookie", "name": cookies.access_name},
        "verifierKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "One of the service's `verifier_keys`; an access token is none.",
        },
    }
    return schemes


def _ref(type_: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": SCHEMA.format(name=type_.__name__)}
