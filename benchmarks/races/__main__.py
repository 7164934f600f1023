"""`python -m benchmarks.races [SYSTEM …]`: who is signed out, and which thief is seen.

docs/races.md says what is done and what is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvloop

from benchmarks.machine import libraries, machine
from benchmarks.peers import PEERS
from benchmarks.peers.peer import Peer
from benchmarks.races.result import Result, table
from benchmarks.races.running import FULL, QUICK, Races, Size
from benchmarks.races.scenarios import SCENARIOS
from benchmarks.races.system import System
from benchmarks.report import head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main() -> None:
    given = _arguments()
    size = QUICK if given.quick else FULL
    print(f"{machine()}\n{libraries()}\n{_what(size, given.seed)}", flush=True)
    ran, results = [], []
    for peer in _chosen(given.systems, given.system):
        if missing := peer.missing():
            print(f"\n{peer.name}: not run: {missing}", flush=True)
            continue
        started = time.monotonic()
        ran.append(peer)
        results += races(peer, size=size, seed=given.seed)
        print(f"{peer.name}: {time.monotonic() - started:.0f} s", flush=True)
    if given.json:
        given.json.write_text(_json(ran, results, size, given.seed), encoding="utf-8")


def races(peer: Peer, *, size: Size, seed: int) -> list[Result]:
    """Run every scenario with one system, and print what came of it."""

    async def run(home: Path) -> list[Result]:
        with System(peer, home, beyond=size.beyond) as system:
            runs = Races(system, seed=seed, size=size)
            await runs.gather()
            return await runs.all()

    with TemporaryDirectory(prefix="races-") as home:
        results = uvloop.run(run(Path(home)))
    print(f"\n{peer.name} ({peer.served})\n{table(results)}", flush=True)
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.races", description=__doc__)
    parser.add_argument(
        "systems", nargs="*", metavar="SYSTEM", help="part of a name; all of them where none"
    )
    parser.add_argument(
        "--system", type=Path, metavar="FILE", help="a system of yours: a module with a PEER"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        default=os.environ.get("RACES_QUICK", "") not in {"", "0"},
        help="few trials; RACES_QUICK=1 says the same",
    )
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance; 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    given = parser.parse_args()
    for each in given.systems:
        if not any(_matches(peer, each) for peer in PEERS):
            names = ", ".join(peer.name for peer in PEERS)
            parser.error(f"there is no {each}; there are {names}")
    return given


def _chosen(names: Sequence[str], own: Path | None) -> Iterator[Peer]:
    if own:
        yield theirs(own)
    if names or not own:
        yield from (
            peer for peer in PEERS if not names or any(_matches(peer, name) for name in names)
        )


def theirs(file: Path) -> Peer:
    """The `PEER` of somebody's own module."""
    found = runpy.run_path(str(file)).get("PEER")
    if not isinstance(found, Peer):
        raise SystemExit(f"{file} has no PEER: docs/races.md shows one")
    return found


def _matches(peer: Peer, name: str) -> bool:
    return name.casefold() in peer.name.casefold()


def _what(size: Size, seed: int) -> str:
    return (
        f"seed {seed}; {size.trials:,} trials of each scenario, fewer where all would take longer"
        f" than about {size.seconds:g} s, but at least {size.fewest}"
    )


def _json(peers: Sequence[Peer], results: Sequence[Result], size: Size, seed: int) -> str:
    told = head(peers, _what(size, seed)) | {
        "seed": seed,
        "scenarios": [
            {"name": each.name, "told": each.told, "honest_or_thief": each.kind}
            for each in SCENARIOS
        ],
        "results": [each.as_dict() for each in results],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
