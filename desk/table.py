"""DynamoDB on a desk: moto's server on the loopback interface, one request at a time.

Its tables lie in memory and are not made for threads: a race on an emulator that is itself racy
proves nothing, so each request is answered before the next is read.

    python -m desk.table --port 0

prints the address once it answers.
"""

from __future__ import annotations

import argparse
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import Client

FIRST = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
}
"""What is asked before anybody else can ask: moto loads a service when it is first named."""


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *_: Any) -> None:  # noqa: ANN401  werkzeug's own signature
        """Leave it."""


def server(port: int = 0) -> BaseWSGIServer:
    """The emulator, bound to the port; 0 takes a free one."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  it takes seconds
        DomainDispatcherApplication,
        create_backend_app,
    )

    app = DomainDispatcherApplication(create_backend_app)
    # The first request of all takes longer than a store is waited for on a busy machine.
    answer = Client(app).post("/", headers=FIRST, data="{}")
    assert answer.get_json(force=True) == {"TableNames": []}
    return make_server("127.0.0.1", port, app, threaded=False, request_handler=Quiet)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    made = server(parser.parse_args().port)
    print(f"http://127.0.0.1:{made.server_port}", flush=True)
    made.serve_forever()


if __name__ == "__main__":
    main()
