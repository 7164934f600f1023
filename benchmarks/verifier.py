"""`admit.Verifier`, for services without a store: beside PyJWT with its client for public keys.

Both check the same tokens of one `admit serve`, whose keys each fetched before; PyJWT hears nothing
of revocations.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jwt

from admit import Verifier
from benchmarks.cold import KEY
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.servers import admit_serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

BASE_URL = "http://localhost:8000"
REPEATS = 16
"""A verification from memory is over too soon to be timed on few."""


def measure(sizes: Sizes) -> list[Figure]:
    with (
        admit_serve(users=1, sessions=1, verifier_keys=KEY) as server,
        Verifier(
            issuer=f"{BASE_URL}/auth",
            audience=BASE_URL,
            verifier_key=KEY,
            url=f"http://127.0.0.1:{server.port}/auth",
        ) as verifier,
    ):
        token = server.tokens[0].access_token
        client = jwt.PyJWKClient(f"http://127.0.0.1:{server.port}/auth/.well-known/jwks.json")

        def theirs(text: str) -> object:
            key = client.get_signing_key_from_jwt(text)
            return jwt.decode(text, key, algorithms=["ES256"], audience=BASE_URL)

        rounds = [
            (
                _time(theirs, token, sizes.calls),
                _time(verifier.verify, token, sizes.calls * REPEATS),
            )
            for _ in range(sizes.rounds)
        ]
    pyjwt, ours = zip(*rounds, strict=True)
    return [
        shown("verifier: PyJWT with PyJWKClient, ES256", " µs", pyjwt),
        shown("verifier: a token that was seen, its revocation looked up", " µs", ours),
        at_least("verifier: faster than PyJWT by", " times", ratios(pyjwt, ours), 10),
    ]


def _time(verify: Callable[[str], object], token: str, calls: int) -> float:
    """Microseconds for one."""
    texts = [bytes(token, "ascii").decode() for _ in range(calls)]  # new ones, as requests bring
    verify(token)
    started = time.perf_counter()
    for text in texts:
        verify(text)
    return (time.perf_counter() - started) / calls * 1e6
