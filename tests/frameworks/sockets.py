"""A handshake of a WebSocket, as a server hands it to an app."""

import asyncio
import json

PATIENCE = 60.0


async def shake_hands(app, path="/socket", *, headers=(), answers=True):
    """What the app says to a handshake: the messages it sends until it is done.

    `answers` is whether the server can answer one as it would a request.
    """
    extensions: dict[str, dict[str, str]] = {"websocket.http.response": {}} if answers else {}
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost:8000"), *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("localhost", 8000),
        "subprotocols": [],
        "extensions": extensions,
        "state": {},
    }
    received = iter([{"type": "websocket.connect"}])
    sent = []

    async def receive():
        for message in received:
            return message
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message):
        sent.append(message)

    async with asyncio.timeout(PATIENCE):
        await app(scope, receive, send)
    return sent


def answered(sent):
    """The status, headers and body with which a handshake was answered."""
    start, body = sent
    assert start["type"] == "websocket.http.response.start"
    assert body["type"] == "websocket.http.response.body"
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, json.loads(body["body"])
