"""Access tokens as Admit mints them, for every library to verify: no two of them alike."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from joserfc import jwt
from joserfc.jwk import OctKey, import_key

from benchmarks.peers.libraries import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from admit import Admit

DAY = 24 * 60 * 60


class Set(NamedTuple):
    """Tokens that one key signed, and one more that has ended."""

    expected: Expected
    tokens: list[str]
    expired: str


class Minted:
    """Valid tokens of Admit without end, no two alike."""

    def __init__(self, mint: Callable[[float], str], expected: Expected) -> None:
        self._mint = mint
        self._es256 = expected
        self._secret = OctKey.import_key(secrets.token_urlsafe(24))  # a text of 32 bytes

    @classmethod
    async def by(cls, auth: Admit) -> Minted:
        account = await auth.accounts.find("user0@example.com")
        assert account is not None
        (session,) = await auth.sessions.list(account.user.id, now=auth.clock())
        expected = Expected(
            algorithm="ES256",
            key=json.loads(auth.keys.state[-1].row.public),
            issuer=auth.settings.issuer,
            audience=auth.settings.audience,
        )
        return cls(lambda now: auth.access.mint(account, session, now=now)[0], expected)

    def __iter__(self) -> Iterator[str]:
        return iter(lambda: self._mint(time.time()), None)

    def sets(self, calls: int) -> tuple[Set, Set]:
        """New ones: as they are minted (ES256), and the same claims with a secret (HS256)."""
        expired = self._mint(time.time() - DAY)
        es256 = Set(self._es256, list(islice(self, calls)), expired)
        key = self._secret.as_dict(private=True)
        expected = dataclasses.replace(self._es256, algorithm="HS256", key=key)
        tokens = [self._signed(token) for token in es256.tokens]
        return es256, Set(expected, tokens, self._signed(expired))

    def _signed(self, token: str) -> str:
        decoded = jwt.decode(token, import_key(self._es256.key), algorithms=["ES256"])
        return jwt.encode(decoded.header | {"alg": "HS256"}, decoded.claims, self._secret)
