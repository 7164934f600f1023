"""Thieves with a copy of what the owner held. Whoever goes on unnoticed is a harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.races.trial import THIEF, Scenario, has_no_refresh

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.peers.peer import Peer
    from benchmarks.races.browser import Browser
    from benchmarks.races.trial import Step, Trial

TURNS = 2
"""How often both come back, at ordinary intervals, before it is judged."""
LOCK_STEPS = 3


async def _before(trial: Trial) -> AsyncGenerator[Step, None]:
    thief = trial.owner.stolen()
    yield trial.system.ordinary
    await thief.renew()
    for _ in range(TURNS):
        yield trial.system.ordinary
        await trial.owner.renew()
        yield trial.system.ordinary
    await judge(trial, thief)


async def _after(trial: Trial) -> AsyncGenerator[Step, None]:
    thief = trial.owner.stolen()
    await trial.owner.renew()
    for _ in range(TURNS):
        yield trial.system.ordinary
        await thief.renew()
        yield trial.system.ordinary
        await trial.owner.renew()
    await judge(trial, thief)


async def _lock_step(trial: Trial) -> AsyncGenerator[Step, None]:
    thief, entered = trial.owner.stolen(), 0
    for _ in range(LOCK_STEPS):
        yield trial.system.ordinary
        sent = trial.system.now()
        await trial.owner.renew()
        entered += await thief.renew()
        trial.still_within_grace(sent)
    yield trial.system.ordinary
    await trial.owner.renew()
    yield trial.system.past_grace
    await thief.renew()
    yield trial.system.ordinary
    await trial.owner.renew()
    if not await judge(trial, thief):
        trial.counts.thieves_in_window += entered == LOCK_STEPS


async def judge(trial: Trial, thief: Browser) -> bool:
    """Let the thief come once more, and count; whether the thief can go on."""
    counts, owner = trial.counts, trial.owner
    goes_on = await thief.goes_on()
    counts.thieves_in += goes_on
    counts.thieves_unnoticed += goes_on and not owner.refusals
    counts.false_sign_outs += goes_on and not owner.inside
    return goes_on


def _stolen(peer: Peer) -> str:
    if "refresh" in peer.lacks:
        return "has no refresh token: the thief has the session's own, and enters with it"
    return ""


THIEVES = (
    Scenario(
        name="thief before the owner",
        told=(
            "A thief exchanges a copy of the refresh token before its owner does; both come back"
            " twice at ordinary intervals."
        ),
        kind="thief",
        play=_before,
        counted=THIEF,
        note=_stolen,
    ),
    Scenario(
        name="thief after the owner",
        told=(
            "A thief comes with the parent of the owner's token, later than the grace; both come"
            " back twice."
        ),
        kind="thief",
        play=_after,
        counted=THIEF,
        none=has_no_refresh,
    ),
    Scenario(
        name="thief in lock-step",
        told=(
            "A thief comes right after each of the owner's refreshes, three times, within the grace"
            " if there is one; the fourth time later than the grace."
        ),
        kind="thief",
        play=_lock_step,
        counted=THIEF | {"thieves_in_window"},
        none=has_no_refresh,
    ),
)
