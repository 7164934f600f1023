"""The server's memory over many sign-ins and refreshes: at the start, in the middle, at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import urlopen

from benchmarks import scripts
from benchmarks.figures import Figure, at_most, shown
from benchmarks.load import Load, drive
from benchmarks.servers import admit_serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.load import Script
    from benchmarks.servers import Server
    from benchmarks.sizes import Sizes

CONNECTIONS = 16
USERS = 32
MOST_MB = 90
NOISE_MB = 1
"""What an allocator may differ by without anything having grown."""
LONGEST_SECONDS = 3_600.0


def measure(sizes: Sizes) -> list[Figure]:
    with admit_serve(users=USERS, sessions=0) as server:
        # The port is open before the process that serves has loaded what it needs.
        urlopen(f"http://127.0.0.1:{server.port}/readyz").close()
        start = server.memory()
        if not start:
            print("memory: only measured on Linux")
            return []
        _half(server, sizes)
        middle = server.memory()
        _half(server, sizes)
        end = server.memory()
    done = f"{sizes.sign_ins:,} sign-ins and {sizes.refreshes:,} refreshes"
    growth = end["VmRSS"] - middle["VmRSS"]
    return [
        shown("memory: at the start", " MB", [start["VmRSS"]]),
        shown("memory: half-way", " MB", [middle["VmRSS"]]),
        at_most(f"memory: after {done}", " MB", [end["VmRSS"]], MOST_MB),
        at_most("memory: growth over the second half", " MB", [growth], NOISE_MB),
        shown("memory: the most there ever was", " MB", [end["VmHWM"]]),
    ]


def _half(server: Server, sizes: Sizes) -> None:
    """Half of the sign-ins, and each of their sessions refreshed as often as any other."""
    opened: list[str] = []
    numbers = (number % USERS for number in range(sizes.sign_ins // 2))
    _run(server, [scripts.signing_in(numbers, opened.append) for _ in range(CONNECTIONS)])
    tokens, times = iter(opened), sizes.refreshes // sizes.sign_ins
    _run(server, [_refreshing(tokens, times) for _ in range(CONNECTIONS)])


def _refreshing(tokens: Iterator[str], times: int) -> Script:
    """Whichever session is next, refreshed `times` times."""
    for token in tokens:
        newest = [token]
        for _ in range(times):
            newest.append(scripts.refreshed((yield scripts.refresh(newest.pop()))))


def _run(server: Server, clients: list[Script]) -> None:
    drive(Load(port=server.port, scripts=clients, seconds=LONGEST_SECONDS))
