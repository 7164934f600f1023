"""The pages to sign in and up, in Chromium: what people do with them, by mouse and by keyboard."""

import re
import threading
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.browser.fixtures import patient
from tests.browser.hosted import ADA, NEW, account, complaints, focused, opened, shown, sign_in
from tests.browser.sites import PASSWORD
from tests.browser.wire import Answer, pass_on
from tests.servers import PATIENCE


@pytest.fixture
def sites(new_sites):
    """The sites with the pages."""
    with new_sites(pages=True) as sites:
        yield sites


def test_whoever_signs_up_by_keyboard_alone_is_signed_in_and_asks_nobody_else(sites, context):
    tab, watch = opened(sites, context, "/auth/sign-up")
    tab.focus("#username")
    for typed in ("ada", ADA, PASSWORD):
        tab.keyboard.type(typed)
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "show"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")

    shown(tab)
    assert urlsplit(tab.url).path == "/auth/account"
    assert tab.text_content("#email") == ADA
    assert tab.text_content("#username") == "ada"
    assert watch.origins == {sites.url}
    assert complaints(watch) == []


def test_a_wrong_field_is_said_beside_it_and_has_the_focus(sites, context):
    sites.have("ada")
    tab, _ = opened(sites, context, "/auth/sign-up?lang=de")
    tab.click("button[type=submit]")
    assert focused(tab) == "email"
    assert (
        tab.text_content("#email-wrong")
        == tab.text_content("#password-wrong")
        == "Bitte ausfüllen."
    )

    tab.fill("#username", "ad")
    tab.fill("#email", ADA)
    tab.fill("#password", "short")
    tab.click("button[type=submit]")
    tab.wait_for_selector("#username[aria-invalid=true]")
    assert focused(tab) == "username"
    assert "3 bis 64 Buchstaben" in tab.text_content("#username-wrong")
    assert "mindestens 8 Zeichen" in tab.text_content("#password-wrong")
    assert not tab.is_visible("#email-wrong")

    tab.fill("#username", "")
    tab.fill("#password", NEW)
    tab.click("button[type=submit]")
    tab.wait_for_selector("#email[aria-invalid=true]")
    assert focused(tab) == "email"
    assert "hat schon ein Konto" in tab.text_content("#email-wrong")
    assert not tab.is_visible("#password-wrong")


def test_a_wrong_password_is_told_and_the_right_one_leads_where_one_was_going(sites, context):
    sites.have("ada")
    tab, _ = opened(sites, context, "/auth/sign-in?return_to=/plain%3Fx%3D1")
    sign_in(tab, password="wrong")
    alert = tab.wait_for_selector("[role=alert]:not([hidden])")
    assert alert.text_content() == "That login or password is wrong."
    assert focused(tab) == "password"
    assert tab.url.endswith("/auth/sign-in?return_to=/plain%3Fx%3D1")

    tab.keyboard.type(PASSWORD)  # what was wrong is selected, and typed over
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{sites.url}/plain?x=1")


def test_who_must_wait_is_told_how_long(new_sites, context):
    with new_sites(pages=True, throttle="on", throttle_login="1/minute") as sites:
        sites.have("ada")
        tab, _ = opened(sites, context, "/auth/sign-in")
        sign_in(tab, password="wrong")
        tab.wait_for_selector("[role=alert]:not([hidden])")
        tab.click("button[type=submit]")

        said = tab.wait_for_selector("[role=alert]:has-text('Too many')").text_content()
        assert re.fullmatch(r"Too many attempts\. Try again in \d+ (second|minute)s?\.", said), said


PRESS_AGAIN_AND_AGAIN = """setInterval(() => {
  document.forms[0].requestSubmit();
  fetch("/pressed");
}, 50)"""


def test_whoever_presses_again_while_the_next_page_is_slow_signs_in_once(sites, context):
    """The answer to a second sign-in would be lost with the page, and the session with it."""
    sites.have("ada")
    pressed = threading.Semaphore(0)

    def slow(asked, ask):
        if asked.path == "/pressed":
            pressed.release()
        if asked.path == "/plain":
            while pressed.acquire(blocking=False):
                pass
            for _ in range(4):
                pressed.acquire(timeout=PATIENCE)
        return ask()

    sites.wire.rule = slow
    tab, _ = opened(sites, context, "/auth/sign-in?return_to=/plain")
    tab.wait_for_selector("button.show:not([hidden])")
    tab.fill("#login", ADA)
    tab.fill("#password", PASSWORD)
    tab.evaluate(PRESS_AGAIN_AND_AGAIN)
    tab.wait_for_url(f"{sites.url}/plain")

    assert sum(each.path == "/auth/login" for each in sites.wire.seen) == 1


def test_whoever_is_signed_in_already_goes_on_at_once(sites, context):
    account(sites, context)
    for page in ("sign-in", "sign-up"):
        tab, _ = opened(sites, context, f"/auth/{page}?return_to=/plain")
        tab.wait_for_url(f"{sites.url}/plain")


