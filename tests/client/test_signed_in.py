"""Who signed in stays signed in, in both colours of code."""

import asyncio
import threading

import httpx
import pytest

from admit.client import MemoryTokens, SignedOut
from admit.client.clocks import MARGIN
from admit.errors import InvalidCredentials, InvalidInput
from tests.client.issuer import ACCESS_TTL, LOGIN, PASSWORD, PATIENCE, PATIENT, stored

DAY = 86_400


def test_signs_in_asks_and_signs_out(issuer):
    tokens = MemoryTokens()
    auth, _ = issuer.made(tokens, user_agent="mytool/1.0")
    with httpx.Client(auth=auth, base_url=issuer.url, **PATIENT) as client:
        with pytest.raises(SignedOut) as nobody:
            client.get("/me")
        assert nobody.value.reason is None

        auth.sign_in(LOGIN, PASSWORD)
        assert client.get("/me").json()["user"]["email"] == LOGIN
        (mine,) = [each for each in client.get("/sessions").json()["sessions"] if each["current"]]
        assert mine["user_agent"] == "mytool/1.0"

        refresh_token = stored(tokens)["refresh_token"]
        assert auth.sign_out()
        with pytest.raises(SignedOut) as gone:
            client.get("/me")
    assert gone.value.reason == "signed_out"
    assert tokens.read() is None
    assert issuer.refresh(refresh_token)["reason"] == "signed_out"


@pytest.mark.anyio
async def test_signs_in_asks_and_signs_out_in_tasks(issuer):
    auth, device = issuer.made(MemoryTokens())
    await auth.sign_in_async(LOGIN, PASSWORD)
    async with httpx.AsyncClient(auth=auth, base_url=issuer.url, **PATIENT) as client:
        assert (await client.get("/me")).status_code == 200
        issuer.passes(ACCESS_TTL, device)
        assert (await client.get("/me")).status_code == 200
        assert len(issuer.line.refreshes) == 1
        assert await auth.sign_out_async()
        with pytest.raises(SignedOut):
            await client.get("/me")


def test_a_wrong_password_is_told_and_keeps_who_was_signed_in(issuer):
    auth, _ = issuer.signed_in()
    with pytest.raises(InvalidCredentials):
        auth.sign_in(LOGIN, "not the password")
    assert issuer.me(auth) == 200


def test_a_password_that_is_no_text_is_told_and_not_shown(issuer):
    auth, _ = issuer.made(MemoryTokens())
    with pytest.raises(InvalidInput) as refused:
        auth.sign_in(LOGIN, f"{PASSWORD}\udce9")
    assert refused.value.fields == {"password": "text that UTF-8 can carry"}
    assert refused.value.__context__ is None


def test_another_sign_in_ends_the_session_that_was_kept(issuer):
    tokens = MemoryTokens()
    auth, _ = issuer.signed_in(tokens)
    former = stored(tokens)["refresh_token"]
    auth.sign_in("noa@example.com", PASSWORD)
    with httpx.Client(auth=auth, **PATIENT) as client:
        assert client.get(f"{issuer.url}/me").json()["user"]["email"] == "noa@example.com"
    assert issuer.refresh(former)["reason"] == "signed_out"


def test_refreshes_before_the_token_expires(issuer):
    """No request is refused on the way, and none is made before it has to be."""
    auth, device = issuer.signed_in()
    for _ in range(3):
        issuer.passes(ACCESS_TTL - MARGIN - 60, device)
        issuer.line.refreshes.clear()
        assert issuer.me(auth) == 200
        assert issuer.line.refreshes == []

        issuer.passes(61, device)
        issuer.line.seen.clear()
        assert issuer.me(auth) == 200
        assert [path for path, _ in issuer.line.seen] == ["/auth/refresh", "/auth/me"]


def test_every_refresh_has_a_key_of_its_own(issuer):
    auth, device = issuer.signed_in()
    for _ in range(2):
        issuer.passes(ACCESS_TTL, device)
        assert issuer.me(auth) == 200
    first, second = issuer.line.refreshes
    assert first
    assert second
    assert first != second


def test_a_refused_token_is_refreshed_and_the_request_repeated_once(issuer):
    """The device did not see that time passed: it was asleep, or its clock is wrong."""
    auth, _ = issuer.signed_in()
    issuer.passes(ACCESS_TTL + 60)
    issuer.line.seen.clear()
    body = {"current_password": "not this one", "new_password": PASSWORD}
    with httpx.Client(auth=auth, **PATIENT) as client:
        answer = client.post(f"{issuer.url}/password", json=body)
    assert answer.json()["code"] == "invalid_credentials"
    paths = [path for path, _ in issuer.line.seen]
    assert paths == ["/auth/password", "/auth/refresh", "/auth/password"]


