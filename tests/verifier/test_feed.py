"""What is revoked: how it is heard of, how old it may be, and what a frozen machine makes of it."""

from contextlib import suppress

import pytest

from admit.errors import InvalidToken, Unavailable
from tests.verifier.scripted import (
    KEY,
    NOW,
    answering,
    entry,
    page,
    verifier,
)

FEED = "/auth/revocations"


def reason(verify, token):
    with pytest.raises(InvalidToken) as refusal:
        verify(token)
    return refusal.value.reason


def test_a_session_that_ended_is_refused_with_its_reason(issuer, verify):
    issuer.revoke(entry("session", "one", reason="reuse_detected"))
    assert reason(verify, issuer.token()) == "reuse_detected"
    assert verify(issuer.token(sid="two"))


def test_tokens_of_a_user_below_the_version_are_refused(issuer, verify):
    issuer.revoke(entry("user", "ada", reason="revoked", version=3))
    assert reason(verify, issuer.token(jti="2.x")) == "revoked"
    assert verify(issuer.token(jti="3.x"))
    assert verify(issuer.token(jti="2.x", sub="grace"))


def test_of_two_entries_of_one_user_the_higher_version_counts_in_any_order(issuer, verify, time):
    for versions in ((3, 5), (5, 3)):
        issuer.revoke(*[entry("user", "ada", version=each) for each in versions])
        assert reason(verify, issuer.token(jti="4.x"))
        assert verify(issuer.token(jti="5.x"))
        time.passes(0.5)


def test_it_asks_with_its_key_for_what_came_since(issuer, verify, time):
    verify(issuer.token())
    time.passes(0.5)
    verify(issuer.token())
    assert [each for each in issuer.asked if each.startswith(FEED)] == [
        FEED,
        f"{FEED}?after=1.00000000",
    ]
    assert issuer.headers["Authorization"] == f"Bearer {KEY}"


def test_within_the_bound_nothing_is_asked(issuer, verify, time):
    for _ in range(4):
        verify(issuer.token())
        time.passes(0.124)
    assert issuer.looks() == 1
    time.passes(0.01)
    verify(issuer.token())
    assert issuer.looks() == 2


def test_page_after_page_is_read_before_anybody_is_let_in(issuer, verify):
    issuer.answers[FEED] = page(entry("session", "one"), cursor="a", more=True)
    issuer.answers[f"{FEED}?after=a"] = page(entry("session", "two"), cursor="b&c", more=True)
    issuer.answers[f"{FEED}?after=b%26c"] = page(entry("session", "three"), cursor="d")
    assert verify(issuer.token(sid="four"))
    for session in ("one", "two", "three"):
        assert reason(verify, issuer.token(sid=session)) == "signed_out"


def test_until_the_last_page_nobody_is_let_in_and_the_next_look_goes_on_from_there(
    issuer, verify, time
):
    issuer.answers[FEED] = page(entry("session", "one"), cursor="a", more=True)
    issuer.answers[f"{FEED}?after=a"] = answering(503)
    with pytest.raises(Unavailable):
        verify(issuer.token(sid="two"))
    issuer.answers[f"{FEED}?after=a"] = page(cursor="b")
    time.passes(1)
    assert verify(issuer.token(sid="two"))
    assert reason(verify, issuer.token())
    assert issuer.looks(FEED) == 3


def test_a_feed_without_end_lets_nobody_in(issuer, verify):
    """`more` for ever: with the same cursor, and with a new one each time."""
    issuer.answers[FEED] = page(cursor="same", more=True)
    with pytest.raises(Unavailable):
        verify(issuer.token())
    assert issuer.looks() == 2


def test_a_feed_that_never_ends_is_read_for_a_bounded_time(issuer, time):
    from admit.verifier import feed

    def endless(handler):
        time.passes(0.4)
        answering(200, page(cursor=f"{len(issuer.asked)}", more=True))(handler)

    issuer.answers[FEED] = endless
    with verifier(issuer.url, time.clocks) as made, pytest.raises(Unavailable):
        made.verify(issuer.token())
    assert issuer.looks() <= feed.LOOK_SECONDS / 0.4 + 1


def test_a_damaged_cursor_is_dropped_and_everything_read_again(issuer, verify, time):
    verify(issuer.token())
    issuer.answers[f"{FEED}?after=1.00000000"] = answering(422)
    issuer.revoke(entry("session", "one"), cursor="9.00000000")
    time.passes(0.5)
    assert reason(verify, issuer.token()) == "signed_out"
    assert issuer.asked[-2:] == [f"{FEED}?after=1.00000000", FEED]


def test_a_store_that_was_put_back_sends_everything_anew(issuer, verify, time):
    """The same entries again, in any order, change nothing; what was known stays known."""
    issuer.revoke(entry("session", "one"), cursor="5.00000000")
    assert reason(verify, issuer.token())
    issuer.revoke(entry("session", "two"), cursor="2.00000000")
    time.passes(0.5)
    assert reason(verify, issuer.token())
    assert reason(verify, issuer.token(sid="two"))


