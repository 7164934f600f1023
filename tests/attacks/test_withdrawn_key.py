"""A signing key that leaked: once it is withdrawn, nothing that it signed is worth anything."""

import pytest

from admit.testing.http_caller import refused

from .conftest import refused_soon
from .forging import opened, signed, signing_key

pytestmark = pytest.mark.anyio


async def test_what_a_withdrawn_key_signed_is_refused_at_once(service):
    """Genuine tokens too, though this process has verified and remembered them."""
    await service.register()
    tokens = await service.sign_in()
    header, claims = opened(tokens["access_token"])
    leaked = signing_key(service.auth)
    forged = signed(header, {**claims, "roles": ["admin"]}, leaked)
    for token in (tokens["access_token"], forged):
        assert await service.me(token) == 200
        assert await service.me(token) == 200
    await service.auth.keys.withdraw(header["kid"], service.clock())
    for token in (tokens["access_token"], forged, signed(header, claims, leaked)):
        answer = await service.send("GET", "/me", bearer=token)
        refused(answer, 401, "invalid_token")
    keys = (await service.send("GET", "/.well-known/jwks.json")).json()["keys"]
    assert header["kid"] not in [key["kid"] for key in keys]


async def test_nobody_is_signed_out_by_a_withdrawal(service):
    """The refresh token still works, and buys an access token of the new key."""
    await service.register()
    tokens = await service.sign_in()
    kid = opened(tokens["access_token"])[0]["kid"]
    await service.auth.keys.withdraw(kid, service.clock())
    answer = await service.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert opened(answer.json()["access_token"])[0]["kid"] != kid
    assert await service.me(answer.json()["access_token"]) == 200


async def test_another_process_refuses_it_within_a_second(serve, service):
    """It remembers the token too."""
    await service.register()
    tokens = await service.sign_in()
    async with serve() as other:
        assert await other.me(tokens["access_token"]) == 200
        kid = opened(tokens["access_token"])[0]["kid"]
        await service.auth.keys.withdraw(kid, service.clock())
        await refused_soon(other, tokens["access_token"])
        answer = await other.send("GET", "/me", bearer=tokens["access_token"])
        refused(answer, 401, "invalid_token")
        answer = await other.refresh(tokens["refresh_token"])
        assert answer.status_code == 200


async def test_a_withdrawn_key_does_not_come_back(service, serve):
    """Not with a restart, and not with a token that names it."""
    await service.register()
    tokens = await service.sign_in()
    header, claims = opened(tokens["access_token"])
    leaked = signing_key(service.auth)
    await service.auth.keys.withdraw(header["kid"], service.clock())
    async with serve() as restarted:
        for token in (tokens["access_token"], signed(header, claims, leaked)):
            answer = await restarted.send("GET", "/me", bearer=token)
            refused(answer, 401, "invalid_token")


async def test_after_a_withdrawal_keys_can_still_be_rotated(service):
    """The new key that leaked before it signed is withdrawn: the next one can be made at once."""
    waiting = await service.auth.keys.rotate(service.clock())
    await service.auth.keys.withdraw(waiting, service.clock())
    service.clock.advance(1)
    assert await service.auth.keys.rotate(service.clock()) is not None
