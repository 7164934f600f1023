"""The server took a refresh, and its answer never came: nor did the cookie that it brought."""

import pytest

from tests.browser.sites import cookie
from tests.browser.wire import lose_answer, pass_on

HOUR = 3600
ASK = "admit.fetch('/auth/me').then(({ status }) => status)"
SOON = f"""async () => {{
  for (let tries = 0; tries < 1200 && await {ASK}.catch(() => 0) === 0; tries++)
    await new Promise((done) => setTimeout(done, 50));
}}"""
FAILS = "admit.getAccessToken().then(() => 'no', ({ name, code }) => code)"


@pytest.fixture
def lost(sites, context):
    """A tab whose refresh was taken by the server, and nothing of it came back."""
    tab = sites.signed_in(context)
    held = cookie(context)
    sites.let_pass(HOUR, tab)
    sites.wire.rule = lose_answer
    assert tab.evaluate(FAILS) == "network"
    [session] = sites.sessions()
    assert session["generation"] == 1
    assert cookie(context) == held
    return tab


def gone_on(sites):
    """At which generation the one session goes on from its successor that was lost.

    What another tab, or one that was just closed, had under way may bring that cookie as well, and
    whoever sends it next has the key that all of them have. An hour old, it rests no more: it is
    exchanged, once, for what it is exchanged for rests.
    """
    [session] = sites.sessions()
    assert session["generation"] in {1, 2}
    assert session["ended_at"] is None
    assert not sites.events("reuse_detected")
    return session["generation"]


def still_signed_in(sites, context, tab):
    """The same session, which goes on."""
    assert tab.evaluate(ASK) == 200
    generation = gone_on(sites)
    sites.let_pass(HOUR, tab)
    assert tab.evaluate(ASK) == 200
    [session] = sites.sessions()
    assert (session["generation"], session["ended_at"]) == (generation + 1, None)
    assert not sites.events("reuse_detected")


@pytest.mark.parametrize("then", ["goes on", "is loaded again", "is opened again"])
def test_an_hour_without_a_network_signs_nobody_out(sites, context, lost, then):
    """In a tunnel after the answer was lost: long after the parent's leeway, its retry is known."""
    tab = lost
    context.set_offline(True)
    assert tab.evaluate("navigator.onLine") is False
    sites.let_pass(HOUR, tab)
    assert tab.evaluate(FAILS) == "network"
    if then == "is opened again":
        tab.close()
    elif then == "is loaded again":
        tab.evaluate("admit.close()")  # what is left behind may come back, and knows the network
        tab.goto("about:blank")
    sites.wire.rule = pass_on
    context.set_offline(False)
    if then == "is opened again":
        tab = sites.open(context)
    elif then == "is loaded again":
        sites.load(tab)
    else:  # what was sent a moment ago may fail yet, and signs nobody out either
        tab.evaluate(SOON)
    still_signed_in(sites, context, tab)


def test_another_tab_goes_on_from_the_lost_answer(sites, context, lost):
    """It presents the parent with the key of the tab that is gone."""
    lost.close()
    sites.clock.advance(HOUR)
    sites.wire.rule = pass_on
    still_signed_in(sites, context, sites.open(context))


def test_answers_that_are_lost_in_six_tabs_are_one_successor(sites, context):
    tabs = [sites.signed_in(context), *(sites.open(context) for _ in range(5))]
    sites.let_pass(HOUR, *tabs)
    sites.wire.rule = lose_answer
    for tab in tabs:
        tab.evaluate(f"() => {{ globalThis.failed = {FAILS}; }}")
    for tab in tabs:
        assert tab.evaluate("failed") == "network"
    sites.let_pass(HOUR, *tabs)
    [session] = sites.sessions()
    assert session["generation"] == 1
    sites.wire.rule = pass_on
    for tab in tabs:
        assert tab.evaluate(ASK) == 200
    gone_on(sites)
