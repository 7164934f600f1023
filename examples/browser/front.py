"""The page alone, on an origin of its own; API says where the API is."""

import os
from html import escape
from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGE = (Path(__file__).parent / "index.html").read_text()
CLIENT = resources.files("admit").joinpath("web/static/client.js").read_bytes()

told = PAGE.replace('data-api=""', f'data-api="{escape(os.environ["API"])}"')
app = Starlette(
    routes=[
        Route("/", HTMLResponse(told)),
        Route("/client.js", Response(CLIENT, media_type="text/javascript")),
    ]
)
