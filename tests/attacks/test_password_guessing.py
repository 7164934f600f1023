"""Guessing passwords: one after the other, at once, and from many places."""

import asyncio
from collections import Counter

import httpx
import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio


async def sign_in(service, peer, password, login=EMAIL):
    transport = httpx.ASGITransport(service.auth.app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        body = {"login": login, "password": password, "delivery": "body"}
        return await client.post("/auth/login", json=body)


async def test_guesses_at_once_get_no_further_than_one_after_the_other(service):
    """An attempt that is under way counts: five are tried, whatever else comes."""
    await service.register()
    answers = await asyncio.gather(
        *(sign_in(service, "203.0.113.1", f"guess {n}") for n in range(30))
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [401] * 5 + [429] * 25
    refused(await sign_in(service, "203.0.113.1", "guess"), 429, "too_many_attempts")
    assert len(await service.auth.store.events(kind="sign_in_failed")) == 5


@pytest.mark.parametrize("at_once", [False, True])
async def test_guesses_at_once_from_many_places_get_no_further_either(serve, at_once):
    """The account's five, and one more from each address that had none of them: in any order."""
    async with serve(throttle_account="5/hour") as service:
        await service.register()
        peers = [f"203.0.113.{n % 4}" for n in range(20)]
        guesses = [sign_in(service, peer, "guess") for peer in peers]
        if at_once:
            answers = await asyncio.gather(*guesses)
        else:
            answers = [await guess for guess in guesses]
        pairs = zip(peers, answers, strict=True)
        tried = Counter(peer for peer, answer in pairs if answer.status_code == 401)
        fresh = tried.total() - 5
        assert 0 <= fresh <= sum(times == 1 for times in tried.values())
        if not at_once:  # the five came from all four of them
            assert fresh == 0


async def test_the_right_password_is_of_no_use_past_the_limit(service):
    """Or the limit would tell which guess was right."""
    await service.register()
    for _ in range(5):
        await sign_in(service, "203.0.113.1", "guess")
    refused(await sign_in(service, "203.0.113.1", PASSWORD), 429, "too_many_attempts")
    service.clock.advance(60)
    assert (await sign_in(service, "203.0.113.1", PASSWORD)).status_code == 200


async def test_the_owner_is_never_locked_out(serve):
    """A stranger guesses from everywhere until the account's limit: a fresh address still works."""
    async with serve(throttle_account="10/hour") as service:
        await service.register()
        for n in range(20):
            await sign_in(service, f"203.0.113.{n % 4}", f"guess {n}")
        assert (await sign_in(service, "203.0.113.1", PASSWORD)).status_code == 429
        for _ in range(3):  # and again: success costs nothing
            assert (await sign_in(service, "198.51.100.7", PASSWORD)).status_code == 200


async def test_past_the_accounts_limit_an_address_has_one_guess(serve):
    """A thousand addresses are a thousand guesses, not five thousand."""
    async with serve(throttle_account="10/hour") as service:
        await service.register()
        for n in range(10):
            await sign_in(service, f"203.0.113.{n}", "guess")
        statuses = [
            (await sign_in(service, f"198.51.100.{n}", "guess")).status_code
            for n in range(3)
            for _ in range(3)
        ]
        assert statuses == [401, 429, 429] * 3


async def test_one_address_is_limited_over_all_accounts(serve):
    """Spraying one password over many logins; success doesn't count."""
    async with serve(throttle_address="10/minute") as service:
        await service.register()
        for _ in range(12):
            assert (await sign_in(service, "203.0.113.1", PASSWORD)).status_code == 200
        statuses = [
            (await sign_in(service, "203.0.113.1", "guess", f"user{n}")).status_code
            for n in range(12)
        ]
        assert statuses == [401] * 10 + [429] * 2
        assert (await sign_in(service, "198.51.100.7", PASSWORD)).status_code == 200


async def test_the_long_limit_holds_after_the_short_one_is_over(serve):
    """Five a minute, ten an hour."""
    async with serve(throttle_login="5/minute;10/hour") as service:
        await service.register()
        for _ in range(2):
            for _ in range(5):
                assert (await sign_in(service, "203.0.113.1", "guess")).status_code == 401
            service.clock.advance(60)
        answer = await sign_in(service, "203.0.113.1", "guess")
        refused(answer, 429, "too_many_attempts")
        assert int(answer.headers["retry-after"]) == 3_600 - 120


async def test_the_current_password_cannot_be_guessed_with_a_stolen_access_token(service):
    """Five tries, wherever they come from."""
    await service.register()
    bearer = (await service.sign_in())["access_token"]
    answers = []
    for n in range(7):
        body = {"current_password": f"guess {n}", "new_password": "another horse battery"}
        answers.append(await service.send("POST", "/password", bearer=bearer, json=body))
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) == 60


async def test_registrations_are_limited_for_each_address(serve):
    """Good and bad ones: they cost a hash, and tell whether an address is taken."""
    async with serve(throttle_register="3/minute") as service:
        await service.register()
        body = {"email": EMAIL, "password": PASSWORD}
        for _ in range(2):
            refused(await service.send("POST", "/register", json=body), 409, "already_exists")
        answer = await service.send("POST", "/register", json=body)
        refused(answer, 429, "too_many_attempts")
        service.clock.advance(int(answer.headers["retry-after"]))
        await service.register("bob@example.com")


async def test_a_genuine_refresh_is_never_limited(serve):
    """However many refused ones, and forged ones, come from the same address."""
    async with serve(throttle_refresh="3/minute") as service:
        await service.register()
        dead, living = await service.sign_in(), await service.sign_in()
        await service.send("POST", "/logout", bearer=dead["access_token"])
        for token in (dead["refresh_token"], "a.b.c"):
            statuses = [(await service.refresh(token)).status_code for _ in range(5)]
            assert statuses == [401] * 3 + [429] * 2
        token = living["refresh_token"]
        for _ in range(20):
            token = (await service.refresh(token)).json()["refresh_token"]
            service.clock.advance(0.5)  # within the minute, while it rests and after


async def test_throttle_off_means_off(unthrottled):
    """For load tests."""
    await unthrottled.register()
    for n in range(8):
        answer = await unthrottled.send("POST", "/login", json={"login": EMAIL, "password": str(n)})
        refused(answer, 401, "invalid_credentials")
