"""`python -m benchmarks [PART …] [--quick] [--json FILE]`: what Admit and others cost here."""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import TYPE_CHECKING

from benchmarks import (
    authorizer,
    cold,
    guards,
    hour,
    memory,
    postgres,
    protected,
    refreshing,
    report,
    scale,
    signing_in,
    storm,
    verifier,
    verify,
    verifying,
)
from benchmarks.comparisons import Comparison, Found
from benchmarks.field import Field
from benchmarks.figures import Figure, table
from benchmarks.machine import libraries, machine
from benchmarks.peers import FOR_SPEED
from benchmarks.processes import clearing_up
from benchmarks.sizes import FULL, QUICK, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Part = Callable[[Sizes, Field], Found]


def _alone(measure: Callable[[Sizes], list[Figure]]) -> Part:
    """A part that needs no other system beside ours."""
    return lambda sizes, _: Found(measure(sizes))


PARTS: dict[str, Part] = {
    "verify": _alone(verify.measure),
    "verifier": _alone(verifier.measure),
    "authorizer": _alone(authorizer.measure),
    "verifying": verifying.measure,
    "protected": protected.measure,
    "refreshing": refreshing.measure,
    "signing_in": signing_in.measure,
    "storm": storm.measure,
    "guards": _alone(guards.measure),
    "postgres": _alone(postgres.measure),
    "memory": _alone(memory.measure),
    "hour": hour.measure,
    "cold": cold.measure,
    "scale": _alone(scale.measure),
}
LONG = {"scale"}
"""Only where they are asked for by name."""


def main() -> None:
    clearing_up()
    given = _arguments()
    sizes = QUICK if given.quick else FULL
    print(f"{machine()}\n{libraries()}\n{_what(sizes)}\n", flush=True)
    found = run(sizes, given.parts or [each for each in PARTS if each not in LONG])
    print(f"\n{table(found.figures)}")
    for comparison in found.comparisons:
        print(f"\n{comparison.text()}")
    if given.json:
        given.json.write_text(as_json(found, sizes), encoding="utf-8")


def run(sizes: Sizes, parts: Iterable[str]) -> Found:
    """Measure these parts, one after the other."""
    figures: list[Figure] = []
    comparisons: list[Comparison] = []
    with Field(sizes) as field:
        for part in parts:
            started = time.monotonic()
            print(f"{part} … ", end="", flush=True)
            found = PARTS[part](sizes, field)
            figures.extend(found.figures)
            comparisons.extend(found.comparisons)
            print(f"{time.monotonic() - started:.0f} s", flush=True)
    return Found(figures, comparisons)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"any of {', '.join(PARTS)}; all but {' and '.join(LONG)} where none",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        default=os.environ.get("BENCH_QUICK", "") not in {"", "0"},
        help="a quick look, not the figures of the goals; BENCH_QUICK=1 says the same",
    )
    parser.add_argument(
        "--json", type=report.target, metavar="FILE", help="write the figures there too"
    )
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no {' or '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given


def _what(sizes: Sizes) -> str:
    return (
        f"{sizes.name}: {sizes.rounds} rounds of {sizes.seconds:g} s,"
        f" {sizes.peer_rounds} of {sizes.peer_seconds:g} s where systems are compared;"
        f" memory over {sizes.sign_ins:,} sign-ins and {sizes.refreshes:,} refreshes;"
        " client and server share the cores"
    )


def as_json(found: Found, sizes: Sizes) -> str:
    """The raw results, from which the scoreboard is made."""
    told = report.head(FOR_SPEED, _what(sizes)) | {
        "figures": [figure.as_dict() for figure in found.figures],
        "comparisons": [comparison.as_dict() for comparison in found.comparisons],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
