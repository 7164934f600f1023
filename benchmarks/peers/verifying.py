"""Verifying an access token in process: Admit beside the libraries of Python and of Node.

Every library verifies the same tokens in the same round: those that Admit mints, and for HS256 the
same claims signed with a secret. First sight: no token was ever seen before, and Admit's memory of
verified tokens is full (fast-jwt's is empty, which is no harder for it). Seen before: 64 tokens in
turn, each time as a new string, as a server makes of every request's header.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from admit import Admit
from admit.tokens.checker import REMEMBERED
from benchmarks.peers import libraries, node
from benchmarks.peers.minted import Minted
from benchmarks.seed import alone, seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.peers.libraries import Expected, Verify
    from benchmarks.peers.minted import Set

WARM = 64
"""Tokens in use at the same time."""
REPEATS = 16
"""A verification from memory is over too soon to be timed on few."""
NODE_WARM_UP = 2_000
"""Verifications by each library on Node before those that count: its compiler waits for as many."""
NODE_SECONDS = 120
OTHER = "https://other.example"
PACKAGES = ("jsonwebtoken", "jose", "fast-jwt")
TUTORIAL = "jsonwebtoken, as in the tutorials"
OLDER = ", older Node"
NODE_NOTES = {
    TUTORIAL: "handed the secret as text, which it makes a key of for each token",
    TUTORIAL + OLDER: "there OpenSSL first tries to read the secret as a public key",
    "jose": "one after the other; its cryptography waits for Node's pool of threads each time",
    "jose, 16 at once": "as 16 requests at once would, on as many cores as there are",
    "fast-jwt, its cache": "its cache as it comes, of 1,000 tokens, by a hash of each",
    "fast-jwt, its cache by the token's text": "as its guide says where no hash is wanted",
}


class Figure(NamedTuple):
    """Microseconds for one verification, in one round."""

    library: str
    algorithm: str
    first: float
    seen: float


@dataclass(frozen=True)
class Measured:
    """Microseconds for one verification, round by round."""

    library: str
    algorithm: str
    note: str = ""
    first: list[float] = field(default_factory=list)
    """Of a token at first sight."""
    seen: list[float] = field(default_factory=list)
    """Of one that was verified before."""


def measure_verifying(rounds: int, calls: int) -> list[Measured]:
    """Let every library verify the same tokens, in turn, round after round.

    Without Node or its packages (`node.missing(*PACKAGES)` says so) Python's alone.

    Arguments:
        rounds: how often.
        calls: how many tokens each verifies in a round; new ones for each round.

    Raises:
        AssertionError: a library took a token that it should refuse.
        RuntimeError: the same on Node, or Node failed otherwise; the text says how.
    """
    with TemporaryDirectory(prefix="bench-") as directory:
        seed(Path(directory), users=1, sessions=1)
        figures = asyncio.run(_measure(Path(directory), rounds, calls))
    told = libraries.NOTES | NODE_NOTES
    measured: dict[tuple[str, str], Measured] = {}
    for name, algorithm, first, seen in figures:
        new = Measured(name, algorithm, told.get(name, ""))
        one = measured.setdefault((name, algorithm), new)
        one.first.append(first)
        one.seen.append(seen)
    return list(measured.values())


def versions() -> dict[str, str]:
    """Of the libraries, as installed."""
    older = node.versions(older=True).get("Node")
    told = libraries.versions() | node.versions(*PACKAGES)
    return told | ({"older Node": older} if older else {})


async def _measure(data_dir: Path, rounds: int, calls: int) -> list[Figure]:
    async with Admit(alone(data_dir)) as auth:
        minted = await Minted.by(auth)
        await _check_admit(data_dir, auth.verify, minted.sets(1)[0])
        for token in islice(minted, REMEMBERED):
            auth.verify(token)  # a full memory, as on a server that has run for a while
        figures: list[Figure] = []
        for _ in range(rounds):
            es256, _ = sets = minted.sets(calls)
            figures.append(_timed("Admit", es256, auth.verify))
            figures += [figure for one in sets for figure in python_round(one)]
            figures += node_round(sets)
        return figures


def python_round(given: Set) -> Iterator[Figure]:
    """Each of Python's libraries once; none of them remembers a token."""
    for name, made in libraries.LIBRARIES.items():
        verify, strangers = made(given.expected), map(made, _otherwise(given.expected))
        _check(name, verify, strangers, given)
        yield _timed(name, given, verify, repeats=1)


