"""Carries HTTP requests to an ASGI app as the events of Lambda, and its answers back."""

import asyncio
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx

from admit.aws.api import adapted
from desk.events import answer_of, event_of
from desk.wire import Request

REQUEST_ID = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
CONTEXT = SimpleNamespace(aws_request_id=REQUEST_ID)


class OnLambda:
    """The function: as many processes as there are requests at once, each with its own engine.

    Arguments:
        make: makes the engine of one process.
    """

    def __init__(self, make):
        self._make = make
        self._free = []
        self._all = []

    async def __aenter__(self):
        self.auth = self._another().auth
        return self

    async def __aexit__(self, *_):
        for each in self._all:
            await asyncio.to_thread(each.close)

    async def invoke(self, event, context=CONTEXT):
        process = self._free.pop() if self._free else self._another()
        try:
            return await asyncio.to_thread(process.invoke, event, context)
        finally:
            self._free.append(process)

    def _another(self):
        process = Process(self._make())
        self._all.append(process)
        if len(self._all) == 1:
            self._free.append(process)
        return process


class Process:
    """One process: an event loop that stands still between two requests, as it does on AWS."""

    def __init__(self, auth):
        self.auth = auth
        self._loop = asyncio.new_event_loop()
        self._function = None

    def invoke(self, event, context):
        asyncio.set_event_loop(self._loop)
        try:
            if self._function is None:
                self._function = adapted(self.auth.app, prefix=self.auth.settings.prefix)
            return self._function(event, context)
        finally:
            asyncio.set_event_loop(None)

    def close(self):
        self._loop.run_until_complete(self.auth.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class Transport(httpx.AsyncBaseTransport):
    """What stands between the caller and the function: one of AWS's gateways."""

    def __init__(self, function, form, *, peer="127.0.0.1", stage="$default"):
        self.function = function
        self.form = form
        self.peer = peer
        self.stage = stage

    async def handle_async_request(self, request):
        event = event_of(self.form, await taken(request, self.peer), stage=self.stage)
        return as_httpx(answer_of(self.form, await self.function.invoke(event)))


def as_httpx(answer):
    """What a caller gets."""
    return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


async def taken(request, peer):
    """The request as a gateway reads it from the wire."""
    split = urlsplit(request.url.raw_path.decode("ascii"))
    return Request(
        method=request.method,
        path=request.url.raw_path.decode("ascii").partition("?")[0],
        query=split.query,
        headers=[
            (name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
            for name, value in request.headers.raw
        ],
        body=await request.aread(),
        peer=peer,
    )
