"""The feed in the wrong hands: keys that are guessed or leak, cursors made up, polls that flood."""

import asyncio
import logging
from hmac import compare_digest

import pytest

from admit.http import credentials
from admit.http import feed as room
from admit.testing.http_caller import refused
from admit.testing.http_revocations import FEED, FORMER, KEY, ended, feed, read, subjects

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(serve):
    async with serve(verifier_keys=f"{KEY},{FORMER}", throttle="off") as service:
        await service.register()
        yield service


async def test_guessing_tells_nothing_and_every_key_is_compared(service, monkeypatch):
    """Whatever is presented, as many digests of one length are compared, in constant time."""
    compared = []

    def counted(one, other):
        compared.append((len(one), len(other)))
        return compare_digest(one, other)

    monkeypatch.setattr(credentials, "compare_digest", counted)
    texts = set()
    for guess in ("", "x", KEY[:-1], KEY, FORMER, KEY + "x", "x" * 60_000, "\xff" * 40):
        headers = [("Authorization", f"Bearer {guess}x".encode("latin-1"))]
        answer = await service.send("GET", FEED, headers=headers)
        refused(answer, 401, "invalid_token")
        texts.add(answer.text)
    assert len(texts) == 1
    assert (await service.send("GET", FEED, bearer=KEY)).status_code == 200
    assert compared == [(32, 32)] * 2 * 9


async def test_a_users_token_is_no_key_and_a_key_no_users_token(service):
    tokens = await service.sign_in()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        refused(await service.send("GET", FEED, bearer=token), 401, "invalid_token")
    cookies = {service.refresh_cookie: KEY, service.access_cookie: KEY}
    refused(await service.send("GET", FEED, cookies=cookies), 401, "unauthenticated")
    refused(await service.send("GET", "/me", bearer=KEY), 401, "invalid_token")


async def test_a_key_in_the_address_opens_nothing_and_is_not_repeated(service, caplog):
    """Addresses end up in logs."""
    with caplog.at_level(logging.DEBUG, "admit"):  # what httpx logs here is the test's own
        for name in ("key", "access_token", "token", "authorization", "after", "wait"):
            answer = await service.send("GET", f"{FEED}?{name}={KEY}")
            refused(answer, 401, "unauthenticated")
            assert KEY not in (await read(service, f"?{name}={KEY}")).text
    ours = [each for each in caplog.records if each.name.startswith("admit")]
    assert not [each for each in ours if KEY in each.getMessage()]


async def test_the_service_prints_no_key(service):
    assert KEY not in repr(service.settings)


@pytest.mark.parametrize(
    "cursor",
    [
        "9223372036854775807.00000000",
        "9223372036854775808.00000000",
        "9999999999999999999.ffffffff",
        "0000000000000000000.00000000",
        "0.ffffffff",
    ],
)
async def test_a_cursor_that_was_made_up_hides_nothing(service, cursor):
    """Beyond the numbers of any store, too: everything is given."""
    ids = await ended(service, 2)
    assert subjects(await feed(service, f"?after={cursor}")) == ids


@pytest.mark.parametrize(
    "cursor",
    ["-1", "-1.00000000", "1%00.00000000", "1.0' OR 1=1", "1" * 30_000, "1.00000000%0d%0aX: y"],
)
async def test_a_cursor_that_is_none_is_refused(service, cursor):
    refused(await read(service, f"?after={cursor}"), 422, "invalid_input")


async def test_a_thousand_parameters_are_answered_briefly(service):
    query = "&".join(f"{'x' * 100}{number}=1" for number in range(500))
    answer = await read(service, f"?{query}")
    refused(answer, 422, "invalid_input")
    assert len(answer.content) < 4_000


async def test_without_a_key_nobody_gets_a_place_to_wait_in(service):
    """A flood of slow polls has to be one of verifiers."""
    for bearer in (None, "x", (await service.sign_in())["access_token"]):
        answer = await service.send("GET", f"{FEED}?wait=30", bearer=bearer)
        assert answer.status_code == 401
    assert not service.auth.revoked.news._waiting


async def test_a_flood_of_polls_is_bounded_and_holds_up_nobody_else(service):
    """Past the last place each is refused at once; signing in and out goes on."""
    polls = [
        asyncio.create_task(service.send("GET", f"{FEED}?wait=30", bearer=KEY))
        for _ in range(room.MOST_WAITING + 100)
    ]
    done: set[asyncio.Task] = set()
    while len(done) < 100:
        done, _ = await asyncio.wait(polls, timeout=0.05)
    assert {poll.result().status_code for poll in done} == {503}
    tokens = await service.sign_in()
    assert await service.me(tokens["access_token"]) == 200
    answer = await service.refresh(tokens["refresh_token"])
    await service.send("POST", "/logout", json={"refresh_token": answer.json()["refresh_token"]})
    answers = await asyncio.gather(*polls)
    assert sorted({each.status_code for each in answers}) == [200, 503]
