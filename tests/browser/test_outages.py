"""The server is out, or gone: nobody is signed out for it, nobody storms it, and all goes on."""

import time

import pytest

from tests.browser.sites import cookie
from tests.browser.wire import Answer, pass_on
from tests.servers import PATIENCE

ASK = "admit.fetch('/auth/me').then(({ status }) => status, ({ code }) => code)"
TOKEN = "admit.getAccessToken().then((token) => typeof token, ({ code }) => code)"
FIFTY = f"""async () => {{
  const begun = performance.now();
  const codes = new Set();
  for (let n = 0; n < 50; n++) codes.add(await {TOKEN});
  return [[...codes], (performance.now() - begun) / 1000];
}}"""
HOUR = 3600


def unavailable(asked, ask):
    """A store that is out, in the server's own words."""
    if not asked.path.startswith("/auth/"):
        return ask()
    body = b'{"type":"about:blank","title":"x","status":503,"code":"unavailable","retry_after":2}'
    headers = [("Content-Type", "application/problem+json"), ("Retry-After", "2")]
    return Answer(503, headers, body)


def portal(asked, ask):
    """A hotel's wireless network, which answers everything with its own page."""
    return Answer(200, [("Content-Type", "text/html")], b"<title>Welcome</title>")


def broken(asked, ask):
    """A proxy whose server is away, in its own words."""
    return Answer(502, [("Content-Type", "text/html")], b"<title>Bad Gateway</title>")


@pytest.mark.parametrize(
    ("rule", "code"),
    [(unavailable, "unavailable"), (broken, "unavailable"), (portal, "unexpected")],
    ids=["503", "502", "a portal"],
)
def test_an_answer_that_says_nothing_of_the_session_signs_nobody_out(sites, context, rule, code):
    tab = sites.signed_in(context)
    held = cookie(context)
    sites.let_pass(HOUR, tab)
    sites.wire.rule = rule
    asked = sites.wire.count("/auth/refresh")
    codes, seconds = tab.evaluate(FIFTY)
    assert codes == [code]
    # Fifty callers are no storm: one try a second for them, and what the client tries by itself.
    assert sites.wire.count("/auth/refresh") <= asked + 2 * (1 + seconds)
    assert tab.evaluate("heard.at(-1).signedIn") is True
    assert cookie(context) == held
    sites.wire.rule = pass_on
    sites.let_pass(60, tab)
    assert tab.evaluate(ASK) == 200
    [session] = sites.sessions()
    assert (session["generation"], session["ended_at"]) == (1, None)


def test_a_killed_server_signs_nobody_out(sites, context):
    """While it is gone a good token is used on; when it is back, the client goes on by itself."""
    tab, other = sites.signed_in(context), sites.open(context)
    assert other.evaluate(TOKEN) == "string"
    sites.stop()
    for each in (tab, other):
        assert each.evaluate(TOKEN) == "string"
        assert each.evaluate("admit.session().catch(({ code }) => code)") == "network"
    sites.let_pass(HOUR, tab, other)
    for each in (tab, other):
        assert each.evaluate(TOKEN) == "network"
        assert each.evaluate("heard.at(-1).signedIn") is True
    before = sites.wire.count("/auth/refresh")
    sites.wire.wait_for("/auth/refresh", before + 1)  # it tries again by itself
    sites.start()
    seen = time.monotonic() + PATIENCE
    while sites.sessions()[0]["generation"] == 0:  # and nobody asked it to
        assert time.monotonic() < seen
        tab.wait_for_timeout(50)
    for each in (tab, other):
        sites.let_pass(2, each)
        assert each.evaluate(ASK) == 200
    [session] = sites.sessions()
    assert session["ended_at"] is None


def test_a_token_that_is_good_is_used_though_the_next_one_did_not_come(sites, context):
    """It is refreshed ahead of time; where that fails, nobody notices."""
    tab = sites.signed_in(context)
    sites.wire.rule = lambda asked, ask: None if asked.path == "/auth/refresh" else ask()
    sites.let_pass(800, tab)  # past the time when the next one is fetched, before the end
    assert tab.evaluate(ASK) == 200
    sites.wire.rule = pass_on
