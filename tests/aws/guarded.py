"""What the tests of the authorizer share: clocks, settings, and events."""

import copy
import json
import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from admit.aws.authorizing import Authorizer
from admit.aws.authorizing.settings import read
from admit.verifier.instants import Clocks
from tests.verifier.scripted import AUDIENCE, KEY

EVENTS = Path(__file__).parents[2].parent / "shared" / "vectors" / "aws-events"
STAGE = "arn:aws:execute-api:eu-central-1:123456789012:abcdef123/prod"


class Live:
    """The clocks of an authorizer beside a server with a clock of its own."""

    def __init__(self, clock):
        self.clock = clock
        self.steady = 1_000.0
        self.clocks = Clocks(clock, lambda: self.steady)

    def passes(self, seconds):
        self.clock.advance(seconds)
        self.steady += seconds


def environ(url, **more):
    """An environment that names an issuer which is reached at `url`."""
    own = {f"ADMIT_{name.upper()}": value for name, value in more.items()}
    return {
        "ADMIT_BASE_URL": AUDIENCE,
        "ADMIT_AUTHORIZER_KEY": KEY,
        "ADMIT_AUTHORIZER_URL": url,
        **own,
    }


@contextmanager
def guard(url, clocks, **more):
    """An authorizer, for the length of a block."""
    authorizer = Authorizer(read(environ(url, **more)), clocks=clocks)
    try:
        yield authorizer
    finally:
        authorizer.close()


def token_event(text):
    """What a REST API asks with `TOKEN`."""
    return {
        "type": "TOKEN",
        "authorizationToken": text,
        "methodArn": f"{STAGE}/GET/things/1",
    }


def request_event(headers=None, **more):
    """What a REST API asks with `REQUEST`."""
    return {
        "type": "REQUEST",
        "methodArn": f"{STAGE}/GET/things/1",
        "headers": headers or {},
        **more,
    }


def http_event(text, **more):
    """What an HTTP API asks with payload 2.0."""
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{STAGE}/GET/things/1",
        "headers": {"authorization": f"Bearer {text}"},
        **more,
    }


def vectors():
    """Every event of an authorizer among the vectors, by its file."""
    if not EVENTS.exists():
        assert not os.environ.get("CI"), f"CI needs the vectors at {EVENTS}"
        pytest.skip(f"the vectors are not at {EVENTS}")
    found = {}
    for path in sorted(EVENTS.rglob("*.json")):
        event = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(event, dict) and event.get("type") in {"TOKEN", "REQUEST"}:
            found[f"{path.parent.name}/{path.name}"] = event
    return found


def with_token(event, text):
    """The event as it would be if its caller had sent this token."""
    event = copy.deepcopy(event)
    if event["type"] == "TOKEN":
        event["authorizationToken"] = f"Bearer {text}"
        return event
    name = "authorization" if event.get("version") == "2.0" else "Authorization"
    event["headers"] = {
        key: value for key, value in event["headers"].items() if key.lower() != "authorization"
    } | {name: f"Bearer {text}"}
    if "multiValueHeaders" in event:
        event["multiValueHeaders"][name] = [f"Bearer {text}"]
    if "identitySource" in event:
        source = f"Bearer {text}"
        event["identitySource"] = [source] if event["version"] == "2.0" else source
    return event
