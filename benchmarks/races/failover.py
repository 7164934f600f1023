"""A failover to a standby that had not heard of the last writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.races.trial import STAYS, Scenario

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.peers.peer import Peer
    from benchmarks.races.trial import Step, Trial

LOST = 3
"""So many refreshes of each session."""


async def _failover(trial: Trial) -> AsyncGenerator[Step, None]:
    yield "copy"
    for _ in range(LOST):
        yield trial.system.past_grace
        await trial.owner.renew()
    yield "fail over"
    await trial.owner_stays()


def _has_no_database(peer: Peer) -> str:
    return "" if peer.database else "keeps its sessions in memory: a restart ends or forgets them"


FAILOVER = (
    Scenario(
        name="failover",
        told=(
            "The server starts again on a copy of its database that has lost the last three"
            " refreshes of each session; the owner comes with the newest token, then one of those"
            " that it had used up is tried."
        ),
        kind="honest",
        play=_failover,
        counted=STAYS,
        none=_has_no_database,
        restarts=True,
    ),
)
