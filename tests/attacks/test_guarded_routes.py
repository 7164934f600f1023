"""What stands before an app's own routes, attacked: by other sites, by cookies, by doubles."""

import json

import pytest

from admit.testing.http_caller import refused
from tests.frameworks.apps import APPS, inside
from tests.frameworks.browser import PAGE, Browser, signed_in
from tests.frameworks.sockets import answered, shake_hands

pytestmark = pytest.mark.anyio

EVIL = "https://evil.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://blog.localhost:8000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": EVIL},
    {"Origin": "null"},
)
NOT_OPENED = (
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": EVIL},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": EVIL},
)


@pytest.fixture(params=list(APPS))
async def service(request, tmp_path):
    settings = {"access_cookie": "on", "throttle": "off"}
    async with inside(request.param, data_dir=tmp_path, **settings) as service:
        await service.register()
        yield service


@pytest.fixture
async def browser(service):
    return await signed_in(service)


def let_it_expire(browser):
    browser.service.clock.advance(browser.service.settings.access_ttl + 11)
    browser.cookies.pop(browser.service.access_cookie, None)


async def lives(browser):
    """Whether the refresh token that the browser holds is good after the leeway, too."""
    browser.service.clock.advance(browser.service.settings.leeway + 1)
    cookies = {browser.service.refresh_cookie: browser.refresh}
    answer = await browser.service.send("POST", "/refresh", cookies=cookies)
    return answer.status_code == 200


async def test_a_form_of_another_site_cannot_use_the_cookie(browser):
    for headers in ELSEWHERE:
        answer = await browser.get(method="POST", headers={**FORM, **headers})
        refused(answer, 403, "csrf_failed")
    own = {"Sec-Fetch-Site": "same-origin", "Origin": browser.service.settings.base_url}
    assert (await browser.get(method="POST", headers={**FORM, **own})).status_code == 200


async def test_another_sites_form_renews_nothing(browser):
    """Neither does it get in, nor does it use a token up."""
    let_it_expire(browser)
    parent = browser.refresh
    for headers in ELSEWHERE:
        answer = await browser.get(method="POST", headers={**FORM, **headers})
        refused(answer, 403, "csrf_failed")
        assert not answer.headers.get_list("set-cookie")
    assert browser.refresh == parent
    assert await lives(browser)


async def test_another_site_cannot_have_a_session_renewed_and_drop_the_answer(service, browser):
    """Or it could sign visitors out: the browser would hold a parent, which is theft later on."""
    let_it_expire(browser)
    held = Browser(service, browser.cookies)
    for headers in NOT_OPENED:
        answer = await held.get(headers=headers)
        refused(answer, 401, "unauthenticated")
        assert not answer.headers.get_list("set-cookie"), headers
    assert await lives(browser)


async def test_a_link_on_another_site_opens_a_page_for_who_is_signed_in(browser):
    """Where `cookie_samesite` lets the cookie come; by default the browser keeps it back."""
    let_it_expire(browser)
    link = {**PAGE, "Sec-Fetch-Site": "cross-site"}
    assert (await browser.get(headers=link)).status_code == 200
    assert await lives(browser)


async def test_another_site_cannot_open_a_websocket_with_the_cookie(service, browser):
    """Cross-site WebSocket hijacking: no same-origin policy keeps a page from opening one."""
    app = service.client._transport.app
    cookie = (b"cookie", f"{service.access_cookie}={browser.access}".encode())
    for headers in ELSEWHERE:
        listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        status, _, body = answered(await shake_hands(app, headers=[cookie, *listed]))
        assert (status, body["code"]) == (403, "csrf_failed"), headers
        (closed,) = await shake_hands(app, headers=[cookie, *listed], answers=False)
        assert closed["type"] == "websocket.close"
    origin = (b"origin", service.settings.base_url.encode())
    sent = await shake_hands(app, headers=[cookie, origin])
    assert sent[0]["type"] == "websocket.accept"


async def test_a_stolen_cookie_on_the_way_in_ends_the_session_and_says_why(service, browser):
    thief = Browser(service, browser.cookies)
    let_it_expire(browser)
    thief.cookies.pop(service.access_cookie)
    assert (await browser.get()).status_code == 200
    let_it_expire(browser)
    assert (await browser.get()).status_code == 200  # its parent is in use now
    service.clock.advance(service.settings.leeway + 1)
    answer = await thief.get()
    refused(answer, 401, "refresh_refused", reason="reuse_detected")
    assert not answer.headers.get_list("set-cookie")
    answer = await browser.get()
    refused(answer, 401, "refresh_refused", reason="reuse_detected")


async def test_a_planted_cookie_is_not_taken_for_ours(service, browser):
    """Two of one name: which is ours can't be told. One of another name is not looked at."""
    other = (await signed_in(service)).access
    name = service.access_cookie
    for line in (f"{name}={browser.access}; {name}={other}", f"{name}={other}; {name}=x"):
        answer = await service.client.request("GET", "/page", headers={"Cookie": line})
        refused(answer, 400, "malformed")
    for planted in ("Admit-Access", "admit-access ", "__Host-admit-access"):
        answer = await service.client.request(
            "GET", "/page", headers={"Cookie": f"{planted.strip()}x={other}"}
        )
        refused(answer, 401, "unauthenticated")


async def test_doubled_cookies_do_not_reach_the_app_behind_a_renewal(service, browser):
    """Two `Cookie` headers: the app sees one, with the token that was checked and no other."""
    let_it_expire(browser)
    access, refresh = service.access_cookie, service.refresh_cookie
    headers = [
        ("Cookie", f"{access}=planted; a=1"),
        ("Cookie", f"{refresh}={browser.refresh}; b=2"),
    ]
    answer = await service.client.request("GET", "/page", headers=headers)
    assert answer.status_code == 200
    headers[0] = ("Cookie", f"{refresh}=planted")
    answer = await service.client.request("GET", "/page", headers=headers)
    refused(answer, 400, "malformed")
    assert not answer.headers.get_list("set-cookie")


async def test_a_refused_caller_makes_the_route_do_nothing(service):
    """Nor does a body decide whether it is guarded."""
    for content, type_ in ((b"{", "application/json"), (b"\xff", "text/plain"), (b"a=1", "")):
        answer = await service.client.request(
            "POST", "/page", content=content, headers={"Content-Type": type_}
        )
        refused(answer, 401, "unauthenticated")


async def test_a_method_in_a_header_does_not_make_a_change_safe(browser):
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method"):
        headers = {name: "GET", "Sec-Fetch-Site": "cross-site"}
        refused(await browser.get(method="POST", headers=headers), 403, "csrf_failed")


async def test_neither_token_nor_cookie_is_logged(browser, caplog):
    let_it_expire(browser)
    parent = browser.refresh
    with caplog.at_level("DEBUG"):
        assert (await browser.get()).status_code == 200
        await browser.get("/broken")
    for secret in (parent, browser.refresh, browser.access):
        assert secret not in caplog.text
        assert json.dumps(secret)[1:-1] not in caplog.text
