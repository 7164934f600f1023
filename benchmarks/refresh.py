"""Refreshing on the command's own server, in proportion to the hello of a bare app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scripts
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import CONNECTIONS, Round, round_of
from benchmarks.servers import admit_serve, embedding

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sizes import Sizes

GOAL = 3_000 / 20_000
"""Refreshes for each hello."""


def measure(sizes: Sizes) -> list[Figure]:
    hello: list[Round] = []
    refresh: list[Round] = []
    with (
        embedding(users=1, sessions=0) as bare,
        admit_serve(users=CONNECTIONS, sessions=CONNECTIONS) as server,
    ):
        newest = [each.refresh_token for each in server.tokens]
        for _ in range(sizes.rounds + 1):
            greeting = [scripts.hello() for _ in range(CONNECTIONS)]
            hello.append(round_of(bare, greeting, sizes.seconds))
            refreshing = [
                scripts.refreshing(token, _into(newest, slot)) for slot, token in enumerate(newest)
            ]
            refresh.append(round_of(server, refreshing, sizes.seconds))
    del hello[0], refresh[0]  # the first round warms up
    rates = [[each.per_second for each in rounds] for rounds in (hello, refresh)]
    spent = [[each.processor for each in rounds] for rounds in (hello, refresh)]
    return [
        shown("refresh: hello", "/s", rates[0]),
        shown("refresh: 16 connections, SQLite, synchronous=FULL", "/s", rates[1]),
        at_least("refresh: in proportion to hello", "", ratios(rates[1], rates[0]), GOAL),
        shown("refresh: p99", " ms", [each.p99 for each in refresh]),
        shown("refresh: hello, the server's processor time", " µs", spent[0]),
        shown("refresh: the server's processor time", " µs", spent[1]),
    ]


def _into(newest: list[str], slot: int) -> Callable[[str], None]:
    """Keeps the session's newest token, with which the next round goes on."""

    def keep(token: str) -> None:
        newest[slot] = token

    return keep
