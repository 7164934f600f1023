"""Honest clients that are unlucky: whoever is signed out here did nothing wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.races.system import takes_retry_key
from benchmarks.races.trial import STAYS, Scenario, has_no_refresh

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.peers.peer import Peer
    from benchmarks.races.trial import Step, Trial

UNDER_WAY = 0.3
"""For how much of the grace an answer is under way where answers are reordered."""


async def _two_tabs(trial: Trial) -> AsyncGenerator[Step, None]:
    await trial.owner.in_tabs(trial.delays(2))
    yield trial.system.past_grace
    await trial.owner_stays()


async def _six_requests(trial: Trial) -> AsyncGenerator[Step, None]:
    await trial.owner.in_tabs(trial.delays(6))
    yield trial.system.past_grace
    await trial.owner_stays()


async def _lost(trial: Trial) -> AsyncGenerator[Step, None]:
    sent = trial.system.now()
    await trial.owner.hear()  # and it never arrives
    yield 1.0
    trial.still_within_grace(sent)
    await trial.owner.renew()
    yield trial.system.past_grace
    await trial.owner_stays()


async def _lost_for_long(trial: Trial) -> AsyncGenerator[Step, None]:
    await trial.owner.hear()
    yield trial.system.past_grace
    await trial.owner.renew()
    yield trial.system.past_grace
    await trial.owner_stays()


async def _lost_for_long_with_key(trial: Trial) -> AsyncGenerator[Step, None]:
    key = f"{trial.random.getrandbits(128):032x}"
    await trial.owner.hear(key)
    yield trial.system.past_grace
    await trial.owner.renew(key)
    yield trial.system.past_grace
    await trial.owner_stays()


async def _reordered(trial: Trial) -> AsyncGenerator[Step, None]:
    sent = trial.system.now()
    late = await trial.owner.hear()
    yield UNDER_WAY * trial.system.grace
    tabs = [await trial.owner.hear() for _ in range(trial.random.randint(1, 3))]
    trial.still_within_grace(sent)
    for answer in reversed(tabs):
        trial.owner.arrives(answer)
    if trial.random.random() < 0.5:
        await trial.owner.renew()
    trial.still_within_grace(sent)
    trial.owner.arrives(late)
    yield trial.system.past_grace
    await trial.owner_stays()


def _takes_no_key(peer: Peer) -> str:
    if none := has_no_refresh(peer):
        return none
    return "" if takes_retry_key(peer) else "has no retry key: see the same without one"


def _without_key(peer: Peer) -> str:
    if has_no_refresh(peer) or not takes_retry_key(peer):
        return ""
    return (
        "its clients send a retry key; this one sent none, and then what comes back after the grace"
        " can't be told from a thief: the law's limit"
    )


HONEST = (
    Scenario(
        name="two tabs",
        told="Two tabs refresh at once with the token that they share.",
        kind="honest",
        play=_two_tabs,
        counted=STAYS,
        none=has_no_refresh,
    ),
    Scenario(
        name="six requests",
        told="Six requests, each of which found the access token expired, refresh at once.",
        kind="honest",
        play=_six_requests,
        counted=STAYS,
        none=has_no_refresh,
    ),
    Scenario(
        name="lost answer, 1 s",
        told="The answer to a refresh is lost, and the client tries again after 1 s.",
        kind="honest",
        play=_lost,
        counted=STAYS,
        none=has_no_refresh,
    ),
    Scenario(
        name="lost answer, past the grace",
        told=(
            "The answer to a refresh is lost, and the client tries again when the system's own"
            " grace is over, without a retry key."
        ),
        kind="honest",
        play=_lost_for_long,
        counted=STAYS,
        none=has_no_refresh,
        note=_without_key,
    ),
    Scenario(
        name="lost answer, past the grace, retry key",
        told="The same, and both tries carry the same retry key.",
        kind="honest",
        play=_lost_for_long_with_key,
        counted=STAYS,
        none=_takes_no_key,
    ),
    Scenario(
        name="reordered answers",
        told=(
            "Two to four tabs refresh with the same token; the answers arrive the other way round,"
            " and half the time a tab has refreshed again before the first one's arrives."
        ),
        kind="honest",
        play=_reordered,
        counted=STAYS,
        none=has_no_refresh,
    ),
)
