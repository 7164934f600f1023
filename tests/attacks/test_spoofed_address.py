"""`X-Forwarded-For` from somebody who is not our proxy, to get round the limits or into the log."""

import httpx
import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = pytest.mark.anyio
BODY = {"login": EMAIL, "password": "wrong one"}
HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")


def calling(service, peer):
    """A client that reaches the service from this address."""
    transport = httpx.ASGITransport(service.auth.app, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url=service.settings.base_url)


async def addresses(service):
    """The addresses of the failed sign-ins, the newest first."""
    return [event.ip for event in await service.auth.store.events(kind="sign_in_failed")]


async def test_nobodys_word_is_taken_without_a_proxy(service):
    """A new address in every header doesn't get a sixth guess."""
    await service.register()
    statuses = []
    for guess in range(7):
        headers = dict.fromkeys(HEADERS, f"203.0.113.{guess}")
        headers["Forwarded"] = f"for=203.0.113.{guess}"
        answer = await service.send("POST", "/login", json=BODY, headers=headers)
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 2
    assert set(await addresses(service)) == {"127.0.0.1"}


async def test_a_stranger_is_not_believed_beside_a_proxy(serve):
    """Only what our own proxy saw counts: the rightmost address that isn't ours."""
    async with serve(trusted_proxies="10.0.0.0/8,fd00::/8") as service:
        await service.register()
        for peer, forwarded, seen in (
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "10.9.9.9, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("fd00::1", "2001:db8::9", "2001:db8::9"),
            ("10.0.0.1", "2001:DB8:0::9", "2001:db8::9"),
            ("203.0.113.7", "1.1.1.1", "203.0.113.7"),
            ("203.0.113.7", "10.0.0.1", "203.0.113.7"),
            ("10.0.0.1", "203.0.113.9, rubbish", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.9, <script>", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", ", ,", "10.0.0.1"),
        ):
            async with calling(service, peer) as client:
                headers = {"X-Forwarded-For": forwarded}
                await client.post("/auth/login", json=BODY, headers=headers)
            service.clock.advance(3_600)
            assert (await addresses(service))[0] == seen, (peer, forwarded)


async def test_two_headers_are_one_list(serve):
    """The one that the proxy added is the last."""
    async with serve(trusted_proxies="10.0.0.1") as service:
        await service.register()
        async with calling(service, "10.0.0.1") as client:
            headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9")]
            await client.post("/auth/login", json=BODY, headers=headers)
        assert await addresses(service) == ["203.0.113.9"]


async def test_what_is_recorded_is_an_address_and_nothing_else(serve):
    """A zone after an IPv6 address may hold anything, an escape sequence included."""
    async with serve(trusted_proxies="10.0.0.1") as service:
        await service.register()
        async with calling(service, "10.0.0.1") as client:
            headers = [(b"X-Forwarded-For", b"fe80::1%\x1b[31m" + b"x" * 500)]
            await client.post("/auth/login", json=BODY, headers=headers)
            await client.post("/auth/login", json={**BODY, "password": PASSWORD}, headers=headers)
        for event in await service.auth.store.events():
            assert (event.ip or "").isprintable()
            assert len(event.ip or "") < 64


async def test_a_whole_ipv6_line_counts_as_one_address(service):
    """One customer has 2**64 addresses."""
    await service.register()
    statuses = []
    for guess in range(7):
        async with calling(service, f"2001:db8:0:1::{guess:x}") as client:
            statuses.append((await client.post("/auth/login", json=BODY)).status_code)
    assert statuses == [401] * 5 + [429] * 2
    async with calling(service, "2001:db8:0:2::1") as client:
        assert (await client.post("/auth/login", json=BODY)).status_code == 401
    async with calling(service, "::ffff:192.0.2.1") as client:
        assert (await client.post("/auth/login", json=BODY)).status_code == 401
