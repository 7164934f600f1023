"""What AWS's gateways make of a request, and of a function's answer: pure, for every form.

Modelled is what changes a request: whose duplicate headers are joined or lost, what is decoded,
what becomes base64, where the caller's address stands. Sources: the developer guides of API Gateway
("Lambda proxy integrations", "payload format version"), of Lambda ("Function URLs") and of the
load balancer ("Lambda functions as targets"), and events as they were seen.
"""

from __future__ import annotations

import json
import time
import uuid
from base64 import b64decode, b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, unquote_plus

from desk.wire import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from desk.wire import Pairs, Request

Form = Literal["rest", "http", "url", "alb", "alb-multi"]
"""A REST API, an HTTP API (payload 2.0), a Function URL, a load balancer without and with
multi-value headers."""
FORMS: tuple[Form, ...] = ("rest", "http", "url", "alb", "alb-multi")
LARGEST_EVENT = 6 * 1024 * 1024
"""Bytes that Lambda takes, and gives."""
API_ID = "desk000000"
ACCOUNT = "000000000000"
DOMAINS: dict[Form, str] = {
    "rest": f"{API_ID}.execute-api.eu-central-1.amazonaws.com",
    "http": f"{API_ID}.execute-api.eu-central-1.amazonaws.com",
    "url": f"{API_ID}.lambda-url.eu-central-1.on.aws",
}
TARGET_GROUP = (
    f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:targetgroup/desk/0123456789abcdef"
)
REMAPPED = ("authorization", "connection", "date", "server", "www-authenticate")
"""Headers of an answer that a REST API renames: `x-amzn-Remapped-…`."""
TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class BadAnswer(ValueError):
    """The function's answer has not the form that the gateway takes: it says 502 then."""


def event_of(
    form: Form, request: Request, *, stage: str = "$default", scheme: str = "https"
) -> dict[str, Any]:
    """The event of this request.

    Arguments:
        form: through what it comes.
        request: as the gateway receives it.
        stage: of an API Gateway API; a named one stands before the path, outside.
        scheme: what the caller spoke with the gateway.
    """
    makers: dict[Form, Callable[[Request, str, str], dict[str, Any]]] = {
        "rest": _rest,
        "http": _http,
        "url": _url,
        "alb": _alb,
        "alb-multi": _alb_multi,
    }
    return makers[form](request, stage, scheme)


def _rest(request: Request, stage: str, scheme: str) -> dict[str, Any]:
    several = _several(_forwarded(request, scheme))
    query = [(unquote_plus(name), unquote_plus(value)) for name, value in _query(request)]
    within = _without(stage, request.path)
    return {
        "resource": "/{proxy+}",
        "path": within,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in several.items()} or None,
        "multiValueHeaders": several or None,
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _several(query) or None,
        "pathParameters": {"proxy": within[1:]},
        "stageVariables": None,
        "requestContext": {
            **_api(stage),
            "domainName": DOMAINS["rest"],
            "resourcePath": "/{proxy+}",
            "httpMethod": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": request.peer, "userAgent": _header(request, "user-agent")},
        },
        **_body(request),
    }


def _http(request: Request, stage: str, scheme: str) -> dict[str, Any]:
    event = _payload_2(request, stage, scheme, DOMAINS["http"])
    event["rawPath"] = event["requestContext"]["http"]["path"] = unquote(request.path)
    return event


def _url(request: Request, _: str, scheme: str) -> dict[str, Any]:
    return _payload_2(request, "$default", scheme, DOMAINS["url"])


def _payload_2(request: Request, stage: str, scheme: str, domain: str) -> dict[str, Any]:
    several = _several([(name.lower(), value) for name, value in _forwarded(request, scheme)])
    cookies = [each.strip() for line in several.pop("cookie", []) for each in line.split(";")]
    query = _several([(unquote_plus(name), unquote_plus(v)) for name, v in _query(request)])
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": {name: ",".join(values) for name, values in several.items()},
        **({"queryStringParameters": {k: ",".join(v) for k, v in query.items()}} if query else {}),
        "requestContext": {
            **_api(stage),
            "domainName": domain,
            "routeKey": "$default",
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.peer,
                "userAgent": _header(request, "user-agent"),
            },
        },
        **_body(request),
    }


def _alb(request: Request, _: str, scheme: str) -> dict[str, Any]:
    headers = [(name.lower(), value) for name, value in _forwarded(request, scheme)]
    return {
        **_balanced(request),
        "queryStringParameters": dict(_query(request)),
        "headers": dict(headers),  # of those that came twice, the last
    }


def _alb_multi(request: Request, _: str, scheme: str) -> dict[str, Any]:
    headers = [(name.lower(), value) for name, value in _forwarded(request, scheme)]
    return {
        **_balanced(request),
        "multiValueQueryStringParameters": _several(_query(request)),
        "multiValueHeaders": _several(headers),
    }


