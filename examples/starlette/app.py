"""An app with Admit inside: `/auth/...` is its own, `/orders` is guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from admit import Admit
from admit.frameworks.starlette import Guard, mount

if TYPE_CHECKING:
    from starlette.requests import Request

auth = Admit()
guard = Guard(auth)


@guard.user
async def orders(request: Request) -> JSONResponse:
    """Who is calling; to whom has no good token, the guard has given the answer."""
    principal = request.state.principal
    return JSONResponse({"orders_of": principal.user_id, "roles": list(principal.roles)})


app = Starlette(routes=[Route("/orders", orders)])
mount(app, auth)
