"""The gate before an ASGI connection: what every asynchronous framework shares.

A scope goes in; who calls comes out, or the messages of an answer that refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.guards.gate import ANYBODY, REFUSED, SAFE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from admit.guards.gate import Gate, Needs
    from admit.guards.problems import Answer
    from admit.model import Principal

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION = 1008
"""Why a WebSocket is closed (RFC 6455 section 7.4.1); before it is accepted, servers say 403."""
DENIAL = "websocket.http.response"
"""What a server has to offer for a handshake to be answered as a request would be."""


class ScopeHeaders:
    """The headers of a scope, as the gate reads them; servers write the names in small letters."""

    __slots__ = ("_raw",)

    def __init__(self, scope: Scope) -> None:
        self._raw: list[tuple[bytes, bytes]] = scope["headers"]

    def get(self, key: str, /) -> str | None:
        """The value of the first header of this name."""
        wanted = key.encode()
        for name, value in self._raw:
            if name == wanted:
                return value.decode("latin-1")
        return None

    def getlist(self, key: str, /) -> list[str]:
        """The values of every header of this name."""
        wanted = key.encode()
        return [value.decode("latin-1") for name, value in self._raw if name == wanted]


def caller(gate: Gate, scope: Scope, needs: Needs = ANYBODY) -> Awaitable[Principal | None]:
    """Who calls; None only where that is optional.

    A WebSocket may change something whatever is read of it, so it is as a method that is not safe.

    Raises:
        Refusal: as `Gate.admit`.
    """
    return gate.admit_async(
        ScopeHeaders(scope),
        needs,
        changing=scope["type"] == "websocket" or scope["method"] not in SAFE,
        instead=scope.get(REFUSED),
    )


async def refuse(answer: Answer, scope: Scope, send: Send) -> None:
    """Send this answer, to a request or to the handshake of a WebSocket.

    Where the server can't answer a handshake, it is closed, which the caller sees as 403.
    """
    if scope["type"] == "http":
        await _send(answer, "http.response", send)
    elif DENIAL in (scope.get("extensions") or {}):
        await _send(answer, DENIAL, send)
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})


async def _send(answer: Answer, kind: str, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})
