"""Everybody's sample events: which are requests, what the app is shown of them, how it is answered.

`../shared/vectors/aws-events` holds them, with their sources and licences; they are not part of the
project.
"""

import asyncio
import json
import os
from base64 import b64decode, b64encode
from fnmatch import fnmatch
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from admit.aws.api import adapted
from admit.aws.events import UnknownEvent, kind_of
from desk.events import answer_of
from tests.aws.carried import CONTEXT, REQUEST_ID

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "aws-events"
KINDS = {
    "aws-lambda-go/apigw-request.json": "rest",
    "aws-lambda-go/apigw-restapi-openapi-request.json": "rest",
    "aws-lambda-java-tests/apigw_event*.json": "rest",
    "aws-lambda-java-tests/apigw_rest_event.json": "rest",
    "aws-sam-cli/AwsProxy.json": "rest",
    "powertools/apiGatewayProxyV2*.json": "http",
    "powertools/apiGatewayProxy*.json": "rest",
    "powertools/apigatewayeSchema*.json": "rest",
    "aws-lambda-go/apigw-v2-request-*.json": "http",
    "aws-lambda-java-tests/apigw_http_event.json": "http",
    "aws-sam-cli/HttpApi.json": "http",
    "aws-lambda-go/lambda-urls-request.json": "http",
    "powertools/lambdaFunctionUrl*.json": "http",
    "aws-lambda-go/alb-lambda-target-request-*.json": "alb",
    "aws-sam-cli/ALBRequest.json": "alb",
    "powertools/alb*.json": "alb",
}
COUNTS = {"rest": 15, "http": 19, "alb": 7, None: 34}
NAMES = sorted(str(path.relative_to(VECTORS)) for path in VECTORS.glob("*/*.json"))
COOKIES = ["first=1; Path=/; HttpOnly", "second=2; Path=/; HttpOnly"]


def expected_kind(name):
    return next((kind for pattern, kind in KINDS.items() if fnmatch(name, pattern)), None)


def read(name):
    return json.loads((VECTORS / name).read_text())


REQUESTS = [name for name in NAMES if expected_kind(name)]
OTHERS = [name for name in NAMES if not expected_kind(name)]


class Seen:
    """An app that keeps what it is shown, and sets two cookies."""

    async def __call__(self, scope, receive, send):
        self.scope = scope
        self.headers = [
            (name.decode("utf-8", "surrogatepass"), value.decode("utf-8", "surrogatepass"))
            for name, value in scope["headers"]
        ]
        message = await receive()
        assert not message["more_body"]
        self.body = message["body"]
        headers = [(b"content-type", b"application/json"), (b"vary", b"a"), (b"Vary", b"b")]
        headers += [(b"set-cookie", each.encode()) for each in COOKIES]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": '{"ä":1}'.encode()})


