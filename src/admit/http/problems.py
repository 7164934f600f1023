"""A refusal as Starlette sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from admit.guards import problems

if TYPE_CHECKING:
    from admit.errors import Refusal


def problem(refusal: Refusal) -> Response:
    """The answer that tells the caller of this refusal."""
    return Response(
        problems.body(refusal),
        status_code=refusal.status,
        media_type=problems.MEDIA_TYPE,
        headers=problems.headers(refusal),
    )
