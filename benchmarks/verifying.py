"""Verifying a token in process, at first sight and seen before, beside the libraries of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.comparisons import Comparison, Found, Goal, Row
from benchmarks.figures import ratios
from benchmarks.goals import ADMIT
from benchmarks.peers import node
from benchmarks.peers.verifying import OLDER, PACKAGES, TUTORIAL, WARM, measure_verifying, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.peers.verifying import Measured
    from benchmarks.sizes import Sizes

FIRST, SEEN = "first sight", "seen before"
WANTED = {
    (TUTORIAL, "HS256"): 200,
    (TUTORIAL + OLDER, "HS256"): 200,
    ("fast-jwt, its cache", "ES256"): 1,
}
"""By library and algorithm: how many times ours theirs takes, of a token seen before."""
TOLD = (
    "Each library checks the signature, the end, the issuer and the audience of the same tokens;"
    " at first sight with Admit's memory of tokens full, and seen before for {warm} tokens in turn,"
    " each time as a new string. Most libraries have no memory of tokens. {versions}."
)


def measure(sizes: Sizes, _: object = None) -> Found:
    measured = measure_verifying(sizes.verifying_rounds, sizes.calls)
    told = ", ".join(f"{name} {version}" for name, version in versions().items())
    comparison = Comparison(
        topic="verifying",
        title="Verifying a token in process",
        unit=" µs",
        better="lower",
        told=TOLD.format(warm=WARM, versions=told),
        rows=[row for each in measured for row in _rows(each)] + _not_run(),
        goals=_goals(measured),
    )
    return Found(comparisons=[comparison])


def _rows(measured: Measured) -> Iterator[Row]:
    for kind, rounds in ((FIRST, measured.first), (SEEN, measured.seen)):
        what = f"{measured.algorithm}, {kind}"
        yield Row(system=measured.library, what=what, rounds=rounds, note=measured.note)


def _not_run() -> list[Row]:
    """Those on Node, where it is not installed."""
    why = node.missing(*PACKAGES)
    return [Row(system=package, none=f"not run: {why}") for package in PACKAGES if why]


def _goals(measured: Sequence[Measured]) -> list[Goal]:
    seen = {(each.library, each.algorithm): each.seen for each in measured}
    return [
        Goal(
            text=f"Verifying a token seen before: Admit {_times(times)} {library}",
            wanted=times,
            rounds=ratios(seen[library, algorithm], seen[ADMIT, "ES256"]),
        )
        for (library, algorithm), times in WANTED.items()
        if (library, algorithm) in seen
    ]


def _times(times: float) -> str:
    return "at least level with" if times == 1 else f"at least {times:g} times as fast as"