@pytest.fixture
def call():
    """Hands an event to an app, and returns what the function gives and what the app saw."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def called(event, *, prefix="/auth"):
        seen = Seen()
        return adapted(seen, prefix=prefix)(event, CONTEXT), seen

    yield called
    asyncio.set_event_loop(None)
    loop.close()


def test_the_events_are_those_that_are_known():
    if not VECTORS.exists():
        assert not os.environ.get("CI"), f"CI needs the events at {VECTORS}"
        pytest.skip(f"the events are not at {VECTORS}")
    kinds = [expected_kind(name) for name in NAMES]
    assert {kind: kinds.count(kind) for kind in COUNTS} == COUNTS


@pytest.mark.parametrize("name", REQUESTS)
def test_the_app_is_shown_what_the_event_says(name, call):
    event = read(name)
    _, seen = call(event)
    assert kind_of(event) == expected_kind(name)
    {"rest": of_rest, "http": of_http, "alb": of_alb}[expected_kind(name)](event, seen)
    assert seen.body == body_of(event)
    assert seen.scope["admit.request_id"] == REQUEST_ID
    assert seen.scope["root_path"] == ""


def of_rest(event, seen):
    context = event["requestContext"]
    assert seen.scope["method"] == event["httpMethod"]
    assert seen.scope["path"] == event["path"]
    assert seen.scope["scheme"] == "https"
    several = event.get("multiValueHeaders")
    pairs = lines(several) if several else [*(event.get("headers") or {}).items()]
    assert sorted(seen.headers) == sorted((name.lower(), value) for name, value in pairs)
    asked = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters")
    asked = asked if isinstance(asked, dict) else {}
    pairs = lines({k: v if isinstance(v, list) else [v] for k, v in asked.items()})
    assert parse_qsl(seen.scope["query_string"].decode()) == pairs
    assert seen.scope["client"] == peer((context.get("identity") or {}).get("sourceIp"))


def of_http(event, seen):
    http = event["requestContext"]["http"]
    assert seen.scope["method"] == http["method"]
    assert seen.scope["path"] == event["rawPath"]
    assert seen.scope["scheme"] == "https"
    assert seen.scope["query_string"].decode() == event["rawQueryString"]
    assert seen.scope["client"] == peer(http["sourceIp"])
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    assert dict(seen.headers) == headers
    assert len(seen.headers) == len(headers)


def of_alb(event, seen):
    assert seen.scope["method"] == event["httpMethod"]
    assert seen.scope["path"] == event["path"]
    several = event.get("multiValueHeaders")
    pairs = lines(several) if several else [*event["headers"].items()]
    assert sorted(seen.headers) == sorted((name.lower(), value) for name, value in pairs)
    query = event.get("multiValueQueryStringParameters")
    if query is None:
        query = {name: [value] for name, value in (event["queryStringParameters"] or {}).items()}
    sent = "&".join(f"{name}={value}" for name, value in lines(query))
    assert seen.scope["query_string"].decode() == sent
    headers = {name.lower(): value for name, value in pairs}
    assert seen.scope["scheme"] == headers.get("x-forwarded-proto", "https")
    assert seen.scope["client"] == peer(headers.get("x-forwarded-for", "").split(",")[-1].strip())


def lines(several):
    return [(name, value) for name, values in several.items() for value in values]


def peer(text):
    """Some samples hold no address but "IP", or a network."""
    try:
        return (str(ip_address(text)), 0)
    except ValueError:
        return None


def body_of(event):
    """Some samples say that they are base64 and are not."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode()
    try:
        return b64decode(body, validate=True)
    except ValueError:
        return b"\xff"


@pytest.mark.parametrize("name", REQUESTS)
def test_the_answer_has_the_form_that_the_event_wants(name, call):
    """Each cookie by itself, text as text, and what came twice still there."""
    event = read(name)
    answer, _ = call(event)
    form = expected_kind(name)
    if form == "alb" and "multiValueHeaders" in event:
        form = "alb-multi"
    json.dumps(answer)
    assert answer["isBase64Encoded"] is False
    assert isinstance(answer["statusCode"], int)
    got = answer_of(form, answer)
    assert (got.status, got.body) == (201, '{"ä":1}'.encode())
    cookies = [value for name, value in got.headers if name.lower() == "set-cookie"]
    assert cookies == COOKIES
    vary = [value for name, value in got.headers if name == "vary"]
    assert ", ".join(vary) == "a, b"
    if form == "http":
        assert answer["cookies"] == COOKIES
        assert "multiValueHeaders" not in answer
    elif form != "alb":
        assert answer["multiValueHeaders"]["set-cookie"] == COOKIES
    else:
        assert len({name.lower() for name in answer["headers"]}) == len(answer["headers"]) - 1


@pytest.mark.anyio
@pytest.mark.skipif(not NAMES, reason="the events are not there")
async def test_the_real_app_answers_every_request(through):
    """None of them is for us: each is refused as a document, in its form, and never with 500."""
    async with through("http") as service:
        function = service.client._transport.function
        for name in REQUESTS:
            answer = await function.invoke(read(name))
            assert answer["statusCode"] == 404, name
            assert json.loads(answer["body"])["code"] == "not_found"


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_request_is_refused_and_says_what_would_be(name, call):
    event = read(name)
    with pytest.raises(UnknownEvent, match="API Gateway REST API or HTTP API") as told:
        call(event)
    if "methodArn" in event or "routeArn" in event:
        assert "admit.aws.authorizer" in str(told.value)
    for secret in ("authorizationToken", "body", "userName"):
        if event.get(secret):
            assert str(event[secret]) not in str(told.value)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "no JSON object"),
        ([], "no JSON object"),
        ("text", "no JSON object"),
        (1, "no JSON object"),
        ({}, "none of them"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "a queue's"),
        ({"source": "aws.events", "detail-type": "Scheduled Event"}, "a schedule's"),
        ({"requestContext": {"connectionId": "x"}, "resource": "/", "httpMethod": "GET"}, "Socket"),
        ({"requestContext": None, "resource": "/", "httpMethod": "GET"}, "none of them"),
        ({"requestContext": {"elb": {}}}, "none of them"),
        ({"version": "2.0", "requestContext": {"http": {}}}, "none of them"),
        ({"version": "2.0", "requestContext": {"http": "GET"}}, "none of them"),
        ({"version": "3.0", "requestContext": {"http": {"method": "GET"}}}, "none of them"),
    ],
)
def test_what_somebody_makes_up_is_refused(event, said):
    with pytest.raises(UnknownEvent, match=said):
        kind_of(event)


