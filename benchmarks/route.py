"""A guarded route beside the unguarded hello of the same app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scripts
from benchmarks.figures import Figure, at_least, ratios, shown
from benchmarks.load import Load, Script, drive
from benchmarks.servers import embedding

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

CONNECTIONS = 16
TOKENS = 64


def measure(sizes: Sizes) -> list[Figure]:
    hello, guarded = [], []
    with embedding(users=4, sessions=TOKENS) as server:
        tokens = [each.access_token for each in server.tokens]

        def rate(script: Script, *others: Script) -> float:
            (outcome,) = drive(
                Load(port=server.port, scripts=[script, *others], seconds=sizes.seconds)
            )
            return outcome.per_second

        for _ in range(sizes.rounds + 1):
            hello.append(rate(*(scripts.hello() for _ in range(CONNECTIONS))))
            # Each connection starts with another token, so that all of them are in use at once.
            guarded.append(
                rate(
                    *(
                        scripts.guarded("/guarded", tokens[start:] + tokens[:start])
                        for start in range(0, TOKENS, TOKENS // CONNECTIONS)
                    )
                )
            )
    del hello[0], guarded[0]  # the first round warms up
    return [
        shown("route: hello", "/s", hello),
        shown("route: guarded", "/s", guarded),
        at_least("route: guarded, in proportion to hello", "", ratios(guarded, hello), 0.8),
    ]
