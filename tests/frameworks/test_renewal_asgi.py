"""Pages that a server renders: the session is renewed on the way in, and nobody is signed out."""

import pytest

from admit.errors import Unavailable
from admit.testing.http_caller import refused, set_cookies
from tests.frameworks.browser import Browser, signed_in

pytestmark = pytest.mark.anyio

SIX = ("/page", "/maybe") * 3
TIMES = 30


@pytest.fixture
async def service(serve):
    async with serve(throttle="off", access_cookie="on") as service:
        await service.register()
        yield service


def let_it_expire(browser, *, gone=False):
    """The access token is over; a browser lets go of its cookie at about that time."""
    service = browser.service
    service.clock.advance(service.settings.access_ttl + 11)
    if gone:
        del browser.cookies[service.access_cookie]


async def test_six_requests_at_once_all_succeed(service):
    """With an expired access cookie and one refresh cookie, thirty times over."""
    for round_ in range(TIMES):
        browser = await signed_in(service)
        parent = browser.refresh
        let_it_expire(browser, gone=round_ % 2 == 0)
        answers = await browser.all_at_once(SIX)
        assert [each.status_code for each in answers] == [200] * 6
        assert all(each.json()["user"] for each in answers)
        set_ = {set_cookies(each)[service.refresh_cookie][0] for each in answers}
        assert set_ == {browser.refresh}, "more than one successor"
        assert browser.refresh != parent
        assert (await browser.get()).json()["user"]
        service.clock.advance(service.settings.leeway + 1)
        cookies = {service.refresh_cookie: browser.refresh}
        answer = await service.send("POST", "/refresh", cookies=cookies)
        assert answer.status_code == 200, "the session did not live"


async def test_a_session_goes_on_from_page_to_page(service):
    """Each time the access token is over, the page is rendered with the next."""
    browser = await signed_in(service)
    seen = {browser.refresh}
    for _ in range(5):
        let_it_expire(browser, gone=True)
        assert (await browser.get()).status_code == 200
        seen.add(browser.refresh)
        answer = await browser.get()
        assert not answer.headers.get_list("set-cookie"), "a good token needs no other"
    assert len(seen) == 6


async def test_an_answer_with_new_cookies_is_stored_by_nobody(service):
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)
    answer = await browser.get()
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert "cache-control" not in (await browser.get()).headers


async def test_a_route_that_fails_brings_the_cookies_all_the_same(service):
    """Or a page that is broken would sign its visitors out."""
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)
    for path, status in (("/broken", 500), ("/nowhere", 404), ("/admin", 403)):
        parent = browser.refresh
        answer = await browser.get(path)
        assert answer.status_code == status
        assert browser.refresh != parent, path
        let_it_expire(browser, gone=True)
        service.clock.advance(service.settings.leeway + 1)
    assert (await browser.get()).status_code == 200


async def test_a_session_that_is_over_says_why(service):
    browser = await signed_in(service)
    held = Browser(service, browser.cookies)
    await service.send("POST", "/logout", cookies={service.refresh_cookie: held.refresh})
    for gone in (False, True):
        if gone:
            let_it_expire(held, gone=True)
        answer = await held.get()
        refused(answer, 401, "refresh_refused", reason="signed_out")
        assert not answer.headers.get_list("set-cookie"), "a refusal never touches a cookie"
        assert (await held.get("/maybe")).json() == {"user": None}


async def test_our_own_routes_renew_nothing_on_the_way(service):
    """They do by themselves what they need; else signing out would meet a successor."""
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)
    parent = browser.refresh
    refused(await browser.get("/auth/me"), 401, "unauthenticated")
    assert (await browser.get("/auth/logout", method="POST")).status_code == 204
    assert not browser.cookies
    held = Browser(service, {service.refresh_cookie: parent})
    refused(await held.get(), 401, "refresh_refused", reason="signed_out")


async def test_without_the_access_cookie_nothing_is_renewed(serve):
    async with serve(throttle="off") as service:
        await service.register()
        browser = Browser(service, {service.refresh_cookie: "x"})
        refused(await browser.get(), 401, "unauthenticated")


async def test_a_bearer_token_stands_for_itself(service):
    """Whoever sends one means it: no cookie is looked at in its place."""
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)
    answer = await browser.get(headers={"Authorization": "Bearer x"})
    refused(answer, 401, "invalid_token")
    assert not answer.headers.get_list("set-cookie")


async def test_a_store_that_is_out_signs_nobody_out(service, monkeypatch):
    """503, and with the store back the same cookie goes on."""
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)

    async def out(*_, **__):
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(service.auth.sessions, "refresh", out)
        answer = await browser.get()
        refused(answer, 503, "unavailable")
    assert (await browser.get()).status_code == 200


async def test_what_nobody_thought_of_is_a_refusal_too(service, monkeypatch, caplog):
    """It fails closed, says nothing of what happened, and logs it."""
    browser = await signed_in(service)
    let_it_expire(browser, gone=True)

    async def broken(*_, **__):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(service.auth.sessions, "refresh", broken)
    answer = await browser.get()
    refused(answer, 503, "unavailable")
    assert "of all things" not in answer.text
    assert "unexpected, while a session was renewed" in caplog.text


async def test_without_a_watch_it_is_renewed_all_the_same(serve):
    async with serve(watch=False, throttle="off", access_cookie="on") as service:
        await service.register()
        browser = await signed_in(service)
        let_it_expire(browser, gone=True)
        assert (await browser.get()).status_code == 200
        assert browser.access
