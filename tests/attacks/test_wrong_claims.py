"""Tokens that our own key really signed, with claims that are not ours: each is refused."""

from typing import Any

import pytest

from admit.testing.http_caller import refused

from .forging import encoded, opened, signed, signing_key

pytestmark = pytest.mark.anyio
OURS = "http://localhost:8000"
NOW = 1_800_000_000
WRONG: dict[str, list[Any]] = {
    "iss": [
        "",
        OURS,
        f"{OURS}/auth/",
        f"{OURS}/AUTH",
        "https://evil.example/auth",
        1,
        None,
        [f"{OURS}/auth"],
    ],
    "aud": [
        "",
        f"{OURS}/",
        f"{OURS}/auth",
        "https://evil.example",
        [],
        [f"{OURS}/"],
        [OURS, 1],
        1,
        None,
        {"a": OURS},
    ],
    "exp": [NOW - 10, 0, -1, "2999999999", None, True, [NOW + 900], 10**400],
    "iat": [NOW + 11, NOW + 900, "0", None, -0.5],
    "jti": ["", "x", ".", "1e3.x", "0x1.x", None, 1, ["1.x"]],
    "nbf": [NOW + 11, "0", []],
    "sub": [None, 1, [], True],
    "sid": [None, 1, []],
    "roles": ["admin", [1], {"admin": True}, None],
}


async def start(service):
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    key = signing_key(service.auth)

    async def answer(changed, head=header):
        return await service.send("GET", "/me", bearer=signed(head, changed, key))

    return header, claims, answer


async def test_a_wrong_claim_is_refused(service):
    """Another issuer, audience, time or type."""
    _, claims, answer = await start(service)
    for name, values in WRONG.items():
        for value in values:
            refused(await answer({**claims, name: value}), 401, "invalid_token")


async def test_a_missing_claim_is_refused(service):
    _, claims, answer = await start(service)
    for name in ("iss", "aud", "exp", "sub", "sid", "iat", "jti"):
        missing = {key: value for key, value in claims.items() if key != name}
        refused(await answer(missing), 401, "invalid_token")


async def test_claims_that_are_no_object_are_refused(service):
    _, _, answer = await start(service)
    for raw in (b"", b"x", b"[]", b"null", b"1", b"{", b'"a"', b"\xff", b"{}"):
        refused(await answer(raw), 401, "invalid_token")


async def test_another_type_is_refused(service):
    """Or a token for another purpose would open doors (RFC 8725 section 3.11)."""
    header, claims, answer = await start(service)
    good = signed(header, claims, signing_key(service.auth))
    for typ in ("JWT", "jwt", "", "refresh+jwt", "logout+jwt", "AT+JWT ", "dpop+jwt", None, 1):
        first = {**header, "typ": typ}
        if isinstance(typ, str):
            refused(await answer(claims, first), 401, "invalid_token")
        forged = ".".join((encoded(first), *good.split(".")[1:]))
        refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")


async def test_no_type_is_refused(service):
    header, claims, answer = await start(service)
    del header["typ"]
    refused(await answer(claims, header), 401, "invalid_token")


async def test_the_skew_is_ten_seconds_and_not_eleven(service):
    """Either way: of a machine whose clock is ahead, and of one that is behind."""
    _, claims, answer = await start(service)
    for good in ({"exp": NOW - 9, "iat": NOW}, {"iat": NOW + 10, "nbf": NOW + 10}):
        assert (await answer({**claims, **good})).status_code == 200
    answered = await answer({**claims, "exp": NOW - 10})
    refused(answered, 401, "invalid_token", reason="expired")


async def test_our_audience_among_others_is_ours(service):
    """RFC 7519 section 4.1.3."""
    _, claims, answer = await start(service)
    assert (await answer({**claims, "aud": ["https://other.example", OURS]})).status_code == 200


async def test_a_user_or_session_that_does_not_exist_is_refused(service):
    """401, not 500."""
    _, claims, answer = await start(service)
    for unknown in ({"sub": "nobody"}, {"sid": "nothing"}, {"sub": "", "sid": ""}, {"sub": "\0"}):
        refused(await answer({**claims, **unknown}), 401, "invalid_token")
