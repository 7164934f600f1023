"""A sibling subdomain plants cookies of its own beside ours."""

from functools import partial

import pytest

from admit.testing.http_caller import refused
from admit.testing.http_cookies import sign_in_with_cookie

pytestmark = pytest.mark.anyio


@pytest.fixture
def serve(serve):
    """On https, where the names have their prefix."""
    return partial(serve, base_url="https://auth.example.com", throttle="off")


async def test_names_that_a_sibling_can_write_are_not_ours(service):
    """`__Host-` is what a browser keeps siblings from; anything else they can set."""
    await service.register()
    await service.register("evil@example.com")
    answer = await sign_in_with_cookie(service)
    ours = answer.headers["set-cookie"].partition(";")[0]
    planted = (await service.sign_in("evil@example.com"))["refresh_token"]
    for name in (
        "admit-refresh",
        "__Secure-admit-refresh",
        "__host-http-admit-refresh",
        "__Host-admit-refresh",
        "__Http-admit-refresh",
        " =__Host-Http-admit-refresh",
    ):
        headers = {"Cookie": f"{name}={planted}; {ours}"}
        answer = await service.send("POST", "/refresh", headers=headers)
        assert answer.status_code == 200
        assert answer.json()["user"]["email"] == "ada@example.com"
        ours = answer.headers["set-cookie"].partition(";")[0]
        service.clock.advance(10)  # it has rested
        alone = await service.send("POST", "/refresh", headers={"Cookie": f"{name}={planted}"})
        refused(alone, 401, "unauthenticated")


@pytest.mark.parametrize("blank", [b"\xa0", b"\x85", b"\x1c", b"\x0b", b"\x0c", b"\xa0 \t"])
async def test_a_blank_that_no_browser_takes_for_one_makes_no_name_ours(service, blank):
    """Chromium lets a sibling set a name that begins so, and sends it with that very byte."""
    await service.register("evil@example.com")
    planted = (await service.sign_in("evil@example.com"))["refresh_token"]
    line = blank + f"{service.refresh_cookie}={planted}".encode()
    for cookies in (line, b"a=b; " + line, b"a=b;" + line + b"; c=d"):
        answer = await service.client.request(
            "POST", "/auth/refresh", headers=[(b"Cookie", cookies)]
        )
        refused(answer, 401, "unauthenticated")
    assert (await service.refresh(planted)).status_code == 200


async def test_a_planted_cookie_without_a_name_is_not_ours(service):
    """Browsers send it as its bare value; it must not sign the visitor out of every request."""
    await service.register()
    answer = await sign_in_with_cookie(service)
    ours = answer.headers["set-cookie"].partition(";")[0]
    headers = {"Cookie": f"{service.refresh_cookie}; {ours}"}
    assert (await service.send("POST", "/refresh", headers=headers)).status_code == 200


async def test_two_of_our_name_are_refused_and_not_chosen_between(service):
    """Whichever comes first; and neither session ends."""
    await service.register()
    await service.register("evil@example.com")
    mine = (await service.sign_in())["refresh_token"]
    planted = (await service.sign_in("evil@example.com"))["refresh_token"]
    name = service.refresh_cookie
    for first, second in ((mine, planted), (planted, mine)):
        for headers in (
            [("Cookie", f"{name}={first}; {name}={second}")],
            [("Cookie", f"{name}={first}"), ("Cookie", f"{name}={second}")],
        ):
            for path in ("/refresh", "/logout"):
                refused(await service.send("POST", path, headers=headers), 400, "malformed")
    assert (await service.refresh(mine)).status_code == 200
    assert (await service.refresh(planted)).status_code == 200


async def test_a_broken_cookie_header_is_read_without_harm(service):
    """Other cookies are none of our business, whatever they look like."""
    await service.register()
    answer = await sign_in_with_cookie(service)
    ours = answer.headers["set-cookie"].partition(";")[0]
    for noise in (
        ";;;",
        "=",
        "a",
        "a=b=c",
        '"',
        "x=\x7f",
        "é=ü".encode(),
        "x" * 20_000,
        "$Version=1",
    ):
        raw = noise if isinstance(noise, bytes) else noise.encode("latin-1")
        headers = [(b"Cookie", raw + b"; " + ours.encode())]
        answer = await service.client.request("POST", "/auth/refresh", headers=headers)
        assert answer.status_code == 200, noise
        ours = answer.headers["set-cookie"].partition(";")[0]
        service.clock.advance(10)  # it has rested


async def test_a_fixed_session_does_not_survive_the_sign_in(service):
    """An attacker's cookie, planted before: the visitor gets another session, and it is over."""
    await service.register()
    await service.register("evil@example.com")
    planted = (await service.sign_in("evil@example.com"))["refresh_token"]
    answer = await sign_in_with_cookie(service, {service.refresh_cookie: planted})
    assert answer.json()["user"]["email"] == "ada@example.com"
    assert planted not in answer.headers["set-cookie"]
    answer = await service.refresh(planted)
    refused(answer, 401, "refresh_refused", reason="signed_out")
