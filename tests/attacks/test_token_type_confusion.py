"""One kind of token in the place of the other."""

import pytest

from admit.testing.http_caller import refused
from admit.tokens.secret import derived_keys, obtain

from .forging import hmac_signed, opened

pytestmark = pytest.mark.anyio


async def test_an_access_token_is_no_refresh_token(service):
    """However it is sent; and it ends nothing."""
    await service.register()
    tokens = await service.sign_in()
    access = tokens["access_token"]
    for sent in (
        {"json": {"refresh_token": access}},
        {"headers": {"Refresh-Token": access}},
        {"cookies": {service.refresh_cookie: access}},
    ):
        answer = await service.send("POST", "/refresh", **sent)
        refused(answer, 401, "refresh_refused", reason="malformed")
        assert (await service.send("POST", "/logout", **sent)).status_code == 204
    refused(await service.send("POST", "/refresh", bearer=access), 401, "unauthenticated")
    assert await service.me(access) == 200


async def test_a_refresh_token_is_no_access_token(serve):
    """Nor with HS256, where both are signed the same way."""
    for algorithm in ("ES256", "HS256"):
        async with serve(algorithm=algorithm, access_cookie=True, throttle="off") as service:
            await service.send(
                "POST",
                "/register",
                json={"email": "ada@example.com", "password": "correct horse battery"},
            )
            tokens = await service.sign_in()
            refresh = tokens["refresh_token"]
            answer = await service.send("GET", "/me", bearer=refresh)
            refused(answer, 401, "invalid_token")
            answer = await service.send("GET", "/me", cookies={service.access_cookie: refresh})
            refused(answer, 401, "invalid_token")
            answer = await service.send("POST", "/logout", bearer=refresh)
            assert answer.status_code == 204
            assert (await service.refresh(refresh)).status_code == 200


async def test_a_refresh_tokens_key_makes_no_access_token(serve):
    """Each use has a key of its own, though all follow from one secret."""
    async with serve(algorithm="HS256") as service:
        await service.register()
        header, claims = opened((await service.sign_in())["access_token"])
        listed = obtain(service.settings)
        for purpose in ("refresh token", "signing key encryption"):
            [key] = derived_keys(listed, purpose)
            forged = hmac_signed(header, claims, key)
            refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
