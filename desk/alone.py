"""Runs Admit's Lambda functions from an unpacked zip, with nothing else on the path.

`python -I -S desk/alone.py TREE`: Python's own library and the tree, no other package. It answers
one event of an HTTP API as Lambda would have it answered, and prints the status.
"""

import json
import os
import sys
from importlib import import_module
from types import SimpleNamespace

TRIES = 10
UNAVAILABLE = 503
EVENT = {
    "version": "2.0",
    "routeKey": "ANY /auth/{proxy+}",
    "rawPath": "/auth/register",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "host": "auth.example.com"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "a1b2c3d4e5",
        "domainName": "auth.example.com",
        "http": {
            "method": "POST",
            "path": "/auth/register",
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.7",
            "userAgent": "desk",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "ANY /auth/{proxy+}",
        "stage": "$default",
        "timeEpoch": 1583348638390,
    },
    "body": json.dumps(
        {"email": f"{os.urandom(8).hex()}@example.com", "password": "seven pale lanterns drift"}
    ),
    "isBase64Encoded": False,
}


def main() -> None:
    """Load both functions as Lambda does, and have one of them answer."""
    (tree,) = sys.argv[1:]
    sys.path.insert(0, tree)
    aws = import_module("admit.aws")
    assert callable(aws.authorizer)
    context = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")
    tries = (aws.handler(EVENT, context) for _ in range(TRIES))
    # On a busy machine the emulator is late; any client would try again.
    answer = next((each for each in tries if each["statusCode"] != UNAVAILABLE), None)
    assert answer, "it is unavailable for good"
    strangers = {
        name
        for name, module in sys.modules.items()
        if "site-packages" in (getattr(module, "__file__", None) or "")
    }
    assert not strangers, f"loaded from elsewhere: {sorted(strangers)}"
    print(answer["statusCode"], answer.get("body", ""))


if __name__ == "__main__":
    main()
