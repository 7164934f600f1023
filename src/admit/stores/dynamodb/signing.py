"""Requests to DynamoDB, signed as AWS wants it (Signature Version 4).

The signature is the one that botocore makes of the same request, which the tests compare.
Source: "Create a signed AWS API request" in AWS's guide to IAM.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "dynamodb"


class Credentials(NamedTuple):
    """Who asks; the token goes with keys that AWS lends for a while."""

    key_id: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        """The name of the key alone: what is printed ends up in a log."""
        return f"Credentials({self.key_id!r})"


def in_environment(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials that Lambda hands its functions in variables; None where there are none."""
    key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return None
    return Credentials(key_id, secret, environ.get("AWS_SESSION_TOKEN") or None)


def signed(
    body: bytes, headers: dict[str, str], credentials: Credentials, *, region: str, at: datetime
) -> dict[str, str]:
    """The headers of a `POST /` with this body, and with its time and its signature.

    Arguments:
        body: what is sent.
        headers: `host` and every other one that is sent, their names in small letters.
        credentials: who asks.
        region: where the table is.
        at: now, in UTC: AWS refuses what is five minutes off.
    """
    time = at.strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "x-amz-date": time}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    digest = hashlib.sha256(body).hexdigest()
    request = "\n".join(["POST", "/", "", *lines, "", names, digest])
    scope = f"{time[:8]}/{region}/{SERVICE}/aws4_request"
    text = "\n".join([ALGORITHM, time, scope, hashlib.sha256(request.encode()).hexdigest()])
    signature = _mac(_key(credentials.secret, scope), text).hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.key_id}/{scope},"
        f" SignedHeaders={names}, Signature={signature}"
    )
    return headers


def _key(secret: str, scope: str) -> bytes:
    """The key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
