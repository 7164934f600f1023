"""A role was taken away: tokens that still hold it are refused, and nobody is signed out."""

import pytest

from admit.testing.http_caller import refused

from .conftest import refused_soon
from .forging import opened

pytestmark = pytest.mark.anyio


async def admin(service):
    """Somebody with a role, and their tokens."""
    user = await service.register()
    await roles(service, user, add=("admin", "editor"))
    return user, await service.sign_in()


async def roles(service, user, *, add=(), remove=()):
    await service.auth.accounts.set_roles(user["id"], add=add, remove=remove, now=service.clock())
    await service.auth.revoked.look(service.clock())


async def test_tokens_that_hold_the_role_are_refused_and_the_next_refresh_works(service):
    """In the same second too: the clock stands still all the while."""
    user, tokens = await admin(service)
    assert opened(tokens["access_token"])[1]["roles"] == ["admin", "editor"]
    assert await service.me(tokens["access_token"]) == 200
    await roles(service, user, remove=("admin",))
    answer = await service.send("GET", "/me", bearer=tokens["access_token"])
    refused(answer, 401, "invalid_token", reason="revoked")
    answer = await service.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    after = answer.json()
    assert after["user"]["roles"] == opened(after["access_token"])[1]["roles"] == ["editor"]
    assert await service.me(after["access_token"]) == 200


async def test_again_and_again_within_one_second(service):
    """Given and taken: what is out with the role is refused each time, what came after is good."""
    user, tokens = await admin(service)
    for _ in range(3):
        await roles(service, user, add=("admin",))
        tokens = (await service.refresh(tokens["refresh_token"])).json()
        held = tokens["access_token"]
        await roles(service, user, remove=("admin",))
        assert await service.me(held) == 401
        tokens = (await service.refresh(tokens["refresh_token"])).json()
        assert await service.me(tokens["access_token"]) == 200


async def test_a_role_that_is_given_revokes_nothing(service):
    """Tokens that are out merely lack it until the next refresh."""
    user, tokens = await admin(service)
    await roles(service, user, add=("author",))
    assert await service.me(tokens["access_token"]) == 200


async def test_nobody_else_is_concerned(service):
    """Another user's tokens of the same second stay good."""
    user, _ = await admin(service)
    await service.register("bob@example.com")
    bob = await service.sign_in("bob@example.com")
    await roles(service, user, remove=("admin",))
    assert await service.me(bob["access_token"]) == 200


async def test_a_refresh_between_the_command_and_its_commit_keeps_no_role(service):
    """The command took its time before a second was over, and is written after it."""
    user, tokens = await admin(service)
    store, refreshed = service.auth.store, {}
    save = store.save_user

    async def slowly(*given, **more):
        service.clock.advance(1.5)
        refreshed.update((await service.refresh(tokens["refresh_token"])).json())
        return await save(*given, **more)

    store.save_user = slowly
    await roles(service, user, remove=("admin",))
    assert opened(refreshed["access_token"])[1]["roles"] == ["admin", "editor"]
    assert await service.me(refreshed["access_token"]) == 401


async def test_it_is_known_within_a_second_without_being_looked_for(serve, service):
    """As after `admit user role` beside a running server: this one looks by itself."""
    user, tokens = await admin(service)
    async with serve() as command:
        await command.auth.accounts.set_roles(
            user["id"], add=(), remove=("admin",), now=command.clock()
        )
    await refused_soon(service, tokens["access_token"])
    answer = await service.send("GET", "/me", bearer=tokens["access_token"])
    refused(answer, 401, "invalid_token", reason="revoked")
