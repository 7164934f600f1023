"""The account in Chromium: devices, the password, and how it ends."""

import re
import sqlite3
from contextlib import closing

import httpx
import pytest

from tests.browser.hosted import (
    ADA,
    IPHONE,
    NEW,
    account,
    complaints,
    focused,
    opened,
    reason,
    shown,
    signed_in_elsewhere,
)
from tests.browser.sites import OURS, PASSWORD, PEOPLE, sign_in
from tests.browser.wire import lose, pass_on


@pytest.fixture
def sites(new_sites):
    """The sites with the pages."""
    with new_sites(pages=True) as sites:
        yield sites


def test_devices_are_told_in_words_and_can_be_signed_out(sites, context):
    sites.have("ada")
    signed_in_elsewhere(sites)
    signed_in_elsewhere(sites, "<b>odd</b>")
    tab, watch = account(sites, context)
    called = tab.locator("#devices .called span:first-child").all_text_contents()
    assert called[0] == "Chrome on Linux"
    assert sorted(called[1:]) == ["Safari on iPhone", "Unknown device"]
    told = tab.locator("#devices .seen").all_text_contents()
    assert told[0].startswith("Active now from 127.0.0.1 · Signed in ")
    assert told[1].startswith("Last seen ")
    assert tab.locator("#devices .badge").all_text_contents() == ["This one"]
    assert tab.get_attribute("#devices [title^='<b>']", "title") == "<b>odd</b>"

    tab.click("[aria-label='Sign out Safari on iPhone']")
    tab.wait_for_selector("#said:not([hidden])")
    assert tab.text_content("#said") == "Safari on iPhone is signed out."
    assert focused(tab) == "said"
    assert tab.locator("#devices li").count() == 2
    assert [each["ended_because"] for each in sites.sessions()] == ["signed_out", None, None]
    assert complaints(watch) == []


def test_the_way_to_the_admin_page_is_there_for_who_has_the_role_and_nobody_else(
    new_sites, context, tmp_path
):
    with new_sites(pages=True, admin_role="boss") as sites:
        tab, _ = account(sites, context)
        assert not tab.is_visible("#admin")
        with closing(sqlite3.connect(tmp_path / "admit.db", timeout=60)) as db:
            db.execute("UPDATE users SET roles = '[\"boss\"]'")
            db.commit()
        tab.reload()
        shown(tab)

        assert tab.is_visible("#admin")
        assert tab.text_content("#roles") == "boss"


def test_the_password_can_be_changed_and_every_other_device_is_signed_out(sites, context):
    sites.have("ada")
    signed_in_elsewhere(sites)
    tab, _ = account(sites, context)
    assert tab.input_value("input[autocomplete=username]") == ADA

    tab.fill("#current_password", "wrong")
    tab.fill("#new_password", NEW)
    tab.click("#password button[type=submit]")
    tab.wait_for_selector("#current_password[aria-invalid=true]")
    assert tab.text_content("#current_password-wrong") == "This is not your current password."
    assert focused(tab) == "current_password"

    tab.fill("#current_password", PASSWORD)
    tab.fill("#new_password", "password")
    tab.click("#password button[type=submit]")
    tab.wait_for_selector("#new_password[aria-invalid=true]")
    assert focused(tab) == "new_password"

    tab.fill("#new_password", NEW)
    tab.click("#password button[type=submit]")
    tab.wait_for_selector("#password .notice:not([hidden])")
    tab.wait_for_selector("#devices li:only-child")
    assert "is changed" in tab.text_content("#password .notice")
    assert tab.input_value("#new_password") == ""
    ended = [each["ended_because"] for each in sites.sessions()]
    assert ended == ["password_changed", None]


def test_signing_out_everywhere_is_asked_about_first(sites, context):
    sites.have("ada")
    signed_in_elsewhere(sites)
    tab, _ = account(sites, context)
    tab.focus("#everywhere")
    tab.keyboard.press("Enter")
    assert tab.is_visible("#sure")
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#sure")
    assert focused(tab) == "everywhere"
    assert [each["ended_because"] for each in sites.sessions()] == [None, None]

    tab.keyboard.press("Enter")
    tab.click("#sure-yes")
    assert reason(tab) == ["signed_out"]
    assert [each["ended_because"] for each in sites.sessions()] == ["signed_out", "signed_out"]


def test_signing_out_in_one_tab_is_known_in_the_others_at_once(sites, context):
    first, _ = account(sites, context)
    second, _ = opened(sites, context, "/auth/account")
    shown(second)
    first.click("#sign-out")

    assert reason(second) == reason(first) == ["signed_out"]
    assert "You are signed out" in second.inner_text("h1")


