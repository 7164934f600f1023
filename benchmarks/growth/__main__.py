"""`python -m benchmarks.growth [--most N] [--quick] [--json FILE]`: what many sessions cost."""

from __future__ import annotations

import argparse
import json
import time
from itertools import takewhile
from pathlib import Path
from typing import Any

from benchmarks.growth.figures import left_behind, with_many
from benchmarks.growth.systems import GROWING, Growing, why_not
from benchmarks.machine import libraries, machine
from benchmarks.peers import PEERS
from benchmarks.processes import clearing_up
from benchmarks.report import head

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
REFRESHES = 1_000
MOST, QUICK_MOST = 1_000_000, 10_000
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS, QUICK_SECONDS = 2.0, 0.2


def main() -> None:
    clearing_up()
    given = _arguments()
    sizes = list(takewhile(lambda size: size <= given.most, SIZES))
    run = _what(given, sizes)
    print(f"{machine()}\n{libraries()}\n{run}\n", flush=True)
    without = {peer.name: reason for peer in PEERS if (reason := why_not(peer))}
    systems = [each for each in GROWING if each.peer.name not in without]
    refreshes = [_with_many(system, size, given) for size in sizes for system in systems]
    refreshes += [{"system": name, "none": reason} for name, reason in without.items()]
    leftovers = [_told(left_behind(peer, REFRESHES)) for peer in PEERS]
    told = head(PEERS, run) | {"refresh_at": refreshes, "thousand_refreshes": leftovers}
    if given.json:
        text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        given.json.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--most", type=int, metavar="N", help="sessions at most: 10000000 for all")
    parser.add_argument("--quick", action="store_true", help="a quick look, at the two fewest")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    given.most = given.most or (QUICK_MOST if given.quick else MOST)
    given.rounds = QUICK_ROUNDS if given.quick else ROUNDS
    given.seconds = QUICK_SECONDS if given.quick else SECONDS
    if given.most < SIZES[0]:
        parser.error(f"the fewest are {SIZES[0]:,}")
    return given


def _what(given: argparse.Namespace, sizes: list[int]) -> str:
    return (
        f"{'quick: ' if given.quick else ''}"
        f"{', '.join(f'{size:,}' for size in sizes)} sessions, each of a user of its own;"
        f" {given.rounds} rounds of {given.seconds:g} s after one that warms up;"
        " client and server share the cores"
    )


def _with_many(system: Growing, sessions: int, given: argparse.Namespace) -> dict[str, Any]:
    begun = time.monotonic()
    row = with_many(system, sessions, rounds=given.rounds, seconds=given.seconds)
    print(f"{_line(row)}; took {time.monotonic() - begun:.0f} s", flush=True)
    return row


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['system']} on {row['store']}, {row['sessions']:,} sessions: {row['what']},"
        f" p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms, {row['per_second']:,.0f}/s,"
        f" processor {row['processor_us']:,.0f} µs, {row['rows']:,} rows, {row['bytes']:,} bytes"
    )


def _told(left: dict[str, Any]) -> dict[str, Any]:
    what = left.get("none") or f"{left['rows']:,} rows, {left['bytes']:,} bytes"
    print(f"{left['system']}, {REFRESHES:,} refreshes of one session: {what}", flush=True)
    return left


if __name__ == "__main__":
    main()
