"""What is kept of a sign-in between two runs, as one JSON text.

The retry key is written before the request that it goes with is sent. So a process that is killed
between the server's commit and our next write leaves behind what it sent; whoever comes next sends
the very same, and the session law gives them the very same successor.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from admit.client.errors import TokensError

FORM = 1
"""The version of the text."""
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}", re.ASCII)
"""What a token may consist of (RFC 6750 section 2.1): nothing that could end a header's line."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Both tokens, and the key of the refresh that is under way.

    `expires_in` is the access token's life in seconds from `asked_at`, the device's own time.
    """

    issuer: str
    access_token: str = field(repr=False)
    expires_in: float
    asked_at: float
    refresh_token: str = field(repr=False)
    retry_key: str | None = field(default=None, repr=False)

    def with_key(self) -> Kept:
        """The same with a key for its next refresh, drawn now where there is none yet."""
        return self if self.retry_key else replace(self, retry_key=secrets.token_urlsafe(24))


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The server refused to go on, and said why."""

    issuer: str
    reason: str


def written(kept: Kept | Ended) -> str:
    """The text of it."""
    return json.dumps({"form": FORM, **asdict(kept)})


def read(text: str) -> Kept | Ended:
    """What the text says.

    Raises:
        TokensError: it is not one of ours.
    """
    try:
        values = json.loads(text)
        if not isinstance(values, dict) or values.pop("form", None) != FORM:
            raise ValueError
        return Ended(**values) if "reason" in values else _kept(values)
    except (KeyError, TypeError, ValueError):
        pass  # and not raised from here: the error would hold the text
    raise TokensError("The stored tokens can't be read: sign in again, which replaces them.")


def _kept(values: dict[str, Any]) -> Kept:
    texts = [values["access_token"], values["refresh_token"], values["retry_key"] or "none"]
    numbers = [values["expires_in"], values["asked_at"]]
    if not all(isinstance(each, str) and TOKEN.fullmatch(each) for each in texts):
        raise TypeError
    if not all(isinstance(each, float | int) for each in numbers):
        raise TypeError
    return Kept(**values)