def test_somebody_else_who_signs_in_in_another_tab_is_shown_in_their_place(sites, context):
    tab, _ = account(sites, context)
    sites.have("bob")
    other = sites.open(context)
    sign_in(other, "bob")

    tab.wait_for_selector(f"#email:has-text('{PEOPLE['bob']}')")
    assert ADA not in tab.inner_text("body")


def test_a_session_that_was_ended_elsewhere_leads_to_why(sites, context):
    sites.have("ada")
    other = sites.post("/auth/login", {"login": ADA, "password": PASSWORD, "delivery": "body"})
    tab, _ = account(sites, context)
    live = sites.sessions()[1]["id"]
    headers = {
        "Authorization": f"Bearer {other.json()['access_token']}",
        "Host": OURS,
    }
    url = f"http://127.0.0.1:{sites.wire.to}/auth/sessions/{live}"
    assert httpx.delete(url, headers=headers).status_code == 204
    tab.click("[aria-label^='Sign out Python']")

    assert reason(tab) == ["signed_out"]


def test_after_signing_out_going_back_shows_nothing_of_the_account(sites, context):
    tab, _ = account(sites, context)
    tab.goto(f"{sites.url}/")
    tab.wait_for_function("'admit' in globalThis")
    tab.evaluate("admit.signOut()")
    tab.go_back(wait_until="commit")

    tab.wait_for_url(re.compile("/auth/(sign-in|signed-out)"))
    assert ADA not in tab.inner_text("body")


def test_a_page_that_a_browser_kept_as_it_was_is_loaded_anew_before_it_is_seen(sites, context):
    """Chromium keeps none that nobody may store, so it is told here that it did; others do."""
    tab, _ = account(sites, context)
    tab.evaluate("document.body.dataset.kept = 'as it was'")
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    assert not tab.is_visible("#account")
    tab.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")

    tab.wait_for_selector("body:not([data-kept]) #account:not([hidden])")


def test_while_the_server_is_away_nobody_is_signed_out_and_one_may_try_again(sites, context):
    account(sites, context)
    tab = context.new_page()
    sites.wire.rule = lambda asked, ask: (
        lose(asked, ask) if asked.path in {"/auth/refresh", "/auth/me"} else ask()
    )
    tab.goto(f"{sites.url}/auth/account")
    tab.wait_for_selector("#away:not([hidden])")
    assert "cannot be reached" in tab.text_content("#away-why")
    assert not tab.is_visible("#account")

    sites.wire.rule = pass_on
    while tab.is_visible("#away"):  # what failed just now is not asked for again within a second
        tab.click("#again")
        tab.wait_for_selector("#loading", state="hidden")
    shown(tab)
    assert tab.text_content("#email") == ADA


DEVICES = {
    IPHONE: ["Safari", "iPhone"],
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0": ["Edge", "Windows"],
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/150.0.0.0 Safari/537.36 OPR/120.0.0.0": ["Opera", "macOS"],
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/19.0 Safari/605.1.15": ["Safari", "macOS"],
    "Mozilla/5.0 (Linux; Android 16; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/29.0 Chrome/130.0.0.0 Mobile Safari/537.36": ["Samsung Internet", "Android"],
    "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0": ["Firefox", "Linux"],
    "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " CriOS/150.0 Mobile/15E148 Safari/604.1": ["Chrome", "iPad"],
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) FxiOS/150.0 Mobile/15E148 Safari/605.1.15": ["Firefox", "iPhone"],
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/150.0.0.0 Safari/537.36": ["Chrome", "ChromeOS"],
    "curl/8.9.1": ["curl", None],
    "python-httpx/0.28.1": ["Python", None],
    "python-requests/2.32": ["Python", None],
    "something else": [None, None],
    "": [None, None],
}


def test_a_browser_and_its_system_are_told_by_what_they_call_themselves(sites, context):
    tab, _ = opened(sites, context, "/plain")
    told = tab.evaluate(
        """async (all) => {
          const { device } = await import("/auth/static/device.js");
          return all.map((each) => device(each)).map(({ browser, system }) => [browser, system]);
        }""",
        [*DEVICES, None],
    )

    assert dict(zip(DEVICES, told, strict=False)) == DEVICES
    assert told[-1] == [None, None]


def test_how_long_ago_is_told_by_the_servers_clock_alone(sites, context):
    tab, _ = opened(sites, context, "/plain")
    told = tab.evaluate(
        """async (spans) => {
          const { ago } = await import("/auth/static/ago.js");
          const now = Date.parse("2031-01-01T00:00:00Z");
          return spans.map((each) => ago(new Date(now - each * 1000).toISOString(), now, "en"));
        }""",
        [-5, 59, 60, 3_599, 7_200, 86_400, 700_000, 2_592_000, 40_000_000],
    )

    assert told == [
        *("now", "now", "1 minute ago", "59 minutes ago", "2 hours ago"),
        *("yesterday", "last week", "last month", "last year"),
    ]
