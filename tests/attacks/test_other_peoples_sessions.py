"""Reaching for somebody else's session by its id, or for every row by a clever one."""

import pytest

from admit.testing.http_caller import refused

from .forging import session_id

pytestmark = pytest.mark.anyio
IDS = (
    "' OR '1'='1",
    "x'; DELETE FROM sessions; --",
    "%",
    "*",
    "..",
    "null",
    "0",
    "true",
    "%00",
    "x" * 5_000,
    "%F0%9F%92%A9",
    "%E2%80%AE",
)


async def test_another_users_session_is_not_found(service):
    """404, the same answer as for one that doesn't exist; it lives on."""
    await service.register()
    await service.register("bob@example.com")
    ada, bob = await service.sign_in(), await service.sign_in("bob@example.com")
    real = await service.send(
        "DELETE", f"/sessions/{session_id(bob['access_token'])}", bearer=ada["access_token"]
    )
    unknown = await service.send("DELETE", f"/sessions/{'x' * 22}", bearer=ada["access_token"])
    refused(real, 404, "not_found")
    assert real.content == unknown.content
    assert await service.me(bob["access_token"]) == 200
    listed = await service.send("GET", "/sessions", bearer=ada["access_token"])
    assert [each["id"] for each in listed.json()["sessions"]] == [session_id(ada["access_token"])]


async def test_an_id_is_only_ever_compared(service):
    """Whatever stands in it: 404, and nothing else changes."""
    await service.register()
    ada = await service.sign_in()
    for id_ in IDS:
        answer = await service.send("DELETE", f"/sessions/{id_}", bearer=ada["access_token"])
        refused(answer, 404, "not_found")
    assert await service.me(ada["access_token"]) == 200


async def test_a_session_id_opens_nothing(service):
    """It stands in access tokens and lists, so it must be worth nothing."""
    await service.register()
    ada = await service.sign_in()
    sid = session_id(ada["access_token"])
    refused(await service.refresh(sid), 401, "refresh_refused", reason="malformed")
    refused(await service.send("GET", "/me", bearer=sid), 401, "invalid_token")
    await service.send("POST", "/logout", headers={"Refresh-Token": sid})
    assert await service.me(ada["access_token"]) == 200


async def test_one_cannot_sign_others_out(service):
    """`/logout/all` reaches the caller's own sessions only, whatever else is in the request."""
    await service.register()
    await service.register("bob@example.com")
    ada, bob = await service.sign_in(), await service.sign_in("bob@example.com")
    answer = await service.send(
        "POST",
        f"/logout/all?user_id={bob['user']['id']}",
        bearer=ada["access_token"],
        headers={"X-User-Id": bob["user"]["id"]},
    )
    assert answer.status_code == 204
    assert await service.me(ada["access_token"]) == 401
    assert await service.me(bob["access_token"]) == 200
