"""A sign-in that races a change of the account: what was checked must still be true at the end."""

import asyncio

import bcrypt
import pytest

from admit import Refusal
from admit.errors import InvalidCredentials
from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio
ANOTHER = "another horse battery"


async def checked(service):
    return await service.auth.accounts.check(login=EMAIL, password=PASSWORD, now=service.clock())


async def test_a_sign_in_that_races_a_password_change_opens_nothing(service):
    """The password was right when it was looked at, and is no longer when the session opens."""
    user = await service.register()
    account = await checked(service)
    await service.auth.accounts.reset_password(user["id"], ANOTHER, now=service.clock())
    with pytest.raises(InvalidCredentials):
        await service.auth.sessions.open(account, now=service.clock())
    assert await service.auth.sessions.list(user["id"], now=service.clock()) == []


async def test_a_sign_in_that_races_a_disabling_opens_nothing(service):
    """And enabling the account again brings nothing back."""
    user = await service.register()
    tokens = await service.sign_in()
    account = await checked(service)
    for enabled in (False, True):
        await service.auth.accounts.set_enabled(user["id"], enabled=enabled, now=service.clock())
        if not enabled:
            with pytest.raises(InvalidCredentials):
                await service.auth.sessions.open(account, now=service.clock())
    assert await service.auth.sessions.list(user["id"], now=service.clock()) == []
    answer = await service.refresh(tokens["refresh_token"])
    refused(answer, 401, "refresh_refused", reason="revoked")
    await service.sign_in()


async def test_sign_ins_and_a_password_change_at_once_leave_no_old_session(unthrottled):
    """Whatever the order: afterwards only the session that changed it lives, or newer ones."""
    user = await unthrottled.register()
    mine = await unthrottled.sign_in()
    body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    changed, *answers = await asyncio.gather(
        unthrottled.send("POST", "/password", bearer=mine["access_token"], json=change),
        *(unthrottled.send("POST", "/login", json=body) for _ in range(12)),
    )
    assert changed.status_code == 204
    assert {answer.status_code for answer in answers} <= {200, 401}
    living = await unthrottled.auth.sessions.list(user["id"], now=unthrottled.clock())
    assert len(living) == 1
    assert await unthrottled.me(mine["access_token"]) == 200
    for answer in answers:
        if answer.status_code == 200:
            assert await unthrottled.me(answer.json()["access_token"]) == 401


async def test_two_password_changes_at_once_are_one(unthrottled):
    """The other is told that its current password is no longer the current one."""
    await unthrottled.register()
    sessions = [await unthrottled.sign_in(), await unthrottled.sign_in()]
    answers = await asyncio.gather(
        *(
            unthrottled.send(
                "POST",
                "/password",
                bearer=tokens["access_token"],
                json={"current_password": PASSWORD, "new_password": f"{ANOTHER} {n}"},
            )
            for n, tokens in enumerate(sessions)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 401]


async def test_sign_ins_under_an_older_hash_race_each_other_and_all_succeed(unthrottled):
    """Each of them upgrades the bcrypt hash; honest people never lose to themselves."""
    user = await unthrottled.register()
    store = unthrottled.auth.store
    account = await store.find_user("id", user["id"])
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    account = type(account)(
        **{field: getattr(account, field) for field in account.__struct_fields__}
        | {"password_hash": old}
    )
    assert await store.save_user(account)
    body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
    answers = await asyncio.gather(
        *(unthrottled.send("POST", "/login", json=body) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        assert (await unthrottled.refresh(answer.json()["refresh_token"])).status_code == 200
    stored = (await store.find_user("id", user["id"])).password_hash
    assert stored.startswith("$argon2id$")


async def test_one_address_is_registered_once(unthrottled):
    """Ten at once: one account, nine refusals."""
    body = {"email": EMAIL, "password": PASSWORD, "username": "ada"}
    answers = await asyncio.gather(
        *(unthrottled.send("POST", "/register", json=body) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_one_session_is_ended_once(unthrottled):
    """Ten logouts at once: one event."""
    await unthrottled.register()
    tokens = await unthrottled.sign_in()
    body = {"refresh_token": tokens["refresh_token"]}
    answers = await asyncio.gather(
        *(unthrottled.send("POST", "/logout", json=body) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {204}
    assert len(await unthrottled.auth.store.events(kind="session_ended")) == 1


async def test_a_refresh_that_races_a_logout_never_outlives_it(unthrottled):
    """Whoever wins, the session is over afterwards."""
    await unthrottled.register()
    tokens = await unthrottled.sign_in()
    body = {"refresh_token": tokens["refresh_token"]}
    answers = await asyncio.gather(
        *(unthrottled.send("POST", "/refresh", json=body) for _ in range(5)),
        unthrottled.send("POST", "/logout", json=body),
        *(unthrottled.send("POST", "/refresh", json=body) for _ in range(5)),
    )
    for answer in answers:
        if answer.status_code == 200:
            assert await unthrottled.me(answer.json()["access_token"]) == 401
            after = await unthrottled.refresh(answer.json()["refresh_token"])
            refused(after, 401, "refresh_refused", reason="signed_out")
    assert issubclass(InvalidCredentials, Refusal)
