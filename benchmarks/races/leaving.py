"""A session that should be over, while somebody refreshes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.races.lines import Send
from benchmarks.races.system import in_trouble
from benchmarks.races.trial import Scenario

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.peers.peer import Answer, Peer, Tokens
    from benchmarks.races.browser import Browser
    from benchmarks.races.trial import Step, Trial


async def _logout(trial: Trial) -> AsyncGenerator[Step, None]:
    before = trial.owner.held
    first, second = trial.delays(2)
    leave = trial.system.speech.sign_out(before)
    *_, left = await trial.at_once(
        [
            Send(trial.system.renewal(before), first, trial.owner.arrives),
            Send(leave, second, _ignored),
        ]
    )
    left = await trial.insist(leave, left)
    trial.counts.refused += left.status // 100 != 2
    yield trial.system.past_grace
    trial.counts.outlived += await _goes_on(trial, trial.owner, before)


async def _password(trial: Trial) -> AsyncGenerator[Step, None]:
    speech, own, device = trial.system.speech, trial.owner, trial.other
    others = device.held
    new = f"another horse battery staple {trial.random.getrandbits(32):08x}"
    change = speech.change_password(own.held, trial.person, new)
    first, second, third = trial.delays(3)

    def changed(answer: Answer) -> None:
        if not in_trouble(answer):
            own.keep(answer)
        if answer.status // 100 == 2:
            trial.new_password = new

    _, told, _ = await trial.at_once(
        [
            Send(trial.system.renewal(own.held), first, own.arrives),
            Send(change, second, changed),
            Send(trial.system.renewal(others), third, device.arrives),
        ]
    )
    if in_trouble(told):
        changed(await trial.insist(change, told))
    own.refusals += not trial.new_password
    yield trial.system.past_grace
    await trial.owner_goes_on()
    if trial.new_password:
        trial.counts.outlived += await _goes_on(trial, device, others)


async def _goes_on(trial: Trial, browser: Browser, before: Tokens) -> bool:
    """Whether anything that it held can still be used."""
    if not trial.system.refreshes:
        return await browser.enters()
    return await trial.any_taken(dict.fromkeys([*reversed(browser.given), before.refresh]))


def _ignored(_: Answer) -> None:
    """Nobody waits for it: the person has left."""


def _has_no_sign_out(peer: Peer) -> str:
    return peer.lacks.get("sign_out", "")


def _has_no_change(peer: Peer) -> str:
    return peer.lacks.get("change_password", "")


def _by_session(peer: Peer) -> str:
    if "refresh" in peer.lacks:
        return "has no refresh token: what is presented is the session's own, to a protected route"
    return ""


LEAVING = (
    Scenario(
        name="refresh and logout",
        told=(
            "A tab refreshes while another signs out; counted is a session that can be refreshed"
            " after, and a sign-out that is refused."
        ),
        kind="honest",
        play=_logout,
        counted=frozenset({"outlived", "refused", "not_concerned_ended"}),
        none=_has_no_sign_out,
        note=_by_session,
    ),
    Scenario(
        name="refresh and password change",
        told=(
            "A tab refreshes while another changes the password and a second device refreshes;"
            " who changed it stays, and the second device's session is over."
        ),
        kind="honest",
        play=_password,
        counted=frozenset({"outlived", "false_sign_outs", "refused"}),
        none=_has_no_change,
        note=_by_session,
        concerns_all=True,
    ),
)
