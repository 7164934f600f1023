"""Sign-ins with every system, each with the hashing of passwords that it comes with."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from benchmarks import sessions
from benchmarks.comparisons import Comparison, Found, Row
from benchmarks.field import HASHING_CLIENTS
from benchmarks.turns import in_turn, processor, rates

if TYPE_CHECKING:
    from benchmarks.field import Field, System
    from benchmarks.load import Script
    from benchmarks.peers.peer import Peer
    from benchmarks.sizes import Sizes

TOLD = (
    f"{HASHING_CLIENTS} clients sign in without pause. Nearly all of it is the password's hash,"
    " which is slow on purpose: the figures say what each hash costs the server, and not which"
    " system is the better one."
    " Limits on how often one may try, which Admit and better-auth have, are off."
)


def measure(sizes: Sizes, field: Field) -> Found:
    found = in_turn(
        field.systems(),
        {"sign-in": _signing_in},
        rounds=sizes.sign_in_rounds,
        seconds=sizes.sign_in_seconds,
        warm=True,  # who was registered was hashed
    )

    def row(peer: Peer) -> Row:
        rounds = found[peer.name]["sign-in"]
        beside = {"processor time": processor(rounds)}
        return Row(system=peer.name, rounds=rates(rounds), beside=beside, note=peer.hashing)

    comparison = Comparison(
        topic="signing_in",
        title="Signing in over HTTP",
        unit="/s",
        better="higher",
        told=TOLD,
        rows=field.rows(row),
    )
    return Found(comparisons=[comparison])


def _signing_in(system: System) -> list[Script]:
    people = cycle(system.people)
    return [sessions.signing_in(system.peer.speech, people) for _ in range(HASHING_CLIENTS)]
