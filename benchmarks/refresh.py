"""Refreshing on the command's own server, in proportion to the hello of a bare app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scripts
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.load import Load, drive
from benchmarks.servers import admit_serve, embedding

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

CONNECTIONS = 16
GOAL = 3_000 / 20_000
"""Refreshes for each hello."""


def measure(sizes: Sizes) -> list[Figure]:
    hello, refresh, slow = [], [], []
    with (
        embedding(users=1, sessions=0) as bare,
        admit_serve(users=CONNECTIONS, sessions=CONNECTIONS) as server,
    ):
        newest = [each.refresh_token for each in server.tokens]

        def keep(slot: int) -> Callable[[str], None]:
            return lambda token: newest.__setitem__(slot, token)

        for _ in range(sizes.rounds + 1):
            greeting = [scripts.hello() for _ in range(CONNECTIONS)]
            (said,) = drive(Load(port=bare.port, scripts=greeting, seconds=sizes.seconds))
            refreshing = [
                scripts.refreshing(token, keep(slot)) for slot, token in enumerate(newest)
            ]
            (done,) = drive(Load(port=server.port, scripts=refreshing, seconds=sizes.seconds))
            hello.append(said.per_second)
            refresh.append(done.per_second)
            slow.append(done.percentile(99))
    del hello[0], refresh[0], slow[0]  # the first round warms up
    return [
        shown("refresh: hello", "/s", hello),
        shown("refresh: 16 connections, SQLite, synchronous=FULL", "/s", refresh),
        shown("refresh: p99", " ms", slow),
        at_least("refresh: in proportion to hello", "", ratios(refresh, hello), GOAL),
    ]