def node_round(sets: Sequence[Set]) -> list[Figure]:
    """Each of Node's libraries once, in a process of its own, and the tutorials' on the older Node.

    None of them where they are not installed.

    Raises:
        RuntimeError: it failed; the text is what it wrote.
    """
    if node.missing(*PACKAGES):
        return []
    given = _given(sets)
    figures = [Figure(**each) for each in _run(given)]
    if not node.missing(*PACKAGES, older=True):
        told = _run(given | {"libraries": [TUTORIAL]}, older=True)
        figures += [Figure(**each | {"library": TUTORIAL + OLDER}) for each in told]
    return figures


def _given(sets: Sequence[Set]) -> dict[str, object]:
    expected = sets[0].expected
    return {
        "issuer": expected.issuer,
        "audience": expected.audience,
        "warmUp": NODE_WARM_UP,
        "seen": WARM,
        "repeats": REPEATS,
        "sets": [_told(each) for each in sets],
    }


def _told(given: Set) -> dict[str, object]:
    algorithm, key = given.expected.algorithm, given.expected.key
    return {"algorithm": algorithm, "key": key, "tokens": given.tokens, "expired": given.expired}


def _run(given: object, *, older: bool = False) -> list[dict[str, Any]]:
    done = subprocess.run(
        node.command("verify.js", older=older),
        input=json.dumps(given),
        env=node.production(),
        capture_output=True,
        text=True,
        check=False,
        timeout=NODE_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"verify.js failed:\n{done.stderr}")
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


async def _check_admit(data_dir: Path, verify: Verify, given: Set) -> None:
    """Ours answers the same questions as the libraries."""
    # The base URL makes the issuer, and the audience where there is no other.
    issuer = Admit(alone(data_dir, base_url=OTHER, audience=given.expected.audience))
    audience = Admit(alone(data_dir, audience=OTHER))
    async with issuer, audience:
        _check("Admit", verify, [issuer.verify, audience.verify], given)


def _otherwise(expected: Expected) -> tuple[Expected, Expected]:
    """Who expects another issuer, and who another audience."""
    return replace(expected, issuer=OTHER), replace(expected, audience=OTHER)


def _check(name: str, verify: Verify, strangers: Iterable[Verify], given: Set) -> None:
    """One good token and four bad ones.

    Arguments:
        name: of the library.
        verify: what will be measured.
        strangers: the same, for whom the good token is not meant.
        given: the tokens.

    Raises:
        AssertionError: a library takes a bad one, or refuses the good one.
    """
    good = given.tokens[0]
    forged = good[:-10] + ("B" if good[-10] == "A" else "A") + good[-9:]
    refused = [_refuses(verify, given.expired), _refuses(verify, forged)]
    refused += [_refuses(each, good) for each in strangers]
    assert not _refuses(verify, good), f"{name} refuses a good token"
    assert all(refused), f"{name} takes a bad token: {refused}"


def _refuses(verify: Verify, token: str) -> bool:
    try:
        verify(token)
    except Exception:  # noqa: BLE001 # each library has its own
        return True
    return False


def _timed(
    name: str, given: Set, verify: Callable[[str], object], repeats: int = REPEATS
) -> Figure:
    first = microseconds(verify, fresh(given.tokens))
    recent = given.tokens[-WARM:]
    again = fresh(recent * (repeats * len(given.tokens) // len(recent)))
    return Figure(name, given.expected.algorithm, first, microseconds(verify, again))


def fresh(tokens: Sequence[str]) -> list[str]:
    """Equal strings whose hash has never been taken."""
    return [token.encode().decode() for token in tokens]


def microseconds(verify: Callable[[str], object], tokens: Sequence[str]) -> float:
    """Microseconds for one."""
    started = time.perf_counter()
    for token in tokens:
        verify(token)
    return (time.perf_counter() - started) / len(tokens) * 1e6
