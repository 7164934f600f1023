"""A refusal as an answer: the one place where errors become HTTP (RFC 9457)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from admit.errors import Forbidden, InvalidToken, Refusal

REALM = 'Bearer realm="admit"'
TYPE = "urn:admit:refusal:"


class Problem(msgspec.Struct, omit_defaults=True):
    """`application/problem+json` (RFC 9457 section 3.1) with our `code` and what goes with it."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    reason: str | None = None
    fields: dict[str, str] | None = None
    retry_after: int | None = None


def problem(refusal: Refusal) -> Response:
    """The answer that tells the caller of this refusal."""
    body = Problem(
        type=TYPE + refusal.code,
        title=refusal.title(),
        status=refusal.status,
        code=refusal.code,
        detail=refusal.detail,
        reason=refusal.reason,
        fields=refusal.fields,
        retry_after=refusal.retry_after,
    )
    return Response(
        msgspec.json.encode(body),
        status_code=refusal.status,
        media_type="application/problem+json",
        headers=_headers(refusal),
    )


def _headers(refusal: Refusal) -> dict[str, str]:
    headers: dict[str, Any] = {}
    if refusal.status == InvalidToken.status:
        # RFC 9110 section 15.5.2 wants a challenge on every 401; RFC 6750 section 3.1 an error
        # code only where a token was presented.
        error = ', error="invalid_token"' if isinstance(refusal, InvalidToken) else ""
        headers["WWW-Authenticate"] = REALM + error
    if isinstance(refusal, Forbidden):
        headers["WWW-Authenticate"] = REALM + ', error="insufficient_scope"'
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.allow is not None:
        headers["Allow"] = refusal.allow
    return headers
