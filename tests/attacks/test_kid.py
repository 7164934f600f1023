"""`kid` as a path, as SQL, as a command, as 10 kB: it is a name to compare, and nothing else."""

from typing import Any

import pytest

from admit.testing.http_caller import refused

from .forging import encoded, hmac_signed, opened, signed, signing_key

pytestmark = pytest.mark.anyio
KIDS: tuple[Any, ...] = (
    "../../../../dev/null",
    "/dev/null",
    "/proc/sys/kernel/randomize_va_space",
    "file:///dev/null",
    "' OR '1'='1",
    "x' UNION SELECT 'secret' --",
    "x; DROP TABLE keys",
    "|/bin/sleep 10",
    "$(id)",
    "%s%n",
    "{0.__class__}",
    "\0",
    "a\r\nSet-Cookie: x=y",
    "\u202e",
    "",
    "x" * 10_000,
    "x" * 5_000,
    None,
    1,
    True,
    [],
    ["a"],
    {"$ne": ""},
)


async def test_another_kid_is_refused(service):
    """Signed with nothing, with an empty secret, or with our own key: 401, and nothing breaks."""
    await service.register()
    good = (await service.sign_in())["access_token"]
    header, claims = opened(good)
    for kid in KIDS:
        head = {**header, "kid": kid}
        symmetric = {**head, "alg": "HS256"}
        forgeries = [hmac_signed(symmetric, claims, secret) for secret in (b"", b"\0", b"0\n")]
        forgeries.append(".".join((encoded(head), *good.split(".")[1:])))
        if isinstance(kid, str):
            forgeries.append(signed(head, claims, signing_key(service.auth)))
        for forged in forgeries:
            refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
    assert await service.me(good) == 200


async def test_no_kid_is_refused(service):
    """There is one key, and still it must be named."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    del header["kid"]
    forged = signed(header, claims, signing_key(service.auth))
    refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
