"""A client for WSGI apps in this process, which hands requests on as gunicorn does."""

import asyncio
import io
import sys
from urllib.parse import unquote_to_bytes

import httpx

SPECIAL = {"CONTENT_TYPE", "CONTENT_LENGTH"}


def environ_of(request, body):
    """The environ: headers of one name joined by commas, those with an underscore left out."""
    path, _, query = request.url.raw_path.partition(b"?")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "40000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw, value in request.headers.raw:
        if b"_" in raw:
            continue
        name = raw.decode("latin-1").upper().replace("-", "_")
        key = name if name in SPECIAL else f"HTTP_{name}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def called(app, environ):
    """The answer of a WSGI app: status, headers, body."""
    begun = []
    parts = app(environ, lambda status, headers, _=None: begun.append((status, headers)))
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    [(status, headers)] = begun
    return int(status.split()[0]), headers, body


class WSGITransport(httpx.AsyncBaseTransport):
    """httpx has one, which lets the last of two headers win; servers join them."""

    def __init__(self, app):
        self._app = app

    async def handle_async_request(self, request):
        environ = environ_of(request, await request.aread())
        status, headers, body = await asyncio.to_thread(called, self._app, environ)
        return httpx.Response(status, headers=headers, content=body)