def test_whoever_is_signed_in_signs_in_once_more_where_the_address_asks_for_it(sites, context):
    """A guard that wants a recent sign-in has a page to send its user to."""
    account(sites, context)
    path = "/auth/sign-in?prompt=login&return_to=/plain"
    tab, watch = opened(sites, context, path)
    reason = tab.wait_for_selector("#again:not([hidden])").text_content()
    assert reason == "To go on, show that it is you: sign in once more."
    assert tab.input_value("#login") == ADA
    tab.fill("#password", "wrong")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[role=alert]:not([hidden])")
    assert [each["ended_because"] for each in sites.sessions()] == [None]

    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{sites.url}/plain")
    assert [each["ended_because"] is None for each in sites.sessions()] == [False, True]
    assert complaints(watch) == []


def test_once_more_does_not_go_on_when_another_tab_signs_in_and_is_plain_for_a_stranger(
    sites, context
):
    tab, _ = opened(sites, context, "/auth/sign-in?prompt=login&lang=de&return_to=/plain")
    tab.wait_for_load_state("networkidle")
    assert not tab.is_visible("#again")
    account(sites, context)
    tab.click("text=English")
    tab.wait_for_selector("html[lang=en] #again:not([hidden])")
    assert tab.input_value("#login") == ADA


def test_a_page_to_sign_in_goes_on_when_one_signs_in_in_another_tab(sites, context):
    waiting, _ = opened(sites, context, "/auth/sign-in?return_to=/plain")
    account(sites, context)

    waiting.wait_for_url(f"{sites.url}/plain")


def test_a_password_can_be_pasted_shown_and_hidden(sites, context):
    sites.have("ada")
    tab, _ = opened(sites, context, "/auth/sign-in")
    tab.fill("#login", PASSWORD)
    tab.press("#login", "Control+a")
    tab.press("#login", "Control+c")
    tab.press("#password", "Control+v")
    tab.click(".show")
    shown_as = tab.get_attribute("#password", "type"), tab.get_attribute(".show", "aria-label")
    tab.click(".show")
    hidden_as = tab.get_attribute("#password", "type"), tab.get_attribute(".show", "aria-label")

    assert tab.input_value("#password") == PASSWORD
    assert shown_as == ("text", "Hide password")
    assert hidden_as == ("password", "Show password")


def test_without_scripts_the_page_says_so_and_sends_the_password_nowhere(sites, new_context):
    tab, _ = opened(sites, new_context(java_script_enabled=False), "/auth/sign-in")
    assert "JavaScript" in tab.inner_text("main")
    tab.fill("#login", ADA)
    tab.fill("#password", PASSWORD)
    with tab.expect_console_message(lambda said: "form-action" in said.text):
        tab.click("button[type=submit]", no_wait_after=True)

    assert tab.url == f"{sites.url}/auth/sign-in"
    assert [each for each in sites.wire.seen if each.method != "GET" or "?p" in each.path] == []


def test_a_page_whose_scripts_are_held_back_says_so_and_one_that_started_does_not(
    sites, new_context
):
    """By a content blocker, or a browser too old for them: nothing else would say a word.

    Whoever wants no motion has animations turned off, and not this one: it is a clock.
    """
    context = new_context(reduced_motion="reduce")
    gone = Answer(404, [("Content-Type", "text/plain")], b"")
    sites.wire.rule = lambda asked, ask: gone if "/client.js" in asked.path else ask()
    tab, _ = opened(sites, context, "/auth/sign-in")
    assert not tab.is_visible("#not-started")
    tab.evaluate("document.getAnimations().forEach((each) => each.finish())")
    assert "has not started" in tab.wait_for_selector("#not-started").text_content()

    sites.wire.rule = pass_on
    tab.reload()
    tab.wait_for_selector("#not-started", state="detached")
    assert not tab.is_visible("#no-cookies")


def test_who_lets_no_cookies_in_is_told_before_anything_is_typed(
    sites, program, tmp_path, no_cover
):
    """Whoever signed in would only come back to the form, and wonder."""
    with closing(program.without_cookies(tmp_path / "profile")) as context:
        tab, _ = opened(sites, patient(context), "/auth/sign-in?lang=de")
        told = tab.wait_for_selector("#no-cookies:not([hidden])").text_content()

    assert "braucht Cookies" in told


def test_an_answer_that_is_none_of_ours_is_told_and_not_shown(sites, context):
    """A portal of some hotel answers for everybody."""
    sites.have("ada")
    portal = Answer(200, [("Content-Type", "text/html")], b"<h1>Welcome, guest</h1>")
    tab, _ = opened(sites, context, "/auth/sign-in")
    sites.wire.rule = lambda asked, ask: portal if asked.path == "/auth/login" else ask()
    sign_in(tab)

    alert = tab.wait_for_selector("[role=alert]:not([hidden])")
    assert "not what this page expected" in alert.text_content()