HTTP: dict[str, Any] = {
    "version": "2.0",
    "rawPath": "/auth/me",
    "rawQueryString": "",
    "headers": {},
    "requestContext": {
        "domainName": "x.execute-api.eu-central-1.amazonaws.com",
        "http": {"method": "GET", "path": "/auth/me", "sourceIp": "192.0.2.1"},
        "stage": "$default",
    },
}
REST: dict[str, Any] = {
    "resource": "/{proxy+}",
    "path": "/auth/me",
    "httpMethod": "GET",
    "headers": None,
    "requestContext": {"stage": "prod", "path": "/prod/auth/me", "identity": {}},
}
ALB: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": "x"}},
    "httpMethod": "GET",
    "path": "/auth/me",
    "headers": {},
}
URL_DOMAIN = "x.lambda-url.eu-central-1.on.aws"


def http(path, *, stage="$default", domain=None, **more):
    context = {**HTTP["requestContext"], "stage": stage}
    context["domainName"] = domain or context["domainName"]
    return {**HTTP, "rawPath": path, "requestContext": context, **more}


def rest(path, whole, **more):
    context = {**REST["requestContext"], "path": whole}
    return {**REST, "path": path, "requestContext": context, **more}


@pytest.mark.parametrize(
    ("event", "prefix", "path"),
    [
        (http("/prod/auth/me", stage="prod"), "/auth", "/auth/me"),
        (http("/prod/auth/me", stage="prod"), "/prod/auth", "/prod/auth/me"),
        (http("/prod/healthz", stage="prod"), "/auth", "/healthz"),
        (http("/prod", stage="prod"), "/auth", "/"),
        (http("/production/auth", stage="prod"), "/auth", "/production/auth"),
        (http("/auth/me", stage="prod", domain="sign.example.com"), "/auth", "/auth/me"),
        (http("/auth/me", stage="auth", domain="sign.example.com"), "/auth", "/auth/me"),
        (http("/auth/auth/me", stage="auth"), "/auth", "/auth/me"),
        (http("/base/auth/me", domain="example.com"), "/base/auth", "/base/auth/me"),
        (http("/auth/me/"), "/auth", "/auth/me/"),
        (http("//auth/me"), "/auth", "//auth/me"),
        (http("/$default/auth/me"), "/auth", "/$default/auth/me"),  # it stands before no path
        (http("/None/auth/me", stage=None, domain=URL_DOMAIN), "/auth", "/None/auth/me"),
        (rest("/prod/auth/me", "/prod/auth/me", version="1.0"), "/auth", "/auth/me"),
        (rest("/prod/auth/me", "/prod/auth/me", version="1.0"), "/prod/auth", "/prod/auth/me"),
        (rest("/auth/me", "/auth/me", version="1.0"), "/auth", "/auth/me"),
        (rest("/auth/me", "/prod/auth/me"), "/auth", "/auth/me"),
        (rest("/auth/me", "/prod/auth/me"), "/prod/auth", "/prod/auth/me"),
        (rest("/base/auth/me", "/base/auth/me"), "/base/auth", "/base/auth/me"),
        (rest("/healthz", "/prod/healthz"), "/auth", "/healthz"),
        (rest("/auth/me/", "/prod/auth/me/"), "/auth", "/auth/me/"),
        (rest(None, None), "/auth", "/"),
        ({**ALB, "path": "/auth/me/"}, "/auth", "/auth/me/"),
        ({**ALB, "path": ""}, "/auth", "/"),
    ],
)
def test_stages_and_base_paths_are_found_by_the_prefix(event, prefix, path, call):
    """A stage stands before the path unless the prefix names it; a base path is in the prefix."""
    _, seen = call(event, prefix=prefix)
    assert seen.scope["path"] == path


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (http("/auth/%2572e"), "/auth/%2572e"),  # it was decoded on its way here
        ({**rest("/auth/m%65", None), "version": "1.0"}, "/auth/m%65"),
        (http("/auth/m%65", domain=URL_DOMAIN), "/auth/me"),
        (http("/auth/m%2565", domain=URL_DOMAIN), "/auth/m%65"),
        (rest("/auth/m%65", None), "/auth/me"),
        (rest("/auth/m%2565", None), "/auth/m%65"),
        ({**ALB, "path": "/auth/m%65"}, "/auth/me"),
        ({**ALB, "path": "/auth/m%2565"}, "/auth/m%65"),
        ({**ALB, "path": "/auth/%ff"}, "/auth/\ufffd"),
    ],
)
def test_a_path_is_decoded_once_in_all(event, path, call):
    """Twice would be a way around a rule about paths of whoever stands before us."""
    _, seen = call(event)
    assert seen.scope["path"] == path


