"""The admin page in Chromium: what each section shows and does, and what it says where it can't."""

import json
import re
import threading
from functools import partial
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.administered import IPHONE, ROLE, administered, failed
from tests.browser.axe import faults
from tests.browser.fixtures import patient
from tests.browser.sites import PASSWORD, opened
from tests.browser.watching import Watch
from tests.browser.wire import Answer, lose, pass_on
from tests.servers import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)


pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def story(tmp_path_factory, certificate):
    """One installation for all of these tests, each of which has somebody of its own in it."""
    data_dir = tmp_path_factory.mktemp("admin")
    with administered(partial(opened, data_dir, certificate), data_dir) as story:
        roles = {"zoe": (ROLE,)}
        story.have(**{name: roles.get(name, ()) for name in ("cy", "dan", "eve", "fay", "zoe")})
        yield story


@pytest.fixture(scope="module")
def desk(story, chromium):
    """The browser of `ada`, who administers and is signed in."""
    context = patient(chromium.new_context())
    story.page(context).close()
    yield context
    context.close()


@pytest.fixture(scope="module")
def browser(chromium):
    """The browser of somebody else; it keeps files, so that each test loads them no more."""
    context = patient(chromium.new_context())
    yield context
    context.close()


@pytest.fixture
def visitor(browser):
    """Whoever comes with it, comes for the first time."""
    browser.clear_cookies()
    return browser


@pytest.fixture
def tab(story, desk):
    """A tab of the one who administers, on the page of all users."""
    tab = desk.new_page()
    go(tab, story)
    yield tab
    story.sites.wire.rule = pass_on
    tab.close()


def go(tab, story, hash_=""):
    """Open this place as one who comes from elsewhere."""
    tab.goto("about:blank")
    tab.goto(f"{story.sites.url}/auth/admin{hash_}")


def rows(tab):
    return tab.locator("tbody tr")


def heading(tab, text):
    expect(tab.get_by_role("heading", level=1)).to_have_text(text)


def sure(tab, action):
    """Answer the question with yes, once it says so."""
    tab.get_by_role("dialog").get_by_role("button", name=action).click()
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_users_are_found_as_one_types_and_a_late_answer_changes_nothing(story, tab):
    expect(rows(tab)).to_have_count(len(story.ids))
    release, late = threading.Event(), threading.Event()

    def rule(asked, ask):
        if not asked.path.endswith("search=b"):
            return ask()
        release.wait(PATIENCE)
        late.set()
        return ask()

    story.sites.wire.rule = rule
    search = tab.get_by_label("Search")
    search.fill("b")
    story.sites.wire.wait_for("/auth/admin/users?search=b", 1, "GET")
    search.fill("nobody at all")
    none = tab.get_by_role("status").filter(has_text="No user is found")
    expect(none).to_be_visible()
    release.set()
    assert late.wait(PATIENCE)
    tab.evaluate("fetch('/auth/openapi.json').then((answer) => answer.text())")
    expect(none).to_be_visible()
    search.fill("bob.bob")
    expect(rows(tab)).to_have_count(1)
    expect(rows(tab)).to_contain_text("bob@example.com")
    assert tab.url.endswith("#users?search=bob.bob")


def test_each_section_is_a_place_of_its_own(story, tab):
    heading(tab, "Users")
    tab.get_by_role("link", name="bob@example.com").click()
    heading(tab, "bob@example.com")
    assert tab.title().startswith("bob@example.com · ")
    expect(tab.get_by_role("heading", level=1)).to_be_focused()
    for name in ("Sessions", "Audit trail", "Activity"):
        link = tab.get_by_role("navigation", name="Sections").get_by_role("link", name=name)
        link.click()
        heading(tab, name)
        expect(link).to_have_attribute("aria-current", "page")
        expect(tab.get_by_role("heading", level=1)).to_be_focused()
        assert tab.title().startswith(f"{name} · ")
    tab.go_back()
    heading(tab, "Audit trail")
    tab.go_back()
    tab.go_back()
    heading(tab, "bob@example.com")
    tab.go_forward()
    heading(tab, "Sessions")
    tab.reload()
    heading(tab, "Sessions")


def test_a_user_is_disabled_after_a_question_that_names_them_and_enabled_again(story, tab):
    story.sign_in("bob", user_agent=IPHONE)
    go(tab, story, f"#users/{story.ids['bob']}")
    tab.get_by_role("button", name="Disable").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("bob@example.com")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert story.sign_in("bob").status_code == 200
    tab.get_by_role("button", name="Disable").click()
    sure(tab, "Disable")
    expect(tab.get_by_text("This user is signed in nowhere.")).to_be_visible()
    expect(tab.locator(".facts")).to_contain_text("Disabled")
    expect(tab.locator(".trail")).to_contain_text("by ada@example.com")
    expect(tab.get_by_role("heading", level=1)).to_be_focused()
    assert story.sign_in("bob").status_code == 401
    tab.get_by_role("button", name="Enable").click()
    sure(tab, "Enable")
    expect(tab.get_by_role("button", name="Disable")).to_be_visible()
    assert story.sign_in("bob").status_code == 200


