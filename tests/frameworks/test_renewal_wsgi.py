"""Pages that a server renders: six requests at once with an expired access cookie all succeed."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.test import override_settings

from admit import Admit
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_caller import PASSWORD, Clock
from tests.cheap import cheap
from tests.frameworks.django_site import MIDDLEWARE, Site
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import called, environ_of

EXPIRED = 911
AT_ONCE = 6


class Browser:
    """Calls a WSGI app from threads, with cookies of its own."""

    def __init__(self, app, auth):
        self.app = app
        self.auth = auth
        self.cookies = {}

    def send(self, method, path, *, headers=(), cookies=None, json=None):
        held = "; ".join(f"{k}={v}" for k, v in (cookies or self.cookies).items())
        sent = [*headers, *([("Cookie", held)] if held else [])]
        url = f"http://localhost:8000{path}"
        request = httpx.Request(method, url, headers=sent, json=json)
        status, headers, body = called(self.app, environ_of(request, request.read()))
        return httpx.Response(status, headers=headers, content=body)

    def keep(self, answer):
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value  # Django writes a blank before it

    def sign_in(self, email):
        self.send("POST", "/auth/register", json={"email": email, "password": PASSWORD})
        self.keep(self.send("POST", "/auth/login", json={"login": email, "password": PASSWORD}))
        assert set(self.cookies) == {"admit-refresh", "admit-access"}


def reads_cookies_first(get_response):
    """A middleware of the project that stands before Admit's, against its advice."""

    def middleware(request):
        assert request.COOKIES is not None
        return get_response(request)

    return middleware


@pytest.fixture(params=["flask", "django"])
def browser(request, tmp_path):
    clock = Clock()
    settings = cheap(data_dir=tmp_path, access_cookie=True, session_ttl="365d")
    auth = Admit(settings, clock=clock)
    if request.param == "flask":
        yield Browser(flask_app(auth), auth)
    else:
        first = f"{__name__}.reads_cookies_first"
        with Site(auth) as site, override_settings(MIDDLEWARE=[first, *MIDDLEWARE]):
            yield Browser(site.wsgi(), auth)
    BRIDGE.call(auth.close())


def at_once(browser, path="/guarded", **given):
    with ThreadPoolExecutor(AT_ONCE) as threads:
        cookies = dict(browser.cookies)
        asked = [
            threads.submit(browser.send, "GET", path, cookies=cookies, **given)
            for _ in range(AT_ONCE)
        ]
        return [each.result() for each in asked]


def test_six_at_once_all_succeed_thirty_times_over(browser):
    """They get one successor; with it the session lives on, and nobody may store the answers."""
    browser.sign_in("ada@example.com")
    for _ in range(30):
        browser.auth.clock.advance(EXPIRED)
        answers = at_once(browser)
        assert [each.status_code for each in answers] == [200] * AT_ONCE
        delivered = {
            line.partition(";")[0].strip()
            for each in answers
            for line in each.headers.get_list("set-cookie")
            if "admit-refresh=" in line
        }
        assert len(delivered) == 1
        assert all(each.headers["cache-control"].startswith("no-store") for each in answers)
        before = browser.cookies["admit-refresh"]
        for each in answers:
            browser.keep(each)
        assert browser.cookies["admit-refresh"] != before
    fresh = browser.send("GET", "/guarded")
    assert (fresh.status_code, fresh.headers.get_list("set-cookie")) == (200, [])
    assert browser.send("POST", "/auth/refresh").status_code == 200


def test_a_page_without_a_guard_renews_too(browser):
    browser.sign_in("ada@example.com")
    del browser.cookies["admit-access"]
    assert browser.send("GET", "/open").headers.get_list("set-cookie") != []


def test_another_site_renews_nothing_that_changes_something(browser):
    browser.sign_in("ada@example.com")
    browser.auth.clock.advance(EXPIRED)
    crossed = [("Sec-Fetch-Site", "cross-site")]
    answer = browser.send("POST", "/guarded", headers=crossed)
    assert answer.status_code in {401, 403}
    assert answer.headers.get_list("set-cookie") == []
    del browser.cookies["admit-access"]
    answer = browser.send("POST", "/guarded", headers=crossed)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert browser.send("POST", "/guarded").status_code == 200


def test_a_session_that_was_ended_says_why(browser):
    browser.sign_in("ada@example.com")
    held = dict(browser.cookies)
    assert browser.send("POST", "/auth/logout").status_code == 204
    del held["admit-access"]
    answer = browser.send("GET", "/guarded", cookies=held)
    assert (answer.status_code, answer.json()["reason"]) == (401, "signed_out")
    assert answer.headers.get_list("set-cookie") == []
    assert browser.send("GET", "/open", cookies=held).status_code == 200


def test_a_stolen_refresh_cookie_ends_the_session(browser):
    """The law holds on this way in as well."""
    browser.sign_in("ada@example.com")
    stolen = {"admit-refresh": browser.cookies["admit-refresh"]}
    for _ in range(2):
        browser.auth.clock.advance(EXPIRED)
        browser.keep(browser.send("GET", "/guarded"))
    answer = browser.send("GET", "/guarded", cookies=stolen)
    assert (answer.status_code, answer.json()["reason"]) == (401, "reuse_detected")
    assert browser.send("GET", "/guarded").status_code == 401


def test_a_page_that_signs_out_by_itself_keeps_its_cookies_removed(browser):
    """What the view sets wins over what was renewed; and no cache is told to keep the answer."""
    browser.sign_in("ada@example.com")
    browser.auth.clock.advance(EXPIRED)
    answer = browser.send("GET", "/leaves")
    lines = [each.strip() for each in answer.headers.get_list("set-cookie")]
    assert sorted(each.partition("=")[0] for each in lines) == ["admit-access", "admit-refresh"]
    assert "Max-Age=0" in next(each for each in lines if each.startswith("admit-refresh="))
    assert answer.headers["cache-control"].startswith("no-store")
    assert "expires" not in answer.headers


def test_a_page_elsewhere_renews_nothing_but_by_opening_ours(browser):
    browser.sign_in("ada@example.com")
    browser.auth.clock.advance(EXPIRED)
    crossed = [("Sec-Fetch-Site", "cross-site")]
    image = [*crossed, ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")]
    page = [*crossed, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    assert browser.send("GET", "/guarded", headers=image).status_code == 401
    assert browser.send("GET", "/guarded", headers=page).status_code == 200


def test_a_view_sees_the_cookies_that_it_was_let_in_by(browser):
    browser.sign_in("ada@example.com")
    del browser.cookies["admit-access"]
    answer = browser.send("GET", "/cookies")
    (given,) = [each for each in answer.headers.get_list("set-cookie") if "admit-access=" in each]
    assert answer.json()["admit-access"] == given.strip().partition(";")[0].partition("=")[2]
