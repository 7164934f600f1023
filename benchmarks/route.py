"""A guarded route beside the unguarded hello of the same app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scripts
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.rounds import CONNECTIONS, Round, round_of
from benchmarks.servers import embedding

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

TOKENS = 64
GOAL = 0.8


def measure(sizes: Sizes) -> list[Figure]:
    hello: list[Round] = []
    guarded: list[Round] = []
    with embedding(users=4, sessions=TOKENS) as server:
        tokens = [each.access_token for each in server.tokens]
        # Each connection starts with another token, so that all of them are in use at once.
        starts = range(0, TOKENS, TOKENS // CONNECTIONS)
        for _ in range(sizes.rounds + 1):
            greeting = [scripts.hello() for _ in range(CONNECTIONS)]
            hello.append(round_of(server, greeting, sizes.seconds))
            calling = [
                scripts.guarded("/guarded", tokens[start:] + tokens[:start]) for start in starts
            ]
            guarded.append(round_of(server, calling, sizes.seconds))
    del hello[0], guarded[0]  # the first round warms up
    rates = [[each.per_second for each in rounds] for rounds in (hello, guarded)]
    spent = [[each.processor for each in rounds] for rounds in (hello, guarded)]
    return [
        shown("route: hello", "/s", rates[0]),
        shown("route: guarded", "/s", rates[1]),
        at_least("route: guarded, in proportion to hello", "", ratios(rates[1], rates[0]), GOAL),
        shown("route: hello, the server's processor time", " µs", spent[0]),
        shown("route: guarded, the server's processor time", " µs", spent[1]),
    ]
