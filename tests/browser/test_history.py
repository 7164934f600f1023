"""Back and forward, loading anew, and two people one after the other."""

import threading

import pytest

from tests.browser.sites import cookie, sign_in
from tests.browser.test_sign_out import HOUR, TOKEN, Held
from tests.browser.test_tabs import ALONE
from tests.servers import PATIENCE

WHO = "admit.session().then((session) => session && session.user.email)"
CAME_BACK = """() => {
  globalThis.restored = null;
  addEventListener("pageshow", ({ persisted }) => { restored = persisted; });
}"""
ADA, BOB = "ada@example.com", "bob@example.com"


def left(sites, tab):
    """This page is left for another one, and kept by the browser as it is."""
    tab.evaluate(CAME_BACK)
    sites.show(tab, "/plain")


def back(tab):
    """The page is shown again, not loaded: it comes out of the back/forward cache."""
    tab.go_back(wait_until="commit")
    tab.wait_for_function("globalThis.restored === true")


def test_a_page_that_comes_back_is_signed_in(sites, context):
    tab = sites.signed_in(context)
    left(sites, tab)
    sites.clock.advance(HOUR)
    back(tab)
    assert tab.evaluate(WHO) == ADA
    assert tab.evaluate("heard.at(-1).signedIn") is True


def test_a_page_that_comes_back_after_a_sign_out_is_out(sites, context):
    """What other tabs told meanwhile, it never heard."""
    tab = sites.signed_in(context)
    left(sites, tab)
    other = sites.open(context)
    other.evaluate("admit.signOut()")
    back(tab)
    tab.wait_for_function("heard.at(-1).signedIn === false")
    assert tab.evaluate(TOKEN) is None
    assert cookie(context) is None


def test_a_page_that_comes_back_to_somebody_else_is_theirs(sites, context):
    tab = sites.signed_in(context)
    left(sites, tab)
    sites.signed_in(context, "bob")
    back(tab)
    tab.wait_for_function("(email) => heard.at(-1).user?.email === email", arg=BOB)
    assert tab.evaluate(WHO) == BOB


def test_a_session_that_another_device_ended_is_over_when_the_page_comes_back(sites, context):
    tab = sites.signed_in(context)
    left(sites, tab)
    token = sites.post(
        "/auth/login",
        {"login": ADA, "password": "correct horse battery", "delivery": "body"},
    ).json()["access_token"]
    sites.post("/auth/logout/all", {}, Authorization=f"Bearer {token}")
    back(tab)
    assert tab.evaluate("admit.fetch('/auth/me').then(({ status }) => status)") == 401
    assert tab.evaluate("heard.at(-1)") == {"signedIn": False, "reason": "signed_out"}


def test_loading_a_page_anew_while_it_refreshes_signs_nobody_out(sites, context):
    """The answer comes to a page that is gone; ten times over, as an impatient visitor does."""
    tab = sites.signed_in(context)
    for number in range(10):
        sites.let_pass(HOUR, tab)
        held = sites.wire.rule = Held()
        tab.evaluate(f"() => {{ {TOKEN}.catch(() => {{}}); }}")
        assert held.given.wait(60)
        if number % 2:
            held.let_go.set()
        tab.reload()
        held.let_go.set()
        tab.wait_for_function("'admit' in globalThis")
        assert tab.evaluate(WHO) == ADA
    [session] = sites.sessions()
    assert session["ended_at"] is None
    assert not sites.events("reuse_detected")


def test_two_people_one_after_the_other_in_one_tab(sites, context):
    """Whoever signed in last is who it is; the one before is signed out, not shared."""
    tab = sites.signed_in(context)
    sites.have("bob")
    for who, email in (("bob", BOB), ("ada", ADA)):
        sign_in(tab, who)
        assert tab.evaluate(WHO) == email
        assert tab.evaluate("heard.at(-1).user.email") == email
    assert [each["ended_because"] for each in sites.sessions()] == ["signed_out"] * 2 + [None]
    tab.evaluate("admit.signOut()")
    sign_in(tab, "bob")
    tab.reload()
    tab.wait_for_function("'admit' in globalThis")
    assert tab.evaluate(WHO) == BOB


@pytest.mark.parametrize("alone", [False, True], ids=["", "without BroadcastChannel"])
def test_two_people_one_after_the_other_in_two_tabs(sites, context, alone):
    """A tab never goes on as Ada where the browser is Bob's: it hears of it, and says so."""
    if alone:
        context.add_init_script(ALONE)
    tab, other = sites.signed_in(context), sites.open(context)
    assert other.evaluate(WHO) == ADA
    sites.have("bob")
    sign_in(other, "bob")
    tab.wait_for_function("(email) => heard.at(-1).user?.email === email", arg=BOB)
    assert tab.evaluate(WHO) == BOB
    sign_in(tab, "ada")
    other.wait_for_function("(email) => heard.at(-1).user?.email === email", arg=ADA)
    assert other.evaluate(WHO) == ADA


PATIENT = """
const set = setTimeout;
globalThis.setTimeout = (work, after, ...given) =>
  after >= 5000 ? 0 : set(work, after, ...given);
"""
"""No page gives anything up because it takes long: neither an answer nor another tab."""


class LateForBob:
    """A rule of the wire: the server's answer to a refresh is on its way when somebody signs in.

    The sign-in gets no further until the browser has given that answer up: with its cookie, which
    would come in the place of the new one.
    """

    def __init__(self):
        self.given = threading.Event()
        self.given_up = threading.Event()

    def __call__(self, asked, ask):
        if asked.path == "/auth/login":
            assert self.given_up.wait(PATIENCE)
        answer = ask()
        if asked.path == "/auth/refresh" and not self.given.is_set():
            self.given.set()
            if asked.given_up():
                self.given_up.set()
        return answer


def test_a_refresh_of_the_one_before_is_not_the_next_ones(sites, context):
    """Ada's refresh is under way in one tab when Bob signs in in another: its answer is dropped."""
    context.add_init_script(PATIENT)
    tab, other = sites.signed_in(context), sites.open(context)
    sites.have("bob")
    sites.let_pass(HOUR, tab, other)
    late = sites.wire.rule = LateForBob()
    other.evaluate(f"() => {{ globalThis.late = {TOKEN}.catch(() => null); }}")
    assert late.given.wait(PATIENCE)
    sign_in(tab, "bob")
    other.evaluate("late")
    for each in (tab, other):
        assert each.evaluate(WHO) == BOB
    tab.reload()
    tab.wait_for_function("'admit' in globalThis")
    assert tab.evaluate(WHO) == BOB
