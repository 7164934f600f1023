"""A refusal as an answer: the one place where errors become HTTP (RFC 9457)."""

from __future__ import annotations

import msgspec

from admit.errors import Forbidden, InsufficientUserAuthentication, InvalidToken, Refusal

REALM = 'Bearer realm="admit"'
TYPE = "urn:admit:refusal:"
MEDIA_TYPE = "application/problem+json"
CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


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


class Answer(msgspec.Struct, frozen=True):
    """An answer as any framework can send it; the headers have the names that people write."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(refusal: Refusal, *, secure: bool) -> Answer:
    """The whole answer that tells the caller of this refusal.

    Arguments:
        refusal: why.
        secure: whether the service is reached by https.
    """
    named = {"Content-Type": MEDIA_TYPE, "Content-Length": ""}
    written = body(refusal)
    named["Content-Length"] = str(len(written))
    return Answer(
        refusal.status, named | security_headers(secure=secure) | headers(refusal), written
    )


def body(refusal: Refusal) -> bytes:
    """The refusal as JSON."""
    return msgspec.json.encode(
        Problem(
            type=TYPE + refusal.code,
            title=refusal.title(),
            status=refusal.status,
            code=refusal.code,
            detail=refusal.detail,
            reason=refusal.reason,
            fields=refusal.fields,
            retry_after=refusal.retry_after,
        )
    )


def headers(refusal: Refusal) -> dict[str, str]:
    """The headers that go with this refusal and no other."""
    found: dict[str, str] = {}
    if challenge := _challenge(refusal):
        found["WWW-Authenticate"] = challenge
    if refusal.retry_after is not None:
        found["Retry-After"] = str(refusal.retry_after)
    if refusal.allow is not None:
        found["Allow"] = refusal.allow
    return found


def security_headers(*, secure: bool) -> dict[str, str]:
    """The headers that every answer carries."""
    found = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": CSP,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if secure:
        found["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return found


def _challenge(refusal: Refusal) -> str | None:
    """RFC 9110 section 15.5.2 wants one on every 401.

    RFC 6750 section 3.1 wants an error code only where a token was presented.
    """
    if isinstance(refusal, InsufficientUserAuthentication):
        described = f'error_description="{refusal.title()}", max_age="{refusal.max_age}"'
        return f'{REALM}, error="{refusal.code}", {described}'
    if isinstance(refusal, InvalidToken):
        return REALM + ', error="invalid_token"'
    if isinstance(refusal, Forbidden):
        return REALM + ', error="insufficient_scope"'
    return REALM if refusal.status == InvalidToken.status else None
