"""What an event is, and what of it is the request: pure, one small function a question.

Four services send HTTP requests to a function. What differs between them, beyond the names:

| | REST API | HTTP API | Function URL | load balancer |
|---|---|---|---|---|
| path | as sent | decoded | as sent | as sent |
| query | decoded | as sent | as sent | as sent |
| a header that came twice | a list | joined by commas | joined by commas | a list, or the last |
| the caller | `sourceIp` | `sourceIp` | `sourceIp` | end of `X-Forwarded-For` |
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import unquote, urlencode

Event = dict[str, Any]
Kind = Literal["rest", "http", "alb"]
Lines = list[tuple[bytes, bytes]]

NO_TEXT = b"\xff"
"""No UTF-8: what stands for a body that was none either, so that it is refused as such."""
LOST = "\ufffd"
"""What a gateway writes for bytes that are no UTF-8, in a body that it takes for text."""
UNDERSTOOD = (
    "admit.aws.handler answers HTTP requests: events of an API Gateway REST API or HTTP API"
    " (payload 1.0 or 2.0), of a Lambda Function URL, or of an Application Load Balancer."
)
_SENDERS = {
    "methodArn": "an API Gateway authorizer's: let admit.aws.authorizer answer it",
    "routeArn": "an API Gateway authorizer's: let admit.aws.authorizer answer it",
    "Records": "a queue's, a topic's or a stream's",
    "triggerSource": "a Cognito trigger",
    "raw_path": "a VPC Lattice service's",
    "source": "EventBridge's or a schedule's",
}
_JOINTS = {
    # A comma may belong to a value that is none of ours: `Digest a="1", b="2"`, a key with one.
    b"authorization": re.compile(r",(?=\s*[A-Za-z][\w-]* +[^\s=,])"),
    b"refresh-token": re.compile(","),
}
"""Where lines were joined, in the headers of which there must be one."""
_PORT = re.compile(r"^(?:\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>[\d.]+):\d+)$")


class UnknownEvent(ValueError):
    """The function was invoked with something that isn't an HTTP request."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{UNDERSTOOD} This event is {what}.")


def kind_of(event: object) -> Kind:
    """Which of the forms an event has.

    Raises:
        UnknownEvent: none of them; it names what the event seems to be and nothing that is in it.
    """
    if not isinstance(event, dict):
        raise UnknownEvent(f"no JSON object ({type(event).__name__})")
    for key, what in _SENDERS.items():
        if key in event:
            raise UnknownEvent(what)
    context = event.get("requestContext")
    if isinstance(context, dict):
        if "connectionId" in context:
            raise UnknownEvent("a WebSocket API's")
        if "serviceNetworkArn" in context:
            raise UnknownEvent("a VPC Lattice service's")
        if "elb" in context and isinstance(event.get("httpMethod"), str):
            return "alb"
        if event.get("version") == "2.0" and _is_request(context.get("http")):
            return "http"
        if "resource" in event and isinstance(event.get("httpMethod"), str):
            return "rest"
    raise UnknownEvent("none of them, or a part of one")


def _is_request(http: object) -> bool:
    return isinstance(http, dict) and isinstance(http.get("method"), str)


