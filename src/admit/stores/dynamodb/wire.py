"""DynamoDB's own protocol, for a function that has just been started.

botocore's client takes longer to load and to make than everything else in a first refresh
together (docs/decisions/0026). In a function of Lambda it would do nothing that is not done here:
there the keys stand in variables, the endpoint follows from the region, and DynamoDB takes one
JSON object by POST. Wherever anything else is wanted (profiles, proxies, other partitions, keys
that are fetched), `client` is botocore's.

Both raise the errors of botocore, and neither asks anything twice: that is for who calls them.
"""

from __future__ import annotations

import json
import os
import select
import time
from base64 import b64decode, b64encode
from collections import deque
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from botocore import exceptions as boto

from admit.stores.dynamodb.signing import Credentials, in_environment, signed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

Answer = dict[str, Any]

TARGET = "DynamoDB_20120810."
CONTENT_TYPE = "application/x-amz-json-1.0"
IDLE_SECONDS = 20.0
"""For how long a connection is kept without use. One that the other side closed while the function
was frozen looks whole, and what is written to it is lost."""
IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API"
ORDINARY_REGIONS = ("af-", "ap-", "ca-", "eu-", "il-", "me-", "mx-", "sa-", "us-")
OTHER_PARTITIONS = ("us-iso", "eu-iso")
"""Regions whose names begin so have their endpoints under other domains than amazonaws.com."""
CHANGES_THE_WAY = (
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "https_proxy",
)
"""Variables of which botocore makes what they say."""


class Way(NamedTuple):
    """Where DynamoDB is, and how long to wait for it, in seconds."""

    region: str
    endpoint: str | None
    connections: int
    connect_seconds: float
    answer_seconds: float


class Client(Protocol):
    """Asks DynamoDB; may be shared by threads."""

    def ask(self, operation: str, parameters: Answer) -> Answer:
        """What it answers to an operation of its API, spelled as botocore does: `update_item`.

        Raises:
            botocore.exceptions.ClientError: it refuses.
            botocore.exceptions.BotoCoreError: it can't be asked, or does not answer in time.
        """

    def close(self) -> None:
        """Let the connections go."""


def client(way: Way, environ: Mapping[str, str] = os.environ) -> Client:
    """Ours, where this is an ordinary function of Lambda; else botocore's."""
    credentials = in_environment(environ)
    if credentials is None or IN_LAMBDA not in environ or not _ordinary(way, environ):
        return Botocore(way)
    return Wire(way, credentials)


def _ordinary(way: Way, environ: Mapping[str, str]) -> bool:
    if way.endpoint:
        return True
    known = way.region.startswith(ORDINARY_REGIONS) and not way.region.startswith(OTHER_PARTITIONS)
    return known and not any(environ.get(name) for name in CHANGES_THE_WAY)


class Botocore:
    """botocore's client, with its chain of credentials."""

    def __init__(self, way: Way) -> None:
        import botocore.session  # noqa: PLC0415  see the module
        from botocore.config import Config  # noqa: PLC0415

        self._client = botocore.session.Session().create_client(
            "dynamodb",
            region_name=way.region,
            endpoint_url=way.endpoint,
            config=Config(
                connect_timeout=way.connect_seconds,
                read_timeout=way.answer_seconds,
                max_pool_connections=way.connections,
                retries={"mode": "standard", "total_max_attempts": 1},
                tcp_keepalive=True,
            ),
        )

    def ask(self, operation: str, parameters: Answer) -> Answer:
        """See `Client.ask`."""
        answer: Answer = getattr(self._client, operation)(**parameters)
        return answer

    def close(self) -> None:
        """See `Client.close`."""
        self._client.close()


