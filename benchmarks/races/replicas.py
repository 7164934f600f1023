"""Replicas that are behind: one that takes over, and one that is read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.races.thieves import judge
from benchmarks.races.trial import STAYS, THIEF, Scenario

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


async def _lagging(trial: Trial) -> AsyncGenerator[Step, None]:
    yield "read from a copy"
    thief = trial.owner.stolen()
    await trial.owner.renew()
    yield trial.system.past_grace
    await thief.renew()
    yield "copy"
    yield trial.system.ordinary
    await trial.owner.renew()
    await judge(trial, thief)


def _has_no_database(peer: Peer) -> str:
    return "" if peer.database else "keeps its sessions in memory: a restart ends or forgets them"


def _reads_from_none(peer: Peer) -> str:
    return "" if peer.start_reading else "reads from no replica, and has no way of its own to"


REPLICAS = (
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
    Scenario(
        name="replica that lags",
        told=(
            "The system reads from a replica, in the way that it documents; the owner refreshes,"
            " and before the replica has heard of it a thief comes with the parent; then it catches"
            " up, and both come back."
        ),
        kind="thief",
        play=_lagging,
        counted=THIEF,
        none=_reads_from_none,
        restarts=True,
    ),
)
