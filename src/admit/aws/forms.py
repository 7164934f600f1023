"""The forms of a request and its answer, as Mangum's handlers: one class for each kind of event.

Mangum's own are not used: they join headers that came twice (two tokens would look like one), take
the address of a load balancer's caller from whatever the caller sent, decode paths once too often,
and send problem documents in base64.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import product
from time import monotonic
from typing import TYPE_CHECKING, Any

from admit.aws import events
from admit.http.feed import ENDS_AT
from admit.http.observed import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mangum.types import LambdaConfig, LambdaContext, Response

    from admit.aws.events import Event, Lines

LONGEST = 25.0
"""Seconds; API Gateway gives a function up after 29 or 30."""
TO_SPARE = 2.0
"""Seconds that Lambda's own limit leaves for the rest of the answer."""
LEFT_OUT = frozenset({"content-length"})
"""Whoever writes the answer on the wire counts its bytes."""


class Form:
    """One request of some form, and how it is answered; what Mangum calls a handler."""

    def __init__(self, event: Event, context: LambdaContext, config: LambdaConfig) -> None:
        self.event = event
        self.context = context
        self.prefix = config["api_gateway_base_path"]
        self._ends_at = monotonic() + self._seconds_left()

    @classmethod
    def infer(cls, event: Event, *_: LambdaContext | LambdaConfig) -> bool:
        """Whether the event has this form."""
        return FORMS[events.kind_of(event)] is cls

    @property
    def body(self) -> bytes:
        """What was sent."""
        return events.body_of(self.event)

    @property
    def scope(self) -> dict[str, Any]:
        """The request as an ASGI scope."""
        headers, address = self._headers(), self._address()
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "http_version": "1.1",
            "method": self._method(),
            "scheme": self._scheme(headers),
            "path": self._path(),
            "raw_path": None,
            "root_path": "",
            "query_string": self._query(),
            "headers": headers,
            "client": (address, 0) if address else None,
            "server": None,
            # What CloudWatch's lines of this invocation are found by.
            REQUEST_ID: getattr(self.context, "aws_request_id", None),
            ENDS_AT: self._ends_at,
        }

    def __call__(self, response: Response) -> dict[str, Any]:
        """The answer in the form that the sender of the event wants."""
        lines = [
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response["headers"]
        ]
        body, in_base64 = _text(b"" if self._method() == "HEAD" else response["body"])
        return {
            "statusCode": response["status"],
            **self._answered([each for each in lines if each[0] not in LEFT_OUT]),
            "body": body,
            "isBase64Encoded": in_base64,
        }

    def _seconds_left(self) -> float:
        """How long an answer may be waited for: Lambda ends who is late, and so do the gateways."""
        told = getattr(self.context, "get_remaining_time_in_millis", None)
        left = told() / 1000 - TO_SPARE if told else LONGEST
        return max(0.0, min(left, LONGEST))

    def _headers(self) -> Lines:
        return events.listed_headers(self.event)

    def _method(self) -> str:
        return str(self.event["httpMethod"])

    def _scheme(self, _: Lines) -> str:
        return "https"

    def _path(self) -> str:
        return events.rest_path(self.event, self.prefix)

    def _query(self) -> bytes:
        return events.decoded_query(self.event)

    def _address(self) -> str | None:
        return events.source_of(self.event["requestContext"].get("identity"))

    def _answered(self, lines: list[tuple[str, str]]) -> dict[str, Any]:
        return {"multiValueHeaders": _gathered(lines)}


class REST(Form):
    """A request through an API Gateway REST API, or an HTTP API with payload 1.0."""


class HTTP(Form):
    """A request through an API Gateway HTTP API (payload 2.0), or a Lambda Function URL."""

    def _headers(self) -> Lines:
        return events.joined_headers(self.event)

    def _method(self) -> str:
        return str(self.event["requestContext"]["http"]["method"])

    def _path(self) -> str:
        return events.http_path(self.event, self.prefix)

    def _query(self) -> bytes:
        return events.raw_query(self.event)

    def _address(self) -> str | None:
        return events.source_of(self.event["requestContext"]["http"])

    def _answered(self, lines: list[tuple[str, str]]) -> dict[str, Any]:
        gathered = _gathered(lines)
        cookies = gathered.pop("set-cookie", [])
        headers = {name: ", ".join(values) for name, values in gathered.items()}
        return {"headers": headers, "cookies": cookies}


class Balanced(Form):
    """A request through an Application Load Balancer, with multi-value headers or without."""

    def _scheme(self, headers: Lines) -> str:
        return "http" if (b"x-forwarded-proto", b"http") in headers else "https"

    def _path(self) -> str:
        return events.sent_path(self.event)

    def _query(self) -> bytes:
        return events.sent_query(self.event)

    def _address(self) -> str | None:
        return events.balanced_source(self._headers())

    def _answered(self, lines: list[tuple[str, str]]) -> dict[str, Any]:
        gathered = _gathered(lines)
        if "multiValueHeaders" in self.event:  # it is answered in the way that it is asked
            return {"multiValueHeaders": gathered}
        cookies = gathered.pop("set-cookie", [])
        headers = {name: ", ".join(values) for name, values in gathered.items()}
        return {"headers": headers | dict(zip(_spellings("set-cookie"), cookies, strict=False))}


FORMS: dict[events.Kind, type[Form]] = {"rest": REST, "http": HTTP, "alb": Balanced}


def _gathered(lines: list[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in lines:
        gathered.setdefault(name, []).append(value)
    return gathered


def _spellings(name: str) -> Iterator[str]:
    """A name in capitals and not: a map that holds each name once takes several cookies so."""
    for letters in product(*(sorted({letter.upper(), letter}) for letter in name)):
        yield "".join(letters)


def _text(body: bytes) -> tuple[str, bool]:
    """The body as text; in base64 only where it is none."""
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return b64encode(body).decode(), True