def body_of(event: Event) -> bytes:
    """The bytes that were sent, as far as the event has them."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            return NO_TEXT
    if LOST in body:  # two bodies that differ may have become one, and a password is in it
        return NO_TEXT
    return _bytes(str(body))


def listed_headers(event: Event) -> Lines:
    """Every line of the headers, where the form keeps them apart; else the one of each name."""
    several = event.get("multiValueHeaders")
    if several:
        pairs = [(name, value) for name, values in several.items() for value in values or ()]
    else:
        pairs = [*(event.get("headers") or {}).items()]
    return [_line(name, value) for name, value in pairs if value is not None]


def joined_headers(event: Event) -> Lines:
    """Every line of the headers, where the form joins them by commas and keeps cookies apart."""
    lines: Lines = []
    cookies = event.get("cookies")
    for name, value in listed_headers(event):
        if name == b"cookie" and cookies:
            continue
        lines += [(name, part) for part in _apart(name, value)]
    if cookies:
        lines.append(_line("cookie", "; ".join(cookies)))
    return lines


def _apart(name: bytes, value: bytes) -> list[bytes]:
    """The lines that became one, so that two tokens are seen to be two."""
    joint = _JOINTS.get(name)
    if joint is None:
        return [value]
    text = value.decode("utf-8", "surrogatepass")
    return [_bytes(part.strip()) for part in joint.split(text)]


def _line(name: str, value: object) -> tuple[bytes, bytes]:
    return _bytes(name.lower()), _bytes(str(value))


def _bytes(text: str) -> bytes:
    """As UTF-8, also where JSON said what is none: half of a surrogate pair."""
    return text.encode("utf-8", "surrogatepass")


def decoded_query(event: Event) -> bytes:
    """The query string, where the service has decoded its parts."""
    several = event.get("multiValueQueryStringParameters")
    one = event.get("queryStringParameters")
    parts = several if isinstance(several, dict) and several else one
    if not isinstance(parts, dict):
        return b""
    return urlencode(parts, doseq=True, errors="surrogatepass").encode()


def sent_path(event: Event) -> str:
    """The path, where the event has it as it was sent."""
    return unquote(event.get("path") or "/")


def sent_query(event: Event) -> bytes:
    """The query string, where its parts are as they were sent."""
    several = event.get("multiValueQueryStringParameters") or {}
    one = event.get("queryStringParameters") or {}
    pairs = [f"{name}={value}" for name, values in several.items() for value in values]
    pairs = pairs or [f"{name}={value}" for name, value in one.items()]
    return _bytes("&".join(pairs))


def raw_query(event: Event) -> bytes:
    """The query string, where the event has it whole."""
    return _bytes(str(event.get("rawQueryString") or ""))


def rest_path(event: Event, prefix: str) -> str:
    """The path of a REST API's event, or of an HTTP API's in payload 1.0 (which has a version)."""
    context = event["requestContext"]
    path = event.get("path") or "/"
    whole = context.get("path") or path
    if "version" in event:
        return _meant(_behind_stage(path, context), whole, prefix)
    return unquote(_meant(path, whole, prefix))


def http_path(event: Event, prefix: str) -> str:
    """The path of an HTTP API's event, or of a Function URL's."""
    context = event["requestContext"]
    whole = event.get("rawPath") or context["http"].get("path") or "/"
    path = _meant(_behind_stage(whole, context), whole, prefix)
    return unquote(path) if ".lambda-url." in (context.get("domainName") or "") else path


def _behind_stage(path: str, context: Event) -> str:
    """An HTTP API's path without the named stage before it; `$default` stands before none."""
    stage = context.get("stage")
    if stage in (None, "$default") or not _under(path, f"/{stage}"):
        return path
    return path.removeprefix(f"/{stage}") or "/"


def _meant(within: str, whole: str, prefix: str) -> str:
    """The path within its stage, unless the prefix of the routes has the stage too."""
    return whole if not _under(within, prefix) and _under(whole, prefix) else within


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def source_of(request: object) -> str | None:
    """The peer that API Gateway or the Function URL saw; nothing that a header says."""
    return _address(request.get("sourceIp")) if isinstance(request, dict) else None


def balanced_source(headers: Lines) -> str | None:
    """The peer that the load balancer saw: it writes it behind whatever was sent as the header."""
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    last = forwarded[-1].decode("utf-8", "replace").rpartition(",")[2].strip() if forwarded else ""
    port = _PORT.match(last)
    return _address(port["v6"] or port["v4"] if port else last)


def _address(text: object) -> str | None:
    try:
        return str(ip_address(text)) if isinstance(text, str) else None
    except ValueError:
        return None  # the console's test button sends "test-invoke-source-ip"
