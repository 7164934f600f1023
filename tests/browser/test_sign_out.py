"""Somebody signs out, and stays so: in every tab, whatever is still under way."""

import threading

import pytest

from tests.browser.sites import cookie
from tests.browser.test_tabs import ALONE
from tests.browser.wire import pass_on

OUT = {"signedIn": False, "reason": "signed_out"}
HOUR = 3600
TOKEN = "admit.getAccessToken()"
SIGN_OUT = "admit.signOut().then(() => 'done', ({ code }) => code)"


class Held:
    """A rule of the wire: the answer to a refresh waits, once the server has given it."""

    def __init__(self):
        self.given = threading.Event()
        self.let_go = threading.Event()

    def __call__(self, asked, ask):
        answer = ask()
        if asked.path == "/auth/refresh":
            self.given.set()
            assert self.let_go.wait(60)
        return answer


@pytest.fixture
def held(sites):
    """Holds back the answers to refreshes, from when it is made the rule of the wire."""
    held = Held()
    yield held
    held.let_go.set()


def is_out(sites, context, *tabs):
    """Nobody is signed in in these tabs, nor in one that is opened, and the session is over."""
    for tab in tabs:
        assert tab.evaluate(TOKEN) is None
    assert sites.open(context).evaluate(TOKEN) is None
    [session] = sites.sessions()
    assert session["ended_because"] == "signed_out"


def test_the_other_tabs_know_at_once(sites, context):
    tab = sites.signed_in(context)
    others = [sites.open(context) for _ in range(3)]
    for other in others:
        assert other.evaluate(TOKEN)
    sites.wire.forget()
    tab.evaluate("admit.signOut()")
    for other in others:
        other.wait_for_function("heard.at(-1)?.signedIn === false")
        assert other.evaluate("heard.at(-1)") == OUT
    assert [each.path for each in sites.wire.seen] == ["/auth/logout"]  # nobody had to ask
    assert cookie(context) is None
    is_out(sites, context, tab, *others)


def test_without_a_channel_they_know_when_they_are_asked(sites, context):
    context.add_init_script(ALONE)
    tab, other = sites.signed_in(context), sites.open(context)
    assert other.evaluate(TOKEN)
    tab.evaluate("admit.signOut()")
    assert other.evaluate(TOKEN) is None
    other.wait_for_function("heard.at(-1)?.signedIn === false")
    is_out(sites, context, tab, other)


@pytest.mark.parametrize("alone", [False, True], ids=["", "without BroadcastChannel"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another tab"])
def test_a_refresh_under_way_brings_nobody_back(sites, context, held, elsewhere, alone):
    """Its answer comes after the sign-out: its token is dropped, and its cookie opens nothing."""
    if alone:
        context.add_init_script(ALONE)
    tab = sites.signed_in(context)
    other = sites.open(context) if elsewhere else tab
    sites.let_pass(HOUR, tab, other)
    sites.wire.rule = held
    other.evaluate(f"() => {{ globalThis.late = {TOKEN}; }}")
    assert held.given.wait(60)
    assert tab.evaluate(SIGN_OUT) == "done"
    held.let_go.set()
    assert other.evaluate("late.catch(() => null)") is None
    sites.wire.quiet()
    is_out(sites, context, tab, other)
    assert other.evaluate("heard.at(-1)") == OUT


def test_a_sign_out_that_the_server_did_not_hear_of_is_one(sites, context):
    """Here it is over at once, also for a page loaded anew; the server hears when it can."""
    tab, other = sites.signed_in(context), sites.open(context)
    assert other.evaluate(TOKEN)
    sites.wire.rule = lambda asked, ask: None if asked.path.startswith("/auth/") else ask()
    assert tab.evaluate(SIGN_OUT) == "network"
    assert other.evaluate(TOKEN) is None
    tab.reload()
    tab.wait_for_function("'admit' in globalThis")
    assert tab.evaluate(TOKEN) is None
    assert sites.wire.count("/auth/refresh") == 1  # that of the other tab, while it was signed in
    [session] = sites.sessions()
    assert session["ended_at"] is None
    sites.wire.rule = pass_on
    context.set_offline(True)
    sites.let_pass(HOUR, tab)
    context.set_offline(False)  # which the page hears
    sites.wire.wait_for("/auth/logout", 2)
    tab.wait_for_function("() => !Object.keys(localStorage).some((key) => key.endsWith(' out'))")
    assert cookie(context) is None
    is_out(sites, context, tab, other)


def test_signing_out_everywhere_ends_other_browsers(sites, context, new_context):
    """A phone and a laptop: the other one learns why with its next request."""
    tab = sites.signed_in(context)
    phone = sites.signed_in(new_context())
    tab.evaluate("admit.signOutEverywhere()")
    assert phone.evaluate("admit.fetch('/auth/me').then(({ status }) => status)") == 401
    assert phone.evaluate("heard.at(-1)") == OUT
    assert tab.evaluate(TOKEN) is None
    assert {each["ended_because"] for each in sites.sessions()} == {"signed_out"}