def _balanced(request: Request) -> dict[str, Any]:
    body = _body(request)
    return {
        "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
        "httpMethod": request.method,
        "path": request.path,
        **body,
        "body": body["body"] or "",
    }


def _api(stage: str) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainPrefix": API_ID,
        "requestId": str(uuid.uuid4()),
        "stage": stage,
        "timeEpoch": int(time.time() * 1000),
    }


def _forwarded(request: Request, scheme: str) -> Pairs:
    """The headers with what the gateway adds: its peer behind all who were named before it."""
    named = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    kept = [
        (name, value)
        for name, value in request.headers
        if name.lower() not in {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"}
    ]
    return [
        *kept,
        ("X-Forwarded-For", ", ".join([*named, request.peer])),
        ("X-Forwarded-Port", "443" if scheme == "https" else "80"),
        ("X-Forwarded-Proto", scheme),
    ]


def _query(request: Request) -> Pairs:
    """The names and values as they stand in the query."""
    parts = [part.partition("=") for part in request.query.split("&") if part]
    return [(name, value) for name, _, value in parts]


def _several(pairs: Pairs) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return gathered


def _header(request: Request, name: str) -> str:
    return next((value for each, value in request.headers if each.lower() == name), "")


def _body(request: Request) -> dict[str, Any]:
    """Text as text, in which bytes that are none are lost; everything else in base64."""
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    if _header(request, "content-type").lower().startswith(TEXT):
        return {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}
    return {"body": b64encode(request.body).decode(), "isBase64Encoded": True}


def _without(stage: str, path: str) -> str:
    before = f"/{stage}"
    return path[len(before) :] or "/" if path == before or path.startswith(before + "/") else path


def answer_of(form: Form, answer: Any) -> Response:  # noqa: ANN401  JSON
    """What the caller gets of a function's answer, but for the names that a REST API changes.

    Raises:
        BadAnswer: it has not this form.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        raise BadAnswer("no statusCode")
    if not 200 <= answer["statusCode"] <= 599:
        raise BadAnswer("a statusCode that is none")
    headers = _payload_2_headers(answer) if form in {"http", "url"} else _headers(form, answer)
    body = "" if answer.get("body") is None else answer["body"]
    if not isinstance(body, str):
        raise BadAnswer("a body that is no text")
    raw = b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    if len(raw) > LARGEST_EVENT:
        raise BadAnswer("over 6 MB")
    return Response(answer["statusCode"], headers, raw)


def _payload_2_headers(answer: dict[str, Any]) -> Pairs:
    if answer.get("multiValueHeaders"):
        raise BadAnswer("payload 2.0 has no multiValueHeaders")
    headers = _single(answer)
    if any(name.lower() == "set-cookie" for name, _ in headers):
        raise BadAnswer("cookies belong into `cookies`")
    return [*headers, *(("set-cookie", str(each)) for each in answer.get("cookies") or [])]


def _headers(form: Form, answer: dict[str, Any]) -> Pairs:
    if answer.get("cookies"):
        raise BadAnswer(f"{form} has no `cookies`")
    several = answer.get("multiValueHeaders") or {}
    if form == "alb" and several:
        raise BadAnswer("the target group has no multi-value headers")
    if form == "alb-multi" and answer.get("headers"):
        raise BadAnswer("the target group has multi-value headers")
    if any(not isinstance(values, list) for values in several.values()):
        raise BadAnswer("multiValueHeaders are lists")
    pairs = [(name, str(value)) for name, values in several.items() for value in values]
    return [*[each for each in _single(answer) if each[0] not in several], *pairs]


def _single(answer: dict[str, Any]) -> Pairs:
    headers = answer.get("headers") or {}
    if any(not isinstance(value, str | int | bool) for value in headers.values()):
        raise BadAnswer("headers are text")
    return [(name, str(value)) for name, value in headers.items()]


def renamed(form: Form, response: Response) -> Response:
    """What the caller gets, with the names that a REST API changes."""
    if form != "rest":
        return response
    headers = [
        (f"x-amzn-remapped-{name}" if name.lower() in REMAPPED else name, value)
        for name, value in response.headers
    ]
    return Response(response.status, headers, response.body)


def failed(form: Form) -> Response:
    """What the caller gets where the function gave nothing of use."""
    if form in {"alb", "alb-multi"}:
        page = "<html><head><title>502 Bad Gateway</title></head></html>"
        return Response(502, [("Content-Type", "text/html")], page.encode())
    status = 500 if form == "http" else 502
    message = HTTPStatus.INTERNAL_SERVER_ERROR.phrase.title()
    return Response(status, [("Content-Type", "application/json")], _message(message))


def refused(status: int, message: str) -> Response:
    """What the gateway itself refuses."""
    return Response(status, [("Content-Type", "application/json")], _message(message))


def _message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()
