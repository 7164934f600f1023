"""The HTTP port before a function: API Gateway's part, a Function URL's, or a load balancer's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Self

from desk import events
from desk.runtime import InvocationError, TimedOut
from desk.wire import Listener, Response

if TYPE_CHECKING:
    import socket

    from desk.events import Form
    from desk.runtime import Function
    from desk.wire import Request

ANYBODY = re.compile(r"")


class Gateway:
    """Listens on a port and has a function answer; an async context.

    Arguments:
        function: what answers.
        form: which of AWS's gateways it is.
        stage: the API's; a named one stands before every path.
        authorizer: a function that is asked first, with the request's event and no body.
        guarded: the paths for which it is asked; all where there is none.
        at: a bound socket; a free port of this machine where None.
    """

    def __init__(
        self,
        function: Function,
        *,
        form: Form = "http",
        stage: str = "$default",
        authorizer: Function | None = None,
        guarded: re.Pattern[str] = ANYBODY,
        at: socket.socket | None = None,
    ) -> None:
        self._function, self._form, self._stage = function, form, stage
        self._authorizer, self._guarded = authorizer, guarded
        self._listener = Listener(self.answer, at=at)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listener.port

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.close()

    async def answer(self, request: Request) -> Response:
        """What the caller gets for this request."""
        event = events.event_of(self._form, request, stage=self._stage)
        payload = json.dumps(event).encode()
        if len(payload) > events.LARGEST_EVENT:
            return events.refused(413, "Request Too Long")
        try:
            if self._authorizer is not None and self._guarded.search(request.path):
                if "authorization" not in event["headers"]:
                    return events.refused(401, "Unauthorized")  # it is not even asked
                context = await self._let_in(event)
                if context is None:
                    return events.refused(403, "Forbidden")
                event["requestContext"]["authorizer"] = context
                payload = json.dumps(event).encode()
            answer = json.loads(await self._function.invoke_raw(payload))
            return events.renamed(self._form, events.answer_of(self._form, answer))
        except TimedOut:
            return events.refused(504, "Endpoint request timed out")
        except (InvocationError, ValueError):  # events.BadAnswer, or no JSON, or no base64
            return events.failed(self._form)

    async def _let_in(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """What an HTTP API's authorizer (payload 2.0, simple answers) says; None: not in."""
        assert self._authorizer is not None
        asked = {name: value for name, value in event.items() if name != "body"} | {
            "type": "REQUEST",
            "routeArn": f"arn:aws:execute-api:eu-central-1:{events.ACCOUNT}:{events.API_ID}/x",
            "identitySource": [event["headers"]["authorization"]],
        }
        said = await self._authorizer.invoke(asked)
        return {"lambda": said.get("context") or {}} if said.get("isAuthorized") is True else None
