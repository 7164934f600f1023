"""An API that refuses every token costs no refresh a request, and who is honest still recovers."""

import asyncio

import httpx
import pytest

from admit.client import FileTokens, SignedOut
from admit.client.refusals import PAUSE
from admit.errors import Unavailable
from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENT


def refuse(issuer, auth, *, of=None):
    """The status of a request to an API that refuses every token."""
    with httpx.Client(auth=auth, **PATIENT) as client:
        return client.get(f"{of or issuer.live.url}/refuse").status_code


def test_an_api_that_refuses_every_token_costs_one_refresh_in_each_pause(issuer):
    auth, device = issuer.signed_in()
    for tried in (1, 2, 3):
        assert [refuse(issuer, auth) for _ in range(5)] == [401] * 5
        assert len(issuer.line.refreshes) == tried
        issuer.passes(PAUSE, device)


@pytest.mark.anyio
async def test_a_hundred_tasks_that_are_all_refused_refresh_once(issuer):
    auth, _ = issuer.signed_in()
    url = f"{issuer.live.url}/refuse"
    async with httpx.AsyncClient(auth=auth, **PATIENT) as client:
        for _ in range(2):
            answers = await asyncio.gather(*(client.get(url) for _ in range(50)))
            assert {each.status_code for each in answers} == {401}
    assert len(issuer.line.refreshes) == 1


def test_processes_that_are_all_refused_share_their_pause(issuer, tmp_path):
    """What one of them had in place of a refused token is new to the others, and no reason."""
    auth, device = issuer.signed_in(FileTokens(tmp_path / "tokens"))
    other, _ = issuer.made(FileTokens(tmp_path / "tokens"), device)
    assert issuer.me(other) == 200
    for _ in range(3):
        assert [refuse(issuer, each) for each in (auth, other)] == [401, 401]
    assert len(issuer.line.refreshes) == 1


def test_a_token_that_another_process_had_meanwhile_is_tried_within_the_pause(issuer, tmp_path):
    auth, device = issuer.signed_in(FileTokens(tmp_path / "tokens"))
    assert refuse(issuer, auth) == 401
    other, _ = issuer.made(FileTokens(tmp_path / "tokens"), device)
    assert refuse(issuer, other) == 401
    issuer.line.refreshes.clear()
    issuer.line.seen.clear()
    assert refuse(issuer, auth) == 401
    assert [path for path, _ in issuer.line.seen] == ["/refuse", "/refuse"]


def test_what_one_api_refuses_says_nothing_about_another(issuer):
    """A token that is bad for both, as of a withdrawn key, is replaced at once."""
    auth, _ = issuer.signed_in(send_to=[elsewhere(issuer)])
    assert refuse(issuer, auth, of=elsewhere(issuer)) == 401
    issuer.passes(ACCESS_TTL + 60)
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 2


def test_two_apis_that_refuse_every_token_cost_one_refresh_each_in_each_pause(issuer):
    """What one of them had in place of a refused token is no news to the other."""
    auth, device = issuer.signed_in(send_to=[elsewhere(issuer)])
    for tried in (1, 2, 3):
        for _ in range(5):
            assert refuse(issuer, auth) == 401
            assert refuse(issuer, auth, of=elsewhere(issuer)) == 401
        assert len(issuer.line.refreshes) == 2 * tried
        issuer.passes(PAUSE, device)


def test_a_token_that_is_over_within_the_pause_is_refreshed(issuer):
    auth, device = issuer.signed_in()
    assert refuse(issuer, auth) == 401
    device.set_by = ACCESS_TTL  # it was asleep, and its steady clock with it
    issuer.passes(ACCESS_TTL)
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == 2


def test_a_token_that_was_refused_is_good_after_the_pause_at_the_latest(issuer):
    """It died at the server though the device could not know: one pause, and no more."""
    auth, device = issuer.signed_in()
    assert refuse(issuer, auth) == 401
    issuer.passes(ACCESS_TTL + 60)
    assert issuer.me(auth) == 401
    device.passed += PAUSE
    assert issuer.me(auth) == 200


def test_a_session_that_ended_is_told_after_the_pause_at_the_latest(issuer):
    auth, device = issuer.signed_in()
    other, _ = issuer.signed_in()
    assert refuse(issuer, auth) == 401
    issuer.client.post(f"{issuer.url}/logout/all", auth=other)
    assert issuer.me(auth) == 401
    device.passed += PAUSE
    with pytest.raises(SignedOut) as told:
        issuer.me(auth)
    assert told.value.reason == "signed_out"


def test_who_signs_in_anew_waits_for_no_pause(issuer):
    auth, _ = issuer.signed_in()
    assert refuse(issuer, auth) == 401
    auth.sign_in(LOGIN, PASSWORD)
    issuer.passes(ACCESS_TTL + 60)
    assert issuer.me(auth) == 200


def test_a_refresh_that_failed_is_no_reason_to_wait(issuer):
    auth, _ = issuer.signed_in(patience=0.0)
    issuer.line.instead = lambda: (503, {}, b"")
    for tried in (1, 2):
        with pytest.raises(Unavailable, match="503"):
            refuse(issuer, auth)
        assert len(issuer.line.refreshes) == tried


def elsewhere(issuer):
    """The same server under another name: another origin."""
    return issuer.live.url.replace("127.0.0.1", "localhost")