def test_roles_are_added_and_taken_away(story, tab):
    go(tab, story, f"#users/{story.ids['cy']}")
    field = tab.get_by_label("Add a role")
    field.fill("two words")
    field.press("Enter")
    expect(tab.get_by_role("alert").filter(has_text="1 to 64 letters")).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("two words")
    field.fill("editor")
    field.press("Enter")
    expect(tab.get_by_role("listitem").filter(has_text="editor")).to_be_visible()
    tab.get_by_label("Add a role").fill(ROLE)
    tab.get_by_role("button", name="Add").click()
    expect(tab.get_by_role("dialog")).to_contain_text("administrator")
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Remove the role editor").click()
    expect(tab.get_by_role("dialog")).to_contain_text("cy@example.com")
    sure(tab, "Remove")
    expect(tab.get_by_role("listitem").filter(has_text="editor")).to_have_count(0)
    expect(tab.locator(".trail")).to_contain_text("Roles changed")
    go(tab, story, f"#users/{story.ids['ada']}")  # nobody is offered to lock themselves out
    expect(tab.get_by_text("This is your own account")).to_be_visible()
    expect(tab.get_by_role("button", name="Disable")).to_have_count(0)
    expect(tab.get_by_role("button", name=f"Remove the role {ROLE}")).to_have_count(0)


def test_sessions_of_a_user_are_ended_one_and_all(story, tab):
    for agent in (IPHONE, "curl/8.1", "curl/8.2"):
        story.sign_in("dan", user_agent=agent)
    go(tab, story, f"#users/{story.ids['dan']}")
    devices = tab.get_by_role("region", name="Signed in on")
    phone = devices.get_by_role("row").filter(has_text="Safari on iPhone")
    phone.get_by_role("button", name="End").click()
    expect(tab.get_by_role("dialog")).to_contain_text("Safari on iPhone")
    sure(tab, "End")
    expect(phone).to_have_count(0)
    devices.get_by_role("button", name="End all").click()
    expect(tab.get_by_role("dialog")).to_contain_text("2 devices")
    sure(tab, "End all")
    expect(tab.get_by_text("This user is signed in nowhere.")).to_be_visible()
    his = [each for each in story.sites.sessions() if each["user_id"] == story.ids["dan"]]
    assert [each["ended_because"] for each in his] == ["revoked"] * 3


def test_recent_sign_ins_say_what_became_of_them(story, tab):
    story.sign_in("eve", user_agent=IPHONE)
    go(tab, story, "#sessions")
    his = rows(tab).filter(has_text="eve@example.com")
    expect(his).to_contain_text("Safari on iPhone")
    expect(his.locator(".badge")).to_have_text("Signed in")
    expect(rows(tab).filter(has_text="ada@example.com").first).to_contain_text("This one")
    his.get_by_role("button", name="End").click()
    expect(tab.get_by_role("dialog")).to_contain_text("eve@example.com")
    sure(tab, "End")
    expect(his.locator(".badge")).to_have_text("Ended by an administrator")
    his.get_by_role("link", name="Safari on iPhone").click()
    heading(tab, "Session")
    expect(tab.locator(".facts")).to_contain_text(IPHONE)
    tab.get_by_role("link", name="eve@example.com").click()
    heading(tab, "eve@example.com")


def test_the_trail_is_filtered_by_user_kind_and_day(story, tab):
    fay, day = story.ids["fay"], 86_400.0
    story.happened(
        failed(fay, at=story.now - 9 * day),
        failed(fay, at=story.now),
        failed(None, at=story.now, reason="unknown_login"),
    )
    go(tab, story, "#trail")
    tab.get_by_label("Kind").select_option("Sign-in refused")
    expect(rows(tab).filter(has_text="There is no such account")).to_have_count(1)
    tab.get_by_label("User (").fill("FAY.FAY")
    expect(rows(tab)).to_have_count(2)
    expect(rows(tab).first).to_contain_text("The password was wrong")
    since = tab.evaluate("new Date(Date.now() - 7 * 864e5).toISOString().slice(0, 10)")
    tab.get_by_label("Since").fill(since)
    expect(rows(tab)).to_have_count(1)
    tab.reload()
    expect(tab.get_by_label("User (")).to_have_value("FAY.FAY")
    expect(tab.get_by_label("Since")).to_have_value(since)
    expect(rows(tab)).to_have_count(1)
    tab.get_by_label("User (").fill("nobody")
    expect(tab.get_by_text("There is no such user.")).to_be_visible()
    expect(tab.get_by_label("User (")).to_have_attribute("aria-invalid", "true")
    tab.get_by_role("button", name="Clear").click()
    expect(rows(tab).filter(has_text="Registered").first).to_be_visible()