def test_what_a_redirect_says_was_done_is_not_done_again(issuer):
    """POST, 303, GET: the 401 is the answer to the last one alone."""
    auth, _ = issuer.signed_in()
    issuer.line.seen.clear()
    with httpx.Client(auth=auth, follow_redirects=True, **PATIENT) as client:
        assert client.post(f"{issuer.live.url}/done?/refuse").status_code == 401
    assert [path for path, _ in issuer.line.seen] == ["/done", "/refuse"]


def test_a_streamed_body_is_not_sent_again_but_the_next_request_goes_well(issuer, caplog):
    auth, _ = issuer.signed_in()
    issuer.passes(ACCESS_TTL + 60)
    headers = {"Content-Type": "application/json"}
    with httpx.Client(auth=auth, **PATIENT) as client:
        parts = iter([b'{"current_password": "x", ', b'"new_password": "y"}'])
        answer = client.post(f"{issuer.url}/password?q=1", content=parts, headers=headers)
        assert answer.json()["code"] == "invalid_token"
        assert "is a stream and can't be sent again" in caplog.text
        assert "q=1" not in caplog.text
        assert client.get(f"{issuer.url}/me").status_code == 200
    assert len(issuer.line.refreshes) == 1


@pytest.mark.parametrize("noticed", [True, False], ids=["before it is sent", "at 401"])
def test_a_hundred_threads_refresh_once(issuer, noticed):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL + 60, *([device] if noticed else []))
    together = threading.Barrier(100)
    statuses = []

    def ask():
        together.wait(PATIENCE)
        statuses.append(issuer.me(auth))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
    assert len(issuer.line.refreshes) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("noticed", [True, False], ids=["before it is sent", "at 401"])
async def test_a_hundred_tasks_refresh_once(issuer, noticed):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL + 60, *([device] if noticed else []))
    async with httpx.AsyncClient(auth=auth, **PATIENT) as client:
        answers = await asyncio.gather(*(client.get(f"{issuer.url}/me") for _ in range(100)))
    assert [each.status_code for each in answers] == [200] * 100
    assert len(issuer.line.refreshes) == 1


def test_one_auth_serves_threads_and_several_loops_at_once(issuer):
    auth, device = issuer.signed_in()
    issuer.passes(ACCESS_TTL + 60, device)
    together = threading.Barrier(4)
    statuses = []

    async def ask():
        async with httpx.AsyncClient(auth=auth, **PATIENT) as client:
            statuses.append((await client.get(f"{issuer.url}/me")).status_code)

    def in_a_loop():
        together.wait(PATIENCE)
        asyncio.run(ask())

    def in_a_thread():
        together.wait(PATIENCE)
        statuses.append(issuer.me(auth))

    threads = [threading.Thread(target=each) for each in (in_a_loop, in_a_thread) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert len(issuer.line.refreshes) == 1


@pytest.mark.parametrize("wrong_by", [-DAY, DAY], ids=["behind", "ahead"])
def test_a_clock_that_is_wrong_all_the_time_changes_nothing(issuer, wrong_by):
    tokens = MemoryTokens()
    auth, device = issuer.made(tokens)
    device.set_by = wrong_by
    auth.sign_in(LOGIN, PASSWORD)
    assert issuer.me(auth) == 200
    again, _ = issuer.made(tokens, device)
    assert issuer.me(again) == 200
    assert issuer.line.refreshes == []


@pytest.mark.parametrize(("set_by", "extra"), [(-DAY, 0), (DAY, 1)], ids=["back", "ahead"])
def test_a_clock_that_is_set_costs_a_refresh_at_most(issuer, set_by, extra):
    auth, device = issuer.signed_in()
    device.set_by = set_by
    assert issuer.me(auth) == 200
    assert issuer.me(auth) == 200
    assert len(issuer.line.refreshes) == extra


@pytest.mark.parametrize("set_by", [-DAY, DAY], ids=["back", "ahead"])
def test_a_clock_that_is_set_between_two_runs_costs_one_refresh(issuer, set_by):
    tokens = MemoryTokens()
    _, device = issuer.signed_in(tokens)
    device.set_by = set_by
    again, _ = issuer.made(tokens, device)
    assert issuer.me(again) == 200
    assert issuer.me(again) == 200
    assert len(issuer.line.refreshes) == 1


def test_a_clock_that_is_set_back_does_not_make_an_old_token_young(issuer):
    auth, device = issuer.signed_in()
    device.set_by = -DAY
    issuer.passes(ACCESS_TTL, device)
    issuer.line.seen.clear()
    assert issuer.me(auth) == 200
    assert [path for path, _ in issuer.line.seen] == ["/auth/refresh", "/auth/me"]