class Wire:
    """HTTP/1.1 over connections that are kept, one request at a time on each."""

    def __init__(self, way: Way, credentials: Credentials) -> None:
        self._way = way
        self._credentials = credentials
        self._endpoint = way.endpoint or f"https://dynamodb.{way.region}.amazonaws.com"
        self._url = urlsplit(self._endpoint)
        self._tls = _tls() if self._url.scheme == "https" else None
        self._idle: deque[tuple[float, HTTPConnection]] = deque()
        self._open = True

    def ask(self, operation: str, parameters: Answer) -> Answer:
        """See `Client.ask`."""
        name = operation.title().replace("_", "")
        body = json.dumps(parameters, default=_text).encode()
        headers = {
            "content-type": CONTENT_TYPE,
            "host": self._url.netloc,
            "x-amz-target": TARGET + name,
        }
        at, region = datetime.now(UTC), self._way.region
        headers = signed(body, headers, self._credentials, region=region, at=at)
        status, answered = self._sent(body, headers)
        if status != 200:  # noqa: PLR2004
            raise _refused(status, answered, name)
        answer: Answer = json.loads(answered, object_hook=_bytes)
        return answer

    def close(self) -> None:
        """See `Client.close`."""
        self._open = False
        while self._idle:
            self._idle.pop()[1].close()

    def _sent(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer; whatever goes wrong closes the connection."""
        connection = self._connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            found = answer.status, answer.read()
        except TimeoutError as error:
            connection.close()
            raise boto.ReadTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except (OSError, HTTPException) as error:
            connection.close()
            raise boto.ConnectionClosedError(endpoint_url=self._endpoint, error=error) from error
        self._keep(connection, answer)
        return found

    def _connection(self) -> HTTPConnection:
        """One that is whole as far as can be told, else a new one."""
        while self._idle:
            since, connection = self._idle.pop()  # the latest: the others may be let go
            # The clock of the wall: it alone knows of the time in which the function was frozen.
            if 0 <= time.time() - since < IDLE_SECONDS and not _readable(connection):
                return connection
            connection.close()
        return self._connected()

    def _connected(self) -> HTTPConnection:
        url, seconds = self._url, self._way.connect_seconds
        host = url.hostname or ""
        made = (
            HTTPSConnection(host, url.port, timeout=seconds, context=self._tls)
            if self._tls
            else HTTPConnection(host, url.port, timeout=seconds)
        )
        try:
            made.connect()
        except TimeoutError as error:
            made.close()
            raise boto.ConnectTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except OSError as error:  # of TLS too
            made.close()
            raise boto.EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error
        made.sock.settimeout(self._way.answer_seconds)
        return made

    def _keep(self, connection: HTTPConnection, answer: HTTPResponse) -> None:
        kept = self._open and not answer.will_close and len(self._idle) < self._way.connections
        if kept:
            self._idle.append((time.time(), connection))
        else:
            connection.close()


def _tls() -> ssl.SSLContext:
    """Trusts whom botocore trusts, whose list of authorities is in every installation."""
    import ssl  # noqa: PLC0415  an emulator needs none
    from pathlib import Path  # noqa: PLC0415

    authorities = Path(boto.__file__).with_name("cacert.pem")
    return ssl.create_default_context(cafile=str(authorities))


def _readable(connection: HTTPConnection) -> bool:
    """Whether something arrived unasked: the end, for the most part."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _refused(status: int, body: bytes, operation: str) -> boto.ClientError:
    """The refusal as botocore tells it: the code without its namespace, the rest beside it."""
    try:
        told = json.loads(body, object_hook=_bytes)
    except ValueError:  # from something in between
        told = None
    if not isinstance(told, dict):
        told = {}
    code = str(told.pop("__type", status)).rpartition("#")[2]
    error = {"Code": code, "Message": str(told.get("message", told.get("Message", "")))}
    told |= {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(told, operation)


def _text(value: object) -> str:
    """Bytes travel as base64."""
    if not isinstance(value, bytes):
        raise TypeError(f"DynamoDB takes no {type(value).__name__}")
    return b64encode(value).decode()


def _bytes(found: dict[str, Any]) -> dict[str, Any]:
    """Bytes again, where a value is of that type: no item is a text, so nothing else looks so."""
    if len(found) == 1 and isinstance(text := found.get("B"), str):
        return {"B": b64decode(text)}
    return found
