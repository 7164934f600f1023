"""An answer is thrown away: the honest client gets it again."""

import pytest

pytestmark = pytest.mark.anyio
HOUR = 3_600


async def test_the_same_key_an_hour_later_gets_the_same_successor(service):
    """However often, as long as the successor is unused; then the chain goes on."""
    await service.register()
    parent = (await service.sign_in())["refresh_token"]
    thrown_away = (await service.refresh(parent, key="retry-1")).json()["refresh_token"]
    for _ in range(3):
        service.clock.advance(HOUR)
        again = await service.refresh(parent, key="retry-1")
        assert again.status_code == 200
        assert again.json()["refresh_token"] == thrown_away
        assert await service.me(again.json()["access_token"]) == 200
    assert (await service.refresh(thrown_away, key="retry-2")).status_code == 200


async def test_the_successor_is_the_same_after_a_restart(serve):
    """It follows from the handle and the row; nothing of it is kept in memory."""
    async with serve() as service:
        await service.register()
        parent = (await service.sign_in())["refresh_token"]
        thrown_away = (await service.refresh(parent, key="k")).json()["refresh_token"]
    async with serve() as service:
        service.clock.advance(HOUR)
        assert (await service.refresh(parent, key="k")).json()["refresh_token"] == thrown_away


async def test_a_retry_does_not_move_the_deadline(service):
    """Or a client that never gets an answer would hold its session for ever."""
    await service.register()
    parent = (await service.sign_in())["refresh_token"]
    await service.refresh(parent, key="k")
    service.clock.advance(7 * 24 * HOUR - 1)
    late = await service.refresh(parent, key="k")
    assert late.json()["refresh_expires_in"] == 1
    service.clock.advance(1)
    late = await service.refresh(parent, key="k")
    assert late.json()["reason"] == "expired"