def test_activity_is_told_by_the_pointer_by_the_keyboard_and_in_a_table(story, tab):
    story.happened(*[failed(None, at=story.now - 60, reason="raced")] * 3)
    go(tab, story, "#activity")
    plot = tab.get_by_role("slider")
    expect(plot.locator("svg .bar")).to_have_count(3 * 24)
    box = plot.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tab.locator(".tip")).to_contain_text("Refused sign-ins")
    tab.mouse.move(0, 0)
    expect(tab.locator(".tip")).to_be_hidden()
    plot.focus()
    expect(tab.locator(".tip")).to_be_visible()
    tab.keyboard.press("Home")
    expect(plot).to_have_attribute("aria-valuenow", "0")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"Refused sign-ins: 0\b"))
    numbers = [int(each) for each in tab.locator("#numbers td:nth-child(3)").all_inner_texts()]
    assert len(numbers) == 24
    lately = story.now - 86_400
    refused = [each for each in story.sites.events("sign_in_failed") if each["at"] > lately]
    assert sum(numbers) == len(refused) >= 3
    table = tab.get_by_role("button", name="Show as a table")
    expect(table).to_have_attribute("aria-expanded", "false")
    table.click()
    expect(tab.locator("#numbers")).not_to_have_class(re.compile("unseen"))
    expect(tab.get_by_role("list").filter(has_text="changed in that moment")).to_contain_text("3")
    tab.get_by_role("link", name="30 days").click()
    expect(plot.locator("svg .bar")).to_have_count(3 * 30)
    expect(tab.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")


def test_who_is_not_signed_in_comes_back_to_where_they_wanted_to_go(story, visitor):
    tab = story.sites.open(visitor, "/auth/admin#trail?kind=reuse_detected")
    tab.wait_for_url("**/auth/sign-in?**")  # and until its script sends the form
    tab.get_by_label("E-mail address or username").fill("zoe@example.com")
    tab.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.keyboard.press("Enter")
    heading(tab, "Audit trail")
    assert tab.url.endswith("/auth/admin#trail?kind=reuse_detected")
    expect(tab.get_by_label("Kind")).to_have_value("reuse_detected")


def test_who_does_not_administer_is_told_so(story, visitor):
    story.sites.wire.forget()
    tab = story.page(visitor, "#users", who="bob")
    heading(tab, "This page is not for you")
    expect(tab.get_by_role("main")).to_contain_text("bob@example.com")
    assert not [each for each in story.sites.wire.seen if each.path.startswith("/auth/admin/")]


def test_a_role_that_is_taken_away_ends_the_page_at_the_next_request(story, visitor):
    tab = story.page(visitor, who="zoe")
    expect(rows(tab).first).to_be_visible()

    take = {"add": (), "remove": (ROLE,)}
    story.beside(lambda auth: auth.accounts.set_roles(story.ids["zoe"], now=story.now, **take))
    tab.get_by_label("Search").fill("bob")
    heading(tab, "This page is not for you")
    expect(rows(tab)).to_have_count(0)
    give = {"add": (ROLE,), "remove": ()}
    story.beside(lambda auth: auth.accounts.set_roles(story.ids["zoe"], now=story.now, **give))


def test_a_session_that_ends_takes_the_page_with_it_and_says_why(story, visitor):
    tab = story.page(visitor, who="zoe")
    expect(rows(tab).first).to_be_visible()
    story.beside(lambda auth: auth.sessions.revoke(now=story.now, user_id=story.ids["zoe"]))
    tab.get_by_label("Search").fill("bob")
    heading(tab, "Your session was ended")
    assert "reason=revoked" in tab.url
    tab.get_by_role("link", name="Sign in again").click()
    heading(tab, "Sign in")
    assert "return_to" in tab.url
    go(tab, story)  # whoever comes back with what the browser still holds is told, too
    heading(tab, "Your session was ended")


def test_what_was_done_is_done_also_where_the_look_after_it_fails(story, tab):
    go(tab, story, f"#users/{story.ids['cy']}")
    tab.get_by_role("button", name="Disable").click()

    def rule(asked, ask):
        return ask() if asked.method == "POST" else None

    story.sites.wire.rule = rule
    tab.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(tab.get_by_role("alert")).to_contain_text("cannot be reached")
    story.sites.wire.rule = pass_on
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator(".facts")).to_contain_text("Disabled")


