"""`python -m benchmarks.races [SYSTEM …]`: who is signed out, and which thief is seen.

docs/races.md says what is done and what is counted.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import libraries, machine
from benchmarks.peers import PEERS
from benchmarks.processes import clearing_up
from benchmarks.races.chosen import Wish, all_played, matches
from benchmarks.races.result import table
from benchmarks.races.scenarios import SCENARIOS
from benchmarks.report import head, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.races.chosen import Played


def main() -> None:
    clearing_up()
    given = _arguments()
    wish = Wish(tuple(given.systems), given.system, quick=given.quick, seed=given.seed)
    print(f"{machine()}\n{libraries()}\n{_what(wish)}", flush=True)
    played = []
    for each in all_played(wish):
        print(f"\n{_told(each)}", flush=True)
        played.append(each)
    if given.json:
        given.json.write_text(_json(played, wish), encoding="utf-8")
    if failed := [each.peer.name for each in played if each.failed]:
        raise SystemExit(f"Nothing was counted of: {', '.join(failed)}.")


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
    parser.add_argument("--json", type=target, metavar="FILE", help="write the results there too")
    given = parser.parse_args()
    for each in given.systems:
        if not any(matches(peer, each) for peer in PEERS):
            names = ", ".join(peer.name for peer in PEERS)
            parser.error(f"there is no {each}; there are {names}")
    return given


def _what(wish: Wish) -> str:
    size = wish.size
    return (
        f"{'quick: ' if wish.quick else ''}seed {wish.seed};"
        f" {size.trials:,} trials of each scenario, fewer where all would take"
        f" longer than about {size.seconds:g} s, but at least {size.fewest}"
    )


def _told(played: Played) -> str:
    name = f"{played.peer.name} ({played.peer.served})"
    if played.missing:
        return f"{name}: not run: {played.missing}"
    if played.failed:
        return f"{name}: nothing counts, for {played.failed}"
    return f"{name}, {played.seconds:.0f} s\n{table(played.results)}"


def _json(played: Sequence[Played], wish: Wish) -> str:
    ran = [each.peer for each in played if not each.missing and not each.failed]
    told = head(ran, _what(wish)) | {
        "seed": wish.seed,
        "scenarios": [
            {"name": each.name, "told": each.told, "honest_or_thief": each.kind}
            for each in SCENARIOS
        ],
        "results": [result.as_dict() for each in played for result in each.results],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