@pytest.mark.parametrize(
    ("body", "in_base64", "seen"),
    [
        (None, False, b""),
        ("", True, b""),
        ("{}", False, b"{}"),
        ("ä\ud800", False, b"\xc3\xa4\xed\xa0\x80"),
        (b64encode(b"\x00\xff").decode(), True, b"\x00\xff"),
        ("no base64!", True, b"\xff"),
        ("e30=\n", True, b"\xff"),
        ('{"password": "lost \ufffd"}', False, b"\xff"),
    ],
)
@pytest.mark.parametrize("event", [HTTP, REST, ALB])
def test_a_body_is_what_was_sent_or_can_be_read_by_nobody(event, body, in_base64, seen, call):
    """Bytes that a gateway has lost must not pass for others."""
    _, app = call({**event, "body": body, "isBase64Encoded": in_base64})
    assert app.body == seen


@pytest.mark.parametrize(
    "event",
    [
        {**HTTP, "rawQueryString": "a=\ud800"},
        {**REST, "multiValueQueryStringParameters": {"a": ["\ud800"]}},
        {**ALB, "queryStringParameters": {"a": "\ud800"}},
        {**ALB, "multiValueQueryStringParameters": {"a": ["\ud800"]}},
        {**ALB, "headers": {"a\ud800": "a"}},
    ],
)
def test_what_json_can_say_and_utf_8_cannot_fails_nothing(event, call):
    answer, _ = call(event)
    assert answer["statusCode"] == 201


@pytest.mark.parametrize(
    ("value", "apart"),
    [
        ("Bearer a", ["Bearer a"]),
        ("Bearer a,Bearer a", ["Bearer a", "Bearer a"]),
        ("Bearer a, Bearer b==", ["Bearer a", "Bearer b=="]),
        ("Basic eDp5,Bearer a", ["Basic eDp5", "Bearer a"]),
        ("Bearer a,b", ["Bearer a,b"]),
        ('Digest user="a", realm = "b"', ['Digest user="a", realm = "b"']),
    ],
)
def test_two_authorization_headers_are_seen_to_be_two(value, apart, call):
    _, app = call({**HTTP, "headers": {"authorization": value}})
    assert [each for name, each in app.headers if name == "authorization"] == apart


def test_head_is_answered_without_a_body(call):
    context = {**HTTP["requestContext"], "http": {"method": "HEAD", "sourceIp": "192.0.2.1"}}
    answer, _ = call({**HTTP, "requestContext": context})
    assert answer["body"] == ""


def test_what_is_no_text_is_answered_in_base64():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"\x00\xff"})

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        answer = adapted(app)(HTTP, CONTEXT)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert answer["isBase64Encoded"] is True
    assert b64decode(answer["body"]) == b"\x00\xff"


def test_more_than_two_cookies_find_spellings_enough(call):
    """A load balancer without multi-value headers holds each name once, as it is spelt."""
    answer, _ = call(ALB)
    assert [name.lower() for name in answer["headers"]].count("set-cookie") == 2
