"""An access token that is still unexpired, after its session was ended: off at once."""

import pytest

from admit import Admit, InvalidToken
from admit.testing.http_caller import PASSWORD, refused

from .conftest import refused_soon
from .forging import session_id

pytestmark = pytest.mark.anyio


async def off(service, tokens, reason):
    answer = await service.send("GET", "/me", bearer=tokens["access_token"])
    refused(answer, 401, "invalid_token", reason=reason)
    answer = await service.refresh(tokens["refresh_token"])
    refused(answer, 401, "refresh_refused", reason=reason)


async def test_after_logout_it_is_off_at_once(service):
    """In the same instant, and though it was seen and remembered before."""
    await service.register()
    tokens = await service.sign_in()
    assert await service.me(tokens["access_token"]) == 200
    body = {"refresh_token": tokens["refresh_token"]}
    assert (await service.send("POST", "/logout", json=body)).status_code == 204
    await off(service, tokens, "signed_out")


async def test_every_access_token_of_the_session_is_off(service):
    """The older ones, from before the last refresh, too."""
    await service.register()
    tokens = [await service.sign_in()]
    for _ in range(3):
        tokens.append((await service.refresh(tokens[-1]["refresh_token"])).json())
        service.clock.advance(10)
    await service.send("POST", "/logout", bearer=tokens[1]["access_token"])
    assert {await service.me(each["access_token"]) for each in tokens} == {401}


async def test_a_disabled_user_is_out_within_a_second(serve, service):
    """Every session; and no new one can be opened, with one answer as for a wrong password."""
    user = await service.register()
    tokens = [await service.sign_in(), await service.sign_in()]
    async with serve() as other:  # this process hears of its doing by looking, twice a second
        await other.auth.accounts.set_enabled(user["id"], enabled=False, now=other.clock())
    await refused_soon(service, tokens[0]["access_token"])
    for each in tokens:
        await off(service, each, "revoked")
    body = {"login": user["email"], "password": PASSWORD}
    refused(await service.send("POST", "/login", json=body), 401, "invalid_credentials")


async def test_another_process_learns_of_it_within_a_second(serve, service, tmp_path):
    """And one that starts just now knows it before it serves."""
    await service.register()
    tokens = await service.sign_in()
    async with serve() as other:
        assert await other.me(tokens["access_token"]) == 200
        await service.send("POST", "/logout", bearer=tokens["access_token"])
        await refused_soon(other, tokens["access_token"])
        await off(other, tokens, "signed_out")
    async with Admit(data_dir=tmp_path, clock=service.clock) as new:
        with pytest.raises(InvalidToken):
            new.verify(tokens["access_token"])


async def test_a_revocation_is_kept_as_long_as_a_token_could_live(service):
    """Half-way through its life the token is still refused for the session's end."""
    await service.register()
    tokens = await service.sign_in()
    sid = session_id(tokens["access_token"])
    await service.send("DELETE", f"/sessions/{sid}", bearer=tokens["access_token"])
    for _ in range(3):
        service.clock.advance(303)
        await service.auth.purge()
        await service.auth.revoked.look(service.clock())
        answer = await service.send("GET", "/me", bearer=tokens["access_token"])
        refused(answer, 401, "invalid_token", reason="signed_out")