def test_an_entry_is_dropped_when_no_token_it_concerns_can_live(issuer, verify, time):
    issuer.revoke(entry("session", "one", until=NOW + 100))
    late = issuer.token(exp=int(NOW) + 900)
    assert reason(verify, late)
    issuer.revoke(cursor="2.0")
    time.passes(99)
    assert reason(verify, late)
    time.passes(31)
    assert verify(late)


def test_while_the_issuer_is_away_what_is_known_counts_for_ten_seconds(issuer, verify, time):
    token = issuer.token()
    verify(token)
    issuer.answers[FEED] = answering(500)
    time.passes(10)
    assert verify(token)
    time.passes(0.001)
    with pytest.raises(Unavailable):
        verify(token)
    issuer.revoke(entry("session", "two"), cursor="2.0")
    time.passes(10)
    assert verify(token)
    assert reason(verify, issuer.token(sid="two"))


def test_an_issuer_that_is_away_is_asked_less_and_less(issuer, verify, time):
    """After 1 s, doubled up to 10 s."""
    verify(issuer.token())
    issuer.answers[FEED] = answering(500)
    gaps: list[float] = []
    time.passes(0.5)
    asked_at, asked = time.wall, issuer.looks()
    while len(gaps) < 7:
        with suppress(Unavailable):
            verify(issuer.token())
        if issuer.looks() > asked:
            gaps.append(round(time.wall - asked_at, 2))
            asked_at, asked = time.wall, issuer.looks()
        time.passes(0.25)
    assert gaps == [0, 1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        ((401, ""), 60),
        ((503, "3"), 3),
        ((503, "4000"), 10),
        ((503, "soon"), 1),
        ((429, "0"), 1),
    ],
    ids=str,
)
def test_how_long_it_rests_is_said_by_the_answer(issuer, verify, time, answer, rest):
    status, retry_after = answer
    issuer.answers[FEED] = answering(status, Retry_After=retry_after)
    for _ in range(2):
        with pytest.raises(Unavailable):
            verify(issuer.token())
    time.passes(rest - 0.01)
    with pytest.raises(Unavailable):
        verify(issuer.token())
    assert issuer.looks() == 1
    issuer.revoke()
    time.passes(0.02)
    assert verify(issuer.token())


@pytest.mark.parametrize("clock", ["wall", "steady"])
def test_a_thawed_machine_looks_whichever_clock_says_that_time_went_by(issuer, verify, time, clock):
    """Frozen, one of the two may have stood still."""
    token = issuer.token()
    verify(token)
    issuer.revoke(entry("session", "one"), cursor="2.0")
    setattr(time, clock, getattr(time, clock) + 60)
    assert reason(verify, token) == "signed_out"


def test_a_thawed_machine_lets_nobody_in_by_what_it_knew(issuer, verify, time):
    """Neither does a rest that began before the frost keep it from asking."""
    token = issuer.token()
    verify(token)
    issuer.answers[FEED] = answering(500)
    time.passes(0.5)
    verify(token)
    time.wall += 60
    with pytest.raises(Unavailable):
        verify(token)
    assert issuer.looks() == 3


def test_a_clock_that_was_set_back_makes_it_read_everything_again(issuer, verify, time):
    token = issuer.token(iat=int(NOW) - 100)
    issuer.revoke(entry("session", "one", until=NOW + 10))
    assert reason(verify, token)
    time.passes(40)  # by the clock that is ahead, the entry is dropped
    issuer.revoke(cursor="2.0")
    assert verify(token)
    issuer.answers[FEED] = page(entry("session", "one", until=NOW + 10), cursor="2.0")
    issuer.answers[f"{FEED}?after=2.0"] = page(cursor="2.0")
    time.wall -= 41
    time.steady += 0.1
    assert reason(verify, token)


def test_a_token_that_dies_while_it_is_looked_is_dead(issuer, verify, time):
    def slowly(handler):
        time.passes(3)
        answering(200, page(cursor="1.0"))(handler)

    issuer.answers[FEED] = slowly
    assert reason(verify, issuer.token(exp=int(NOW) - 9)) == "expired"


def test_bounds_are_settings(issuer, time):
    with verifier(issuer.url, time.clocks, look=0.0, max_age=2.0) as made:
        for _ in range(3):
            made.verify(issuer.token())
        assert issuer.looks() == 3
        issuer.answers[FEED] = answering(500)
        time.passes(2)
        made.verify(issuer.token())
        time.passes(0.1)
        with pytest.raises(Unavailable):
            made.verify(issuer.token())


def test_a_lifetime_that_is_known_is_held_to(issuer, time):
    """A token that lived longer once outlives its revocation otherwise."""
    with verifier(issuer.url, time.clocks, access_ttl=60.0) as made:
        token = issuer.token()
        made.verify(token)
        time.passes(70)
        assert reason(made.verify, token) == "expired"
