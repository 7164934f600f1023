"""Six tabs whose access tokens are expired, all of which refresh in the same instant."""

import random
import threading

import pytest

ROUNDS = 30
TABS = 6
SOON = 920.0
"""Seconds until an access token is refused: its lifetime, and how far clocks may differ."""
ALONE = "delete globalThis.BroadcastChannel"
"""No tab can tell the others anything."""
ASK = """() => {
  globalThis.answer = admit.fetch("/auth/me").then(async (answer) => {
    const { user, session } = await answer.json();
    return [answer.status, user.email, session.id];
  });
}"""


class Together:
    """A rule of the wire: refreshes wait for one another, and go on in the same instant.

    Arguments:
        tabs: how many of them.

    `shuffle` says whether their answers come in an order of the dice, each once the one before it
    was sent.
    """

    def __init__(self, tabs):
        self.shuffle = False
        self._gate = threading.Barrier(tabs)
        self._tabs = tabs
        self._order = []
        self._turn = threading.Condition()
        self._answered = 0

    def __call__(self, asked, ask):
        if asked.path != "/auth/refresh":
            return ask()
        if self._gate.wait(60) == 0:
            self._order = random.sample(range(self._tabs), self._tabs)
            self._answered = 0
        number = self._gate.wait(60)
        answer = ask()
        return self._in_turn(number, answer) if self.shuffle else answer

    def _in_turn(self, number, answer):
        with self._turn:
            mine = self._order[number]
            assert self._turn.wait_for(lambda: self._answered == mine, 60)
            self._answered += 1
            self._turn.notify_all()
        return answer


@pytest.mark.parametrize("alone", [False, True], ids=["", "without BroadcastChannel"])
def test_six_tabs_refresh_in_the_same_instant(sites, context, alone):
    if alone:
        context.add_init_script(ALONE)
    tabs = [sites.signed_in(context), *(sites.open(context) for _ in range(TABS - 1))]
    for tab in tabs:
        assert tab.evaluate("admit.getAccessToken()")
    [session] = sites.sessions()
    together = sites.wire.rule = Together(TABS)
    for number in range(ROUNDS):
        together.shuffle = number % 3 > 0
        # The tabs know by their own clocks; or don't, because those stood still while they slept.
        sites.let_pass(11, *tabs)
        sites.let_pass(SOON, *(tabs if number % 2 else ()))
        for tab in tabs:
            tab.evaluate(ASK)
        for tab in tabs:
            assert tab.evaluate("answer") == [200, "ada@example.com", session["id"]]
        [now] = sites.sessions()
        assert now["generation"] == session["generation"] + 1
        session = now
    assert not sites.events("reuse_detected")
