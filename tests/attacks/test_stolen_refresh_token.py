"""A thief copies a refresh token: whoever comes second with it ends that session, and only it."""

import pytest

from admit.testing.http_caller import refused

from .forging import session_id

pytestmark = pytest.mark.anyio
AGENT = {"User-Agent": "thief/1.0"}


async def succeed(service, tokens):
    answer = await service.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    return answer.json()


async def go_on(service, tokens):
    """Refresh once the token has rested."""
    service.clock.advance(service.settings.leeway)
    return await succeed(service, tokens)


async def caught(service, token, **more):
    answer = await service.send("POST", "/refresh", json={"refresh_token": token}, **more)
    refused(answer, 401, "refresh_refused", reason="reuse_detected")


async def test_the_parent_after_the_leeway_is_theft(service):
    """Once its successor was used: the session is dead, the user's other sessions live."""
    await service.register()
    stolen, other = await service.sign_in(), await service.sign_in()
    owner = await go_on(service, await succeed(service, stolen))
    service.clock.advance(10)
    await caught(service, stolen["refresh_token"])
    await caught(service, owner["refresh_token"])
    assert await service.me(owner["access_token"]) == 401
    assert await service.me(other["access_token"]) == 200
    await succeed(service, other)


async def test_a_thief_who_comes_first_is_caught_when_the_owner_comes_back(service):
    """The owner's refusal ends what the thief holds."""
    await service.register()
    owner = await service.sign_in()
    thief = await go_on(service, await succeed(service, owner))
    await caught(service, owner["refresh_token"])
    assert await service.me(thief["access_token"]) == 401
    await caught(service, thief["refresh_token"])


async def test_a_thief_cannot_keep_step_with_the_owner(service):
    """Taking turns inside the leeway doesn't fork the chain: both hold one token, or are caught."""
    await service.register()
    owner = thief = await service.sign_in()
    seen = {owner["refresh_token"]}
    for _ in range(50):
        owner = await succeed(service, owner)
        thief = await succeed(service, thief)
        assert thief["refresh_token"] == owner["refresh_token"]
        seen.add(owner["refresh_token"])
        service.clock.advance(1)
    assert len(seen) == 6  # a new one each 10 s
    await go_on(service, await go_on(service, owner))
    await caught(service, thief["refresh_token"])


@pytest.mark.no_cover  # 1440 times the same
@pytest.mark.parametrize("first", ["owner", "thief"])
async def test_one_pause_of_either_ends_what_they_share(service, first):
    """For an hour they keep step; then one comes the leeway later than the other."""
    await service.register()
    owner = thief = await service.sign_in()
    for _ in range(720):
        service.clock.advance(2.5)
        owner = await succeed(service, owner)
        service.clock.advance(2.5)
        thief = await succeed(service, thief)
    ahead, behind = (owner, thief) if first == "owner" else (thief, owner)
    child = await go_on(service, ahead)
    assert child["refresh_token"] != behind["refresh_token"]
    service.clock.advance(9.75)
    assert (await succeed(service, behind))["refresh_token"] == child["refresh_token"]
    service.clock.advance(0.25)
    await caught(service, behind["refresh_token"])
    await caught(service, child["refresh_token"])


async def test_a_thief_who_comes_while_the_token_rests_is_caught_with_what_came_of_it(service):
    """It looks like a second tab; the next exchange leaves one of the two behind."""
    await service.register()
    owner = await succeed(service, await service.sign_in())
    thief = await succeed(service, owner)
    assert thief["refresh_token"] == owner["refresh_token"]
    await go_on(service, thief)
    service.clock.advance(900)
    await caught(service, owner["refresh_token"])


async def test_the_leeway_is_no_shelter_once_the_successor_was_used(service):
    """Not even in the same instant."""
    await service.register()
    stolen = await service.sign_in()
    await go_on(service, await succeed(service, stolen))
    await caught(service, stolen["refresh_token"])


async def test_an_old_ancestor_is_theft_too(service):
    await service.register()
    tokens = oldest = await service.sign_in()
    for _ in range(4):
        tokens = await go_on(service, tokens)
    await caught(service, oldest["refresh_token"])


async def test_the_owners_retry_key_is_of_no_use_once_the_successor_was_used(service):
    """Somebody who saw the key too is caught all the same."""
    await service.register()
    stolen = await service.sign_in()
    headers = {"Idempotency-Key": "seen"}
    body = {"refresh_token": stolen["refresh_token"]}
    child = (await service.send("POST", "/refresh", json=body, headers=headers)).json()
    await go_on(service, child)
    await caught(service, stolen["refresh_token"], headers=headers)


@pytest.mark.parametrize("key", [None, "", "another"])
async def test_without_the_owners_retry_key_there_is_no_late_retry(service, key):
    """An empty key is no key."""
    await service.register()
    stolen = await service.sign_in()
    body = {"refresh_token": stolen["refresh_token"]}
    first = {"Idempotency-Key": "" if key == "" else "owner's"}
    assert (await service.send("POST", "/refresh", json=body, headers=first)).status_code == 200
    service.clock.advance(10)
    headers = None if key is None else {"Idempotency-Key": key}
    await caught(service, stolen["refresh_token"], headers=headers)


async def test_a_leeway_of_nothing_means_none(serve):
    async with serve(leeway=0) as service:
        await service.register()
        stolen = await service.sign_in()
        child = await succeed(service, stolen)
        grandchild = await succeed(service, child)
        assert grandchild["refresh_token"] != child["refresh_token"]  # and no rest
        await caught(service, child["refresh_token"])


async def test_theft_is_one_event_with_where_it_came_from(service):
    """Coming back again and again writes no more of them."""
    await service.register()
    stolen = await service.sign_in()
    await go_on(service, await succeed(service, stolen))
    for _ in range(3):
        await caught(service, stolen["refresh_token"], headers=AGENT)
    [event] = await service.auth.store.events(kind="reuse_detected")
    assert event.session_id == session_id(stolen["access_token"])
    assert (event.user_agent, event.ip) == ("thief/1.0", "127.0.0.1")
    assert event.at == service.clock.now
