"""A shop's API with Admit inside, and the one page that uses it, on the same origin.

Pages on other origins may use it too where ADMIT_ALLOWED_ORIGINS names them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from admit import Admit
from admit.frameworks.starlette import Guard, mount

if TYPE_CHECKING:
    from starlette.requests import Request

PAGE = (Path(__file__).parent / "index.html").read_text()
# With npm it is `import { createAdmit } from "admit-client"`; Admit brings the same file.
CLIENT = resources.files("admit").joinpath("web/static/client.js").read_bytes()

auth = Admit()
guard = Guard(auth)
ordered: dict[str, list[str]] = {}


@guard.user
async def orders(request: Request) -> JSONResponse:
    """What the caller ordered; a POST orders one thing more."""
    own = ordered.setdefault(request.state.principal.user_id, [])
    if request.method == "POST":
        own.append((await request.json())["what"])
    return JSONResponse(own)


# Admit answers for its own routes; these are ours. No cookie is needed, the token is in a header.
cors = Middleware(
    CORSMiddleware,
    allow_origins=auth.settings.allowed_origins,
    allow_methods=["GET", "POST"],
    allow_headers=["Authorization", "Content-Type"],
    expose_headers=["WWW-Authenticate"],
)
app = Starlette(
    routes=[
        Mount(
            "/api", routes=[Route("/orders", orders, methods=["GET", "POST"])], middleware=[cors]
        ),
        Route("/", HTMLResponse(PAGE)),
        Route("/client.js", Response(CLIENT, media_type="text/javascript")),
    ]
)
mount(app, auth)
