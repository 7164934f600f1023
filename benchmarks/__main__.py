"""`python -m benchmarks [PART …] [--quick] [--json FILE]`: what Admit costs on this machine."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from benchmarks import (
    authorizer,
    cold,
    guards,
    memory,
    postgres,
    refresh,
    route,
    scale,
    storm,
    verifier,
    verify,
)
from benchmarks.figures import Figure, table
from benchmarks.machine import libraries, machine
from benchmarks.sizes import FULL, QUICK, Sizes

PARTS = {
    "verify": verify.measure,
    "verifier": verifier.measure,
    "authorizer": authorizer.measure,
    "route": route.measure,
    "guards": guards.measure,
    "refresh": refresh.measure,
    "postgres": postgres.measure,
    "storm": storm.measure,
    "memory": memory.measure,
    "cold": cold.measure,
    "scale": scale.measure,
}
LONG = {"scale"}
"""Only where they are asked for by name."""


def main() -> None:
    given = _arguments()
    sizes = QUICK if given.quick else FULL
    print(f"{machine()}\n{libraries()}\n{_what(sizes)}\n", flush=True)
    figures: list[Figure] = []
    for part in given.parts or [each for each in PARTS if each not in LONG]:
        started = time.monotonic()
        print(f"{part} … ", end="", flush=True)
        figures += PARTS[part](sizes)
        print(f"{time.monotonic() - started:.0f} s", flush=True)
    print(f"\n{table(figures)}")
    if given.json:
        given.json.write_text(_json(figures, sizes), encoding="utf-8")


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys():
        parser.error(f"there is no {' or '.join(sorted(unknown))}")
    return given


def _what(sizes: Sizes) -> str:
    return (
        f"{sizes.name}: {sizes.rounds} rounds of {sizes.seconds:g} s, memory over"
        f" {sizes.sign_ins:,} sign-ins and {sizes.refreshes:,} refreshes;"
        " client and server share the cores"
    )


def _json(figures: list[Figure], sizes: Sizes) -> str:
    told = {
        "machine": machine(),
        "libraries": libraries(),
        "run": _what(sizes),
        "figures": [figure.as_dict() for figure in figures],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
