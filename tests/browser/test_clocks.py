"""The device's clock is wrong, by a day or as it likes: nothing changes, since nobody asks it."""

import pytest

DAY = 86_400
SHIFT = """
(() => {
  const Real = Date;
  globalThis.shift = SECONDS * 1000;
  globalThis.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + shift); }
    static now() { return Real.now() + shift; }
  };
})()
"""
ASK = "admit.fetch('/auth/me').then(({ status }) => status)"


@pytest.mark.parametrize("days", [1, -1, 3650], ids=["ahead", "behind", "ten years ahead"])
def test_a_clock_that_is_wrong_changes_nothing(sites, context, days):
    """Neither a storm of refreshes, nor a token that is used too long, nor a sign-out."""
    context.add_init_script(SHIFT.replace("SECONDS", str(days * DAY)))
    tab = sites.signed_in(context)
    wrong = tab.evaluate("Date.now() - performance.timeOrigin") / 1000
    assert abs(wrong - days * DAY) < DAY / 2
    asked = sites.wire.count("/auth/refresh")
    for _ in range(3):
        assert tab.evaluate(ASK) == 200
    tab.reload()
    tab.wait_for_function("'admit' in globalThis")
    assert tab.evaluate(ASK) == 200
    assert sites.wire.count("/auth/refresh") == asked + 1  # the page's own first
    for passes in (600, 800, 800):
        sites.let_pass(passes, tab)
        assert tab.evaluate(ASK) == 200
    assert sites.wire.count("/auth/refresh") <= asked + 4
    assert sites.wire.count("/auth/me", "GET") == 7  # no token was sent that was over
    [session] = sites.sessions()
    assert session["ended_at"] is None


def test_a_clock_that_is_set_while_the_page_is_open_changes_nothing(sites, context):
    context.add_init_script(SHIFT.replace("SECONDS", "0"))
    tab = sites.signed_in(context)
    for days in (1, -1, 400, -400, 0):
        tab.evaluate("(days) => { shift = days * 86_400_000; }", days)
        assert tab.evaluate(ASK) == 200
    assert sites.wire.count("/auth/refresh") <= 1  # that of a page whose user wasn't signed in yet
    assert [each["signedIn"] for each in tab.evaluate("heard")][-1] is True
