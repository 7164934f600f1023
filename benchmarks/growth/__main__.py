"""`python -m benchmarks.growth [SYSTEM …] [--most N] [--json FILE]`: what many sessions cost."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from benchmarks.growth.figures import left_behind, with_many
from benchmarks.growth.systems import GROWING, why_not
from benchmarks.machine import libraries, machine
from benchmarks.peers import PEERS
from benchmarks.processes import clearing_up
from benchmarks.report import head, target

if TYPE_CHECKING:
    from benchmarks.growth.growing import Growing
    from benchmarks.peers.peer import Peer

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
REFRESHES = 1_000
MOST, QUICK_MOST = 1_000_000, 10_000
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS, QUICK_SECONDS = 2.0, 0.2


def main() -> None:
    clearing_up()
    given = _arguments()
    sizes = [size for size in SIZES if given.least <= size <= given.most]
    run = _what(given, sizes)
    print(f"{machine()}\n{libraries()}\n{run}\n", flush=True)
    told = head(PEERS, run) | _measured(_chosen(given.systems), sizes, given)
    if given.json:
        if given.add:
            told = added(json.loads(given.json.read_bytes()), told)
        text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        given.json.write_text(text, encoding="utf-8")


def added(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Both results as one; what both have is the later one's."""
    both: dict[str, Any] = {}
    for part, keys in (
        ("refresh_at", ("system", "store", "sessions")),
        ("thousand_refreshes", ("system",)),
    ):
        rows = [*before[part], *after[part]]
        both[part] = list({tuple(map(row.get, keys)): row for row in rows}.values())
    return after | both | {"run": f"{before['run']} (commit {before['commit']}); {after['run']}"}


def _measured(peers: list[Peer], sizes: list[int], given: argparse.Namespace) -> dict[str, Any]:
    without = {peer.name: reason for peer in peers if (reason := why_not(peer))}
    names = {peer.name for peer in peers} - without.keys()
    systems = [each for each in GROWING if each.peer.name in names]
    refreshes = [_with_many(system, size, given) for size in sizes for system in systems]
    refreshes += [{"system": name, "none": reason} for name, reason in without.items()]
    leftovers = [_told(left_behind(peer, REFRESHES)) for peer in peers]
    return {"refresh_at": refreshes, "thousand_refreshes": leftovers}


def _chosen(names: list[str]) -> list[Peer]:
    """Those whose name has one of these in it; all where there is none."""
    asked = [name.lower() for name in names]
    return [peer for peer in PEERS if not asked or any(name in peer.name.lower() for name in asked)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help="a part of a name; all else")
    parser.add_argument("--least", type=int, metavar="N", help="sessions at least")
    parser.add_argument("--most", type=int, metavar="N", help="sessions at most: 10000000 for all")
    parser.add_argument("--quick", action="store_true", help="a quick look, at the two fewest")
    parser.add_argument("--json", type=target, metavar="FILE", help="write the figures there too")
    parser.add_argument("--add", action="store_true", help="to those that FILE has already")
    given = parser.parse_args()
    given.least = given.least or SIZES[0]
    given.most = given.most or (QUICK_MOST if given.quick else MOST)
    given.rounds = QUICK_ROUNDS if given.quick else ROUNDS
    given.seconds = QUICK_SECONDS if given.quick else SECONDS
    if not any(given.least <= size <= given.most for size in SIZES):
        parser.error(f"the sizes are {', '.join(f'{size:,}' for size in SIZES)}")
    if not _chosen(given.systems):
        parser.error(f"none of these systems; there are {', '.join(each.name for each in PEERS)}")
    if given.add and not (given.json and given.json.exists()):
        parser.error("--add needs --json with a file that is there")
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
