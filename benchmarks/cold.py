"""Cold starts on Lambda: from the start of a process to its first answer, beside a tutorial's.

Every start is one of the same harness (`desk`), whose Runtime API the processes ask for their
event: AWS's own runtime client runs ours, and a loop of thirty lines runs the tutorial's handler on
Node, because AWS's client for Node has to be built with a compiler. Python's modules are compiled
already, as in a zip for Lambda. The emulated table and the issuer share the cores.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import functions, imports
from benchmarks.comparisons import Comparison, Found, Row
from benchmarks.counting import WRITES, counted
from benchmarks.figures import Figure, at_most, ratios, shown
from benchmarks.goals import ADMIT
from benchmarks.servers import admit_serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.sizes import Sizes

HANDLER_GOAL, AUTHORIZER_GOAL = 4, 2
"""Times the tutorial's."""
COUNTED = 100
KEY = "a verifier key of the benchmarks 0123456789"
SECRET = "a secret of the benchmarks 0123456789abcdef"


class Round(NamedTuple):
    """Milliseconds to the first answer of each."""

    node: float
    authorizer: float
    handler: float


class Place:
    """Everything that is there before a function is started.

    Arguments:
        home: a directory of its own.
        endpoint: the emulated table's.
        issuer: the port of a server whose tokens the authorizer checks.
        access: one of those tokens.
        node: what runs the tutorial's handler.
    """

    def __init__(
        self, home: Path, *, endpoint: str, issuer: int, access: str, node: list[str]
    ) -> None:
        self.home = home
        self._node = node
        self._access = access
        self.endpoint = endpoint
        self._authorizing = {
            "ADMIT_BASE_URL": "http://localhost:8000",
            "ADMIT_AUTHORIZER_URL": f"http://127.0.0.1:{issuer}/auth",
            "ADMIT_AUTHORIZER_KEY": KEY,
        }

    def refreshing(self, endpoint: str | None = None) -> dict[str, str]:
        """The environment of the function that refreshes."""
        return {
            "ADMIT_SECRET": SECRET,
            "ADMIT_LEEWAY": "0",  # each refresh writes
            "ADMIT_DATABASE_URL": functions.table(endpoint or self.endpoint),
        }

    def round(self, token: str) -> Round:
        """One start of each, one right after the other."""
        return Round(self.tutorial(), self.authorizer().milliseconds, self.handler(token))

    def tutorial(self) -> float:
        """The tutorial's handler."""
        environ, event = functions.tutorial()
        return functions.start(self._node, "handler", environ, event, self.home).milliseconds

    def authorizer(self, *before: str) -> functions.Started:
        """The authorizer, which fetches the keys and the feed of the issuer."""
        command, event = (
            functions.runtime(functions.AUTHORIZER, *before),
            functions.guarded(self._access),
        )
        return functions.start(command, functions.AUTHORIZER, self._authorizing, event, self.home)

    def started(self, token: str, environ: Mapping[str, str], *before: str) -> functions.Started:
        """The function that refreshes, in this environment."""
        command, event = functions.runtime(functions.HANDLER, *before), functions.refreshing(token)
        return functions.start(command, functions.HANDLER, environ, event, self.home)

    def handler(self, token: str) -> float:
        """The function that refreshes."""
        return self.started(token, self.refreshing()).milliseconds


def measure(sizes: Sizes, _: object = None) -> Found:
    node = functions.node()
    if node is None:
        print("cold: Node or jsonwebtoken is missing, `make peers` installs them")
        return Found()
    with ExitStack() as around:
        home = Path(around.enter_context(TemporaryDirectory(prefix="bench-")))
        around.enter_context(_credentials())
        endpoint = around.enter_context(functions.emulator())
        issuer = around.enter_context(admit_serve(users=1, sessions=1, verifier_keys=KEY))
        place = Place(
            home,
            endpoint=endpoint,
            issuer=issuer.port,
            access=issuer.tokens[0].access_token,
            node=node,
        )
        tokens = functions.seeded(place.refreshing(), sessions=sizes.cold_rounds + imports.LOGS + 2)
        place.round(next(tokens))  # the first start of each reads its files from the disk
        rounds = [place.round(next(tokens)) for _ in range(sizes.cold_rounds)]
        figures = [*_judged(rounds), *_loaded(place, tokens), *_counted(place, next(tokens))]
        return Found(figures, [_compared(rounds)])


def _compared(rounds: list[Round]) -> Comparison:
    node, authorizer, handler = zip(*rounds, strict=True)
    rows = [
        Row(
            system="The tutorial's handler on Node",
            what="a refresh",
            rounds=node,
            note="jsonwebtoken, no database, under a loop of thirty lines",
        ),
        Row(system=ADMIT, what="a refresh", rounds=handler, note="written to a table of DynamoDB"),
        Row(system=ADMIT, what="an authorizer", rounds=authorizer, note="fetches keys and feed"),
    ]
    return Comparison(
        topic="cold",
        title="Cold starts on AWS Lambda",
        unit=" ms",
        better="lower",
        told="From the start of a process to its first answer on Lambda's Runtime API.",
        rows=rows,
    )


def _judged(rounds: list[Round]) -> list[Figure]:
    node, authorizer, handler = zip(*rounds, strict=True)
    beside = (
        ("authorizer", authorizer, AUTHORIZER_GOAL),
        ("handler, a refresh", handler, HANDLER_GOAL),
    )
    figures = [shown("cold: the tutorial's handler on Node", " ms", node)]
    for name, each, goal in beside:
        figures.append(shown(f"cold: {name}", " ms", each))
        figures.append(at_most(f"cold: {name}, to Node's", " times", ratios(each, node), goal))
    return figures


def _loaded(place: Place, tokens: Iterator[str]) -> list[Figure]:
    """The import-time tables: each package by itself."""
    environ, timed = place.refreshing(), imports.TIMED
    logs = {
        "authorizer": [place.authorizer(*timed).log for _ in range(imports.LOGS)],
        "handler": [
            place.started(token, environ, *timed).log for token in islice(tokens, imports.LOGS)
        ],
    }
    return [
        shown(f"cold: {name} imports {package}", " ms", [spent])
        for name, each in logs.items()
        for package, spent in imports.largest(imports.by_package(each)).items()
    ]


def _counted(place: Place, token: str) -> list[Figure]:
    """What the function asks of its table: until its first answer, and for each refresh then."""
    found = counted(place.endpoint, place.refreshing, token, place.home, times=COUNTED)
    writes = sum(each for name, each in found.after.items() if name in WRITES)
    asked = ", ".join(f"{name} {each}" for name, each in sorted(found.after.items()))
    return [
        shown("cold: requests to the table until the first answer", "", [found.first.total()]),
        shown("cold: of that time, asked of the emulator", " %", [found.waited * 100]),
        at_most(f"cold: writes for {COUNTED} refreshes ({asked})", "", [writes], COUNTED),
    ]


@contextmanager
def _credentials() -> Iterator[None]:
    """What the emulator takes: the table is filled from this process."""
    kept = dict(os.environ)
    os.environ |= {"AWS_ACCESS_KEY_ID": "desk", "AWS_SECRET_ACCESS_KEY": "desk"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