def busy(asked, ask):
    """The server has no time for what an administrator wants to see."""
    if "/auth/admin/" not in asked.path:
        return ask()
    told = {"code": "unavailable", "status": 503, "title": "", "type": "", "retry_after": 7}
    return Answer(503, [("Content-Type", "application/problem+json")], json.dumps(told).encode())


def test_a_server_that_is_away_loses_nothing(story, tab):
    expect(rows(tab)).to_have_count(len(story.ids))
    story.sites.wire.rule = lose
    tab.get_by_label("Search").fill("bob")
    expect(tab.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(rows(tab)).to_have_count(len(story.ids))
    expect(tab.get_by_label("Search")).to_have_value("bob")
    story.sites.wire.rule = busy
    tab.get_by_role("button", name="Try again").press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("Try again in 7 seconds")
    story.sites.wire.rule = pass_on
    tab.get_by_role("button", name="Try again").press("Enter")
    expect(rows(tab)).to_have_count(1)
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_everything_is_done_by_the_keyboard_alone(story, tab):
    expect(rows(tab).first).to_be_visible()
    press(tab, "Tab", until="Search by e-mail")
    tab.keyboard.type("bob.bob")
    expect(rows(tab)).to_have_count(1)
    press(tab, "Tab", until="bob@example.com")
    tab.keyboard.press("Enter")
    heading(tab, "bob@example.com")
    press(tab, "Tab", until="Add a role")
    tab.keyboard.type("keys")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("listitem").filter(has_text="keys")).to_be_visible()
    press(tab, "Tab", until="Remove the role keys")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog")).to_be_visible()
    press(tab, "Tab", until="Remove")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("listitem").filter(has_text="keys")).to_have_count(0)
    press(tab, "Shift+Tab", until="Activity")
    tab.keyboard.press("Enter")
    heading(tab, "Activity")
    press(tab, "Tab", until="Activity over time")
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator(".tip")).to_be_visible()


FOCUSED = """() => {
  const at = document.activeElement;
  return at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
}"""


def press(tab, key, *, until):
    """Press the key until what is so named has the focus."""
    for _ in range(60):
        tab.keyboard.press(key)
        name = tab.evaluate(FOCUSED)
        if name.startswith(until):
            return
    pytest.fail(f"{until} is not reached by {key}")


PLACES = {
    "#users": "Users",
    "#sessions": "Sessions",
    "#trail?user=bob.bob": "Audit trail",
    "#activity": "Activity",
}
LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 390))


def test_axe_finds_nothing(story, tab):
    story.sign_in("bob", user_agent=IPHONE)
    watch = Watch(tab)
    for place, name in {**PLACES, f"#users/{story.ids['bob']}": "bob@example.com"}.items():
        go(tab, story, place)
        heading(tab, name)
        expect(rows(tab).first).to_be_attached()
        expect(tab.locator("[aria-busy=true]")).to_have_count(0)
        for scheme, width in LOOKS:
            tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            tab.set_viewport_size({"width": width, "height": 800})
            assert faults(tab) == [], (place, scheme)
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
    tab.get_by_role("button", name="Disable").click()
    expect(tab.get_by_role("dialog")).to_be_visible()
    assert faults(tab) == []
    assert watch.complaints == []
    assert watch.origins == {story.sites.url}


def test_on_the_smallest_phone_long_words_fit_and_no_section_is_out_of_sight(story, tab):
    tab.set_viewport_size({"width": 320, "height": 568})
    for place in PLACES:
        go(tab, story, f"?lang=de{place}")
        expect(rows(tab).first).to_be_attached()
        expect(tab.locator("[aria-busy=true]")).to_have_count(0)
        assert tab.evaluate("document.documentElement.scrollWidth") == 320, place
        expect(tab.get_by_role("link", name="Aktivität")).to_be_in_viewport(ratio=1)


def test_long_lists_go_on_by_key(story, tab):
    story.crowd(160)
    story.happened(*[failed(story.ids["bob"], at=story.now)] * 160)
    for place, path in (("#users", "/auth/admin/users?"), ("#trail", "/auth/admin/events?")):
        go(tab, story, place)
        expect(rows(tab)).to_have_count(50)
        story.sites.wire.forget()
        for pages in (2, 3, 4):
            tab.get_by_role("button", name="Show more").press("Enter")
            expect(rows(tab).nth(50 * (pages - 1))).to_be_visible()
            expect(rows(tab).nth(50 * (pages - 1)).get_by_role("link").first).to_be_focused()
        asked = [each.path for each in story.sites.wire.seen if each.path.startswith(path)]
        assert len(set(asked)) == 3
        assert all("after=" in each or "before=" in each for each in asked)
        links = rows(tab).locator("td:first-child").all_inner_texts()
        assert place == "#trail" or len(set(links)) == len(links) == 160 + len(story.ids)
