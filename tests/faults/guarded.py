"""An app whose one guarded route verifies in memory alone; Admit's own routes beside it.

It serves itself on a free port, which it says as `admit serve` does. With `--never-look` it knows
of revocations only what is pushed, and tells them however long that takes.
"""

import socket
import sys
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from admit import Admit, watch
from admit.errors import InvalidToken
from admit.guards.presented import access_token
from admit.redis import connections, push
from admit.revocation import news


def app():
    auth = Admit()

    @asynccontextmanager
    async def lifespan(_):
        async with auth:
            sys.stdout.write(f"It listens on http://127.0.0.1:{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            yield

    async def guarded(request):
        try:
            auth.verify(access_token(request.headers, None))
        except InvalidToken:
            return Response(status_code=401)
        return Response(status_code=204)

    async def listens(_):
        connected = auth.push is None or auth.push.connected
        return Response(status_code=204 if connected else 503)

    routes = [Route("/guarded", guarded), Route("/listens", listens), Mount("", auth.app)]
    return Starlette(routes=routes, lifespan=lifespan)


listener = socket.create_server(("127.0.0.1", 0))

if __name__ == "__main__":
    if "--never-look" in sys.argv:
        vars(watch)["LOOK_SECONDS"] = 86_400.0
        for module in (connections, push):
            vars(module)["PATIENCE"] = 20.0
        news.TELL_SECONDS = 20.0
    uvicorn.Server(uvicorn.Config(app(), log_level="warning", access_log=False, ws="none")).run(
        sockets=[listener]
    )
