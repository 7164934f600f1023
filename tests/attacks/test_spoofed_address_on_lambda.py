"""`X-Forwarded-For` through AWS's gateways: only what the gateway itself saw counts."""

import httpx
import pytest

from admit.testing.http_caller import EMAIL
from desk.events import FORMS
from tests.aws.carried import Transport
from tests.aws.conftest import through

__all__ = ["through"]
pytestmark = pytest.mark.anyio
BODY = {"login": EMAIL, "password": "wrong one"}
HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")
PEER = "203.0.113.7"


async def addresses(service):
    """The addresses of the failed sign-ins, the newest first."""
    return [each.ip for each in await recorded(service)]


async def recorded(service):
    """What the trail holds, read by an engine of our own: the function's has another loop."""
    from admit import Admit

    async with Admit(service.settings, clock=service.clock) as auth:
        return await auth.store.events(kind="sign_in_failed")


def calling(service, peer):
    """A client that reaches the gateway from this address."""
    transport = service.client._transport
    return httpx.AsyncClient(
        transport=Transport(transport.function, transport.form, peer=peer),
        base_url=service.settings.base_url,
    )


@pytest.mark.parametrize("form", FORMS)
async def test_a_new_address_in_every_header_gets_no_sixth_guess(form, through):
    """A load balancer writes its peer behind what was sent, which counts for nothing."""
    async with through(form, peer=PEER) as service:
        await service.register()
        statuses = []
        for guess in range(7):
            headers = dict.fromkeys(HEADERS, f"198.51.100.{guess}")
            answer = await service.send("POST", "/login", json=BODY, headers=headers)
            statuses.append(answer.status_code)
        assert statuses == [401] * 5 + [429] * 2
        assert set(await addresses(service)) == {PEER}


@pytest.mark.parametrize("form", FORMS)
async def test_two_headers_are_one_list_and_its_end_counts(form, through):
    """Whether the gateway joins them or not."""
    async with through(form, peer=PEER) as service:
        await service.register()
        headers = [("X-Forwarded-For", "198.51.100.1"), ("x-forwarded-for", "198.51.100.2")]
        await service.send("POST", "/login", json=BODY, headers=headers)
        assert await addresses(service) == [PEER]


@pytest.mark.parametrize("form", FORMS)
async def test_a_proxy_of_ours_before_the_gateway_is_believed_and_no_stranger(form, through):
    """CloudFront, say, whose networks are in `trusted_proxies`."""
    async with through(form, trusted_proxies="10.0.0.0/8") as service:
        await service.register()
        for peer, forwarded, seen in (
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
            (PEER, "203.0.113.9", PEER),
            (PEER, "10.0.0.1", PEER),
        ):
            async with calling(service, peer) as client:
                headers = {"X-Forwarded-For": forwarded}
                await client.post("/auth/login", json=BODY, headers=headers)
            service.clock.advance(3_600)
            assert (await addresses(service))[0] == seen, (peer, forwarded)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1,203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9:51234", "203.0.113.9"),
        ("198.51.100.1, [2001:db8::9]:51234", "2001:db8::9"),
        ("2001:db8:0::9", "2001:db8::9"),
        ("203.0.113.9, rubbish", None),
        ("", None),
        ("203.0.113.9,", None),
    ],
)
def test_of_a_load_balancers_list_the_end_is_taken_or_nothing(sent, seen):
    """With its port, where the load balancer was told to add that."""
    from admit.aws.events import balanced_source

    assert balanced_source([(b"x-forwarded-for", sent.encode())]) == seen


def test_of_two_lines_the_last_is_the_load_balancers():
    from admit.aws.events import balanced_source

    lines = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.9")]
    assert balanced_source(lines) == "203.0.113.9"
    assert balanced_source([]) is None
