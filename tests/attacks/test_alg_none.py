"""`alg: none`, in every case: a token that nobody signed is no token."""

from itertools import product

import pytest

from admit.testing.http_caller import refused

from .forging import encoded, opened

pytestmark = pytest.mark.anyio
SPELLINGS = {"".join(letters) for letters in product("nN", "oO", "nN", "eE")}


async def test_an_unsigned_token_is_refused(service):
    """With no signature, an empty one, or that of the genuine token."""
    await service.register()
    genuine = (await service.sign_in())["access_token"]
    header, claims = opened(genuine)
    signature = genuine.rpartition(".")[2]
    for alg in (*SPELLINGS, "", " none", "none ", None, 0, ["none"]):
        for kid in ({"kid": header["kid"]}, {}):
            forged = f"{encoded({'typ': 'at+jwt', 'alg': alg, **kid})}.{encoded(claims)}"
            for end in ("", ".", f".{signature}", f".{encoded(b'')}", ".AA"):
                answer = await service.send("GET", "/me", bearer=forged + end)
                refused(answer, 401, "invalid_token")
    assert await service.me(genuine) == 200
