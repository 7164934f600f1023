"""The verifier that keeps up by itself: what it knows, how old that is, and who waits for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from datetime import UTC, datetime

import pytest
from joserfc.jwk import ECKey

from admit.errors import InvalidToken, Unavailable
from admit.verifier import service as service_module
from admit.verifier.feed import BREATH_SECONDS, PAUSE_SECONDS, Feed
from admit.verifier.followed import FollowedKeys
from admit.verifier.held import Ended, Held
from admit.verifier.issuer import Issuer
from admit.verifier.known import Entry, Known
from admit.verifier.service import Verifier
from tests.verifier.scripted import (
    AUDIENCE,
    ISSUER,
    KEY,
    NOW,
    answering,
    entry,
    looking_often,
    page,
    service,
    soon,
)
from tests.verifier.test_issuer import BAD

FEED = "/auth/revocations"
JWKS = "/auth/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    looking_often(monkeypatch)


@pytest.fixture
def issuer(issuer):
    issuer.holds = True
    return issuer


@pytest.fixture
def verifier(issuer, time):
    with service(issuer.url, time.clocks) as made:
        yield made


def reason(verifier, token):
    """Why it is refused; False where it is not."""
    try:
        verifier.verify(token)
    except InvalidToken as refusal:
        return refusal.reason or "bad"
    return False


def unavailable(verifier, token):
    try:
        verifier.verify(token)
    except Unavailable:
        return True
    return False


def threads():
    return [each for each in threading.enumerate() if each.name.startswith("admit-verifier")]


def test_it_knows_before_the_first_request_and_asks_nothing_for_a_thousand(issuer, verifier):
    assert sorted(each.partition("?")[0] for each in issuer.asked[:2]) == [JWKS, FEED]
    tokens = [issuer.token(sid=f"{number}") for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(verifier.verify, tokens * 10))
    assert [each.session_id for each in found] == [f"{number}" for number in range(100)] * 10
    assert found[0].user_id == "ada"
    assert found[0].roles == ("admin", "writer")
    assert issuer.looks(JWKS) == 1
    assert (verifier.follows_revocations, verifier.stale) == (True, False)


def test_without_a_block_it_begins_at_its_first_use(issuer, time):
    made = Verifier(
        issuer=ISSUER, audience=AUDIENCE, verifier_key=KEY, url=issuer.url, clocks=time.clocks
    )
    assert (issuer.asked, made.age, made.stale) == ([], float("inf"), True)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(made.verify, [issuer.token()] * 8))
    assert {each.user_id for each in found} == {"ada"}
    assert issuer.looks(JWKS) == 1
    assert (made.age, made.stale) == (0.0, False)
    made.close()
    assert threads() == []
    assert made.verify(issuer.token()).user_id == "ada"  # and a use after its end begins anew
    assert issuer.looks(JWKS) == 2
    made.close()


def test_the_asynchronous_door_is_the_same(issuer, time):
    async def story():
        made = Verifier(
            issuer=ISSUER, audience=AUDIENCE, verifier_key=KEY, url=issuer.url, clocks=time.clocks
        )
        first = await asyncio.gather(*[made.verify_async(issuer.token()) for _ in range(8)])
        assert {each.user_id for each in first} == {"ada"}
        async with made as again:
            assert (await again.verify_async(issuer.token())).user_id == "ada"
            with pytest.raises(InvalidToken):
                await again.verify_async("a.b.c")
        assert threads() == []

    asyncio.run(story())
    assert issuer.looks(JWKS) == 1


def test_what_is_revoked_is_heard_without_a_request(issuer, verifier):
    token = issuer.token()
    assert verifier.verify(token)
    issuer.revoke(entry("session", "one", reason="reuse_detected"), cursor="2.0")
    soon(lambda: reason(verifier, token) == "reuse_detected")
    assert verifier.verify(issuer.token(sid="two"))
    issuer.revoke(entry("user", "ada", version=4), cursor="3.0")
    soon(lambda: reason(verifier, issuer.token(sid="two")) == "signed_out")
    assert verifier.verify(issuer.token(sid="two", jti="4.x"))
    waits = [each for each in issuer.asked if each.startswith(FEED)]
    assert waits[:3] == [FEED, f"{FEED}?after=1.00000000&wait=5", f"{FEED}?after=2.0&wait=5"]


@pytest.mark.parametrize(("max_age", "seconds"), [(2, 1), (7, 3), (60, 25), (float("inf"), 25)])
def test_an_answer_comes_before_what_is_known_is_too_old(issuer, time, max_age, seconds):
    with service(issuer.url, time.clocks, max_age=max_age):
        soon(lambda: len(issuer.asked) > 2)
        assert f"{FEED}?after=1.00000000&wait={seconds}" in issuer.asked


def test_a_withdrawn_key_is_off_and_its_successor_asked_for_at_once(issuer, verifier):
    token, newer = issuer.token(), ECKey.generate_key("P-256")
    assert verifier.verify(token)
    issuer.publish(newer)
    issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
    soon(lambda: reason(verifier, token))
    soon(lambda: [each.kid for each in verifier._following._keys.state] == [newer.thumbprint()])
    assert verifier.verify(issuer.token(newer))
    assert reason(verifier, token) == "bad"
    assert issuer.looks(JWKS) == 2  # nobody looks for what is known to be off


def test_a_withdrawn_key_is_off_while_a_search_for_another_brings_it(issuer, verifier):
    """The set that a search brings is older than the withdrawal that is heard meanwhile."""
    token = issuer.token()
    assert verifier.verify(token)
    asked, go_on = threading.Event(), threading.Event()
    older = issuer.answers[JWKS]

    def held(handler):
        asked.set()
        go_on.wait(60)
        answering(200, older.replace(b"{", b'{"x":1,', 1))(handler)

    issuer.answers[JWKS] = held
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(reason, verifier, issuer.token(ECKey.generate_key("P-256")))
        assert asked.wait(60)
        issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
        soon(lambda: reason(verifier, token) == "bad")
        go_on.set()
        assert unknown.result(60) == "bad"
    assert reason(verifier, token) == "bad"


@pytest.mark.parametrize("strict", [False, True])
def test_while_the_issuer_is_away_it_says_so_and_strict_lets_nobody_in(
    issuer, time, caplog, strict
):
    token, revoked = issuer.token(), issuer.token(sid="two")
    issuer.revoke(entry("session", "two"))
    with service(issuer.url, time.clocks, strict=strict) as made:
        assert made.verify(token)
        issuer.answers[FEED] = issuer.answers[JWKS] = answering(500)
        issuer.let_go()
        soon(lambda: "revocations can't be read" in caplog.text)
        time.passes(9.9)
        assert made.verify(token)
        time.passes(50)
        assert made.stale
        assert made.age >= 59.9
        assert unavailable(made, token) == strict
        assert strict or reason(made, revoked) == "signed_out"
        soon(lambda: "not heard for too long" in caplog.text)
        issuer.revoke(entry("session", "one"), cursor="2.0")

        def is_known():
            time.passes(0.01)  # on and on: a question that was under way fails, and rests from then
            return reason_if_known(made, token) == "signed_out"

        soon(is_known)
        assert not made.stale
        assert made.verify(issuer.token(sid="three"))
        assert reason(made, revoked) == "signed_out"
        soon(lambda: "is known again" in caplog.text)
    assert caplog.text.count("not heard for too long") == 1
    assert KEY not in caplog.text


def reason_if_known(verifier, token):
    with suppress(Unavailable):
        return reason(verifier, token)


@pytest.mark.parametrize("path", [FEED, JWKS])
def test_until_it_has_known_once_nobody_gets_in(issuer, time, path):
    """Strict or not: what was revoked before it began is not known."""
    good = issuer.answers[path]
    issuer.answers[path] = answering(500)
    with service(issuer.url, time.clocks) as made:
        assert unavailable(made, issuer.token())
        assert made.stale == (path == FEED)
        issuer.answers[path] = good
        time.passes(1)
        soon(lambda: not unavailable(made, issuer.token()))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_lets_nobody_in_and_a_good_one_after_it_does(issuer, time, name):
    """For the feed and the keys alike, and no thread ends of it."""
    good = dict(issuer.answers)
    issuer.answers |= dict.fromkeys(good, BAD[name])
    with service(issuer.url, time.clocks) as made:
        assert unavailable(made, issuer.token())
        issuer.answers |= good
        time.passes(2)
        soon(lambda: not unavailable(made, issuer.token()))


def test_an_error_in_a_step_ends_no_thread(issuer, time, monkeypatch, caplog):
    with service(issuer.url, time.clocks) as made:
        feed, failed = made._following._feed, threading.Event()
        listen = feed.listen

        def failing(wait):
            monkeypatch.setattr(feed, "listen", listen)
            failed.set()
            raise RuntimeError("a bug")

        monkeypatch.setattr(feed, "listen", failing)
        issuer.revoke(cursor="2.0")
        assert failed.wait(60)
        issuer.revoke(entry("session", "one"), cursor="3.0")
        soon(lambda: reason(made, issuer.token()) == "signed_out")
    assert "could not take a step" in caplog.text


def test_a_feed_that_hangs_is_told_of(issuer, verifier, time, monkeypatch, caplog):
    """At a name server, for example, which nothing bounds."""
    hangs, go_on = threading.Event(), threading.Event()

    def hanging(wait):
        hangs.set()
        go_on.wait()
        return 1.0

    monkeypatch.setattr(verifier._following._feed, "listen", hanging)
    issuer.revoke(cursor="2.0")
    try:
        assert hangs.wait(60)
        time.passes(60)
        soon(lambda: "not heard for too long" in caplog.text)
    finally:
        go_on.set()


def test_without_a_key_of_the_feed_it_says_so(issuer, time, caplog):
    """Then only the expiry counts."""
    issuer.revoke(entry("session", "one"))
    with service(issuer.url, time.clocks, verifier_key=None) as made:
        assert made.verify(issuer.token())
        assert not made.follows_revocations
        assert (made.age, made.stale) == (0.0, False)
        issuer.answers[JWKS] = answering(500)
        time.passes(301)
        assert (made.age, made.stale) == (301.0, True)
    assert issuer.looks() == 0
    assert "nothing is heard of revocations" in caplog.text
    with pytest.raises(ValueError, match="strict wants a verifier_key"):
        Verifier(issuer=ISSUER, audience=AUDIENCE, strict=True)


def test_keys_are_asked_for_before_they_are_old_and_without_a_request(issuer, verifier, time):
    time.passes(239)
    verifier._following._keys.keep()
    assert issuer.looks(JWKS) == 1
    time.passes(1)
    soon(lambda: issuer.looks(JWKS) == 2)


def test_keys_go_on_for_a_day(issuer, time):
    with service(issuer.url, time.clocks, verifier_key=None) as made:
        token = issuer.token(exp=int(NOW) + 200_000)
        issuer.answers[JWKS] = answering(500)
        time.passes(86_400)
        assert made.verify(token)
        time.passes(1)
        assert unavailable(made, token)


def test_a_clock_that_is_set_back_keeps_nobody_out(issuer, time):
    """What was dropped by the clock that was ahead is asked for again."""
    token = issuer.token(iat=int(NOW) - 100)
    with service(issuer.url, time.clocks, strict=True) as made:
        assert made.verify(token).user_id == "ada"
        soon(lambda: issuer.looks() == 2)
        time.wall -= 3
        for _ in range(100):
            made.verify(token)
        assert (made.age, made.stale) == (0.0, False)
        issuer.revoke(cursor="2.0")
        soon(lambda: issuer.looks() == 4)
        assert issuer.asked.count(FEED) == 2


def test_a_key_that_the_issuer_does_not_know_is_asked_about(issuer, time, caplog):
    """Nobody gets in before anything was heard, and the log does not say otherwise."""
    issuer.answers[FEED] = answering(401)
    with service(issuer.url, time.clocks) as made:
        assert unavailable(made, issuer.token())
        soon(lambda: "not heard for too long: nobody gets in" in caplog.text)
    assert "it answers 401: is verifier_key one of its verifier_keys?" in caplog.text


def test_an_issuer_that_is_away_is_asked_every_second(issuer, verifier, time, caplog):
    """So that it is heard within a second once it is back; on Lambda the rests get longer."""
    issuer.answers[FEED] = answering(502)
    issuer.let_go()
    soon(lambda: "revocations can't be read" in caplog.text)
    for _ in range(6):
        soon(lambda: not verifier._following._feed._rests.over(time.clocks.now()))
        looks = issuer.looks()
        time.passes(1)
        soon(lambda looks=looks: issuer.looks() > looks)


def test_no_thread_is_needed_to_say_that_there_is_none(issuer, time, monkeypatch):
    def failing(self):
        raise RuntimeError("can't start new thread")

    made = Verifier(issuer=ISSUER, audience=AUDIENCE, url=issuer.url, clocks=time.clocks)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", failing)
        assert unavailable(made, issuer.token())
    with made:
        assert made.verify(issuer.token()).user_id == "ada"


@pytest.mark.parametrize("late", [FEED, JWKS])
def test_the_first_request_waits_for_both_however_late_one_is(issuer, time, late):
    """The other thread goes around many times meanwhile."""
    go_on, good, clock = threading.Event(), issuer.answers[late], time.clocks

    def held(handler):
        go_on.wait(60)
        answering(200, good)(handler)

    issuer.answers[late] = held
    made = Verifier(
        issuer=ISSUER, audience=AUDIENCE, verifier_key=KEY, url=issuer.url, clocks=clock
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(made.verify, issuer.token())
        soon(lambda: len(issuer.asked) >= 2)
        for _ in range(5):
            made._started()._call()
            wait([first], timeout=0.02)
        assert not first.done()
        go_on.set()
        assert first.result(60).user_id == "ada"
    made.close()


def test_nobody_waits_for_ever(issuer, time, monkeypatch, caplog):
    """Neither at the first use, nor for an unknown key; by neither door."""
    go_on, good = threading.Event(), issuer.answers[JWKS]

    def held(handler):
        go_on.wait(60)
        answering(200, good)(handler)

    async def async_door(made):
        async with made as again:
            with pytest.raises(Unavailable, match="has not told yet"):
                await again.verify_async(issuer.token())
            go_on.set()
            soon(lambda: again._following.has_begun)
            go_on.clear()
            newer = issuer.token(ECKey.generate_key("P-256"))
            with pytest.raises(Unavailable, match="has not told yet"):
                await again.verify_async(newer)
            with pytest.raises(Unavailable, match="has not told yet"):
                again.verify(newer)
            assert (await again.verify_async(issuer.token())).user_id == "ada"
            go_on.set()

    issuer.answers[JWKS] = held
    monkeypatch.setattr(service_module, "FIRST_SECONDS", 0.01)
    with service(issuer.url, time.clocks) as made:
        with pytest.raises(Unavailable, match="has not told yet"):
            made.verify(issuer.token())
        made.close()
        asyncio.run(async_door(made))
    assert caplog.text.count("has not told yet") == 2  # as it began, twice


def test_who_looked_before_a_withdrawal_does_not_undo_it(issuer, time):
    """Two threads may change which keys are used: the one that knows more has the last word."""
    known, paused, go_on = Known(), threading.Event(), threading.Event()

    class Slow(dict):
        def __contains__(self, kid):
            found = super().__contains__(kid)
            if not paused.is_set():
                paused.set()
                go_on.wait(60)
            return found

    known.keys = Slow()
    asked = Issuer(issuer.url, clocks=time.clocks)
    keys = FollowedKeys(asked, clocks=time.clocks, known=known)
    kid = issuer.key.thumbprint()
    with closing(asked), ThreadPoolExecutor(2) as pool:
        looking = pool.submit(keys.keep)
        assert paused.wait(60)
        known.take([Entry("key", kid, "revoked", datetime.fromtimestamp(NOW + 900, UTC))])
        heeding = pool.submit(keys.heed)
        wait([heeding], timeout=0.1)  # without a lock it is through by now
        go_on.set()
        looking.result(60)
        assert heeding.result(60)
    assert keys.state == []


def test_a_machine_that_slept_knows_that_it_is_stale(issuer, verifier, time):
    """Its monotonic clock stood still."""
    verifier.verify(issuer.token())
    issuer.answers[FEED] = answering(500)
    time.wall += 60
    assert verifier.stale


def test_an_unknown_key_is_looked_for_once_a_minute_and_others_go_on(issuer, verifier, time):
    """Threads with the newest key wait for one look; those with a known one wait for nothing."""
    newer = ECKey.generate_key("P-256")
    issuer.publish(issuer.key, newer)
    listed, asked, go_on = issuer.answers[JWKS], threading.Event(), threading.Event()

    def held(handler):
        asked.set()
        go_on.wait(60)
        answering(200, listed)(handler)

    issuer.answers[JWKS] = held
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(verifier.verify, issuer.token(newer)) for _ in range(8)]
        assert asked.wait(60)
        assert verifier.verify(issuer.token())
        assert not any(each.done() for each in waiting)
        go_on.set()
        assert {each.result(60).user_id for each in waiting} == {"ada"}
    assert issuer.looks(JWKS) == 2
    assert reason(verifier, issuer.token(ECKey.generate_key("P-256"))) == "bad"
    assert issuer.looks(JWKS) == 2


def test_who_waits_for_an_unknown_key_keeps_no_event_loop_waiting(issuer, verifier):
    newer = ECKey.generate_key("P-256")
    issuer.publish(issuer.key, newer)
    listed, asked, go_on = issuer.answers[JWKS], threading.Event(), threading.Event()

    def held(handler):
        asked.set()
        go_on.wait(60)
        answering(200, listed)(handler)

    issuer.answers[JWKS] = held

    async def story():
        waiting = [asyncio.create_task(verifier.verify_async(issuer.token(newer))) for _ in "ab"]
        assert await asyncio.to_thread(asked.wait, 60)
        waiting[0].cancel()  # whoever hangs up must not take the look from the others
        assert await verifier.verify_async(issuer.token())
        go_on.set()
        assert (await waiting[1]).user_id == "ada"

    asyncio.run(story())
    assert issuer.looks(JWKS) == 2


def test_an_unknown_key_is_not_called_bad_while_the_issuer_can_not_tell(issuer, verifier, time):
    newer = ECKey.generate_key("P-256")
    issuer.answers[JWKS] = answering(503)
    assert unavailable(verifier, issuer.token(newer))
    assert verifier.verify(issuer.token())
    issuer.publish(issuer.key, newer)
    time.passes(1)
    soon(lambda: not unavailable(verifier, issuer.token(newer)))


def test_closing_ends_a_question_that_waits_and_says_nothing_of_it(issuer, time, caplog):
    made = Verifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        verifier_key=KEY,
        url=issuer.url,
        clocks=time.clocks,
        max_age=60,
    )
    with made:
        soon(lambda: any("wait=25" in each for each in issuer.asked))
        assert len(threads()) == 2
    assert threads() == []
    assert caplog.text == ""


def test_what_was_ended_before_it_asked_keeps_no_connection(issuer, time, monkeypatch):
    """Ended by another thread between the connecting and the question."""
    asked, made = Held(issuer.url, clocks=time.clocks), []
    connect = Issuer._connect

    def ended_meanwhile(self, until):
        made.append(connect(self, until))
        self.end()
        return made[0]

    monkeypatch.setattr(Issuer, "_connect", ended_meanwhile)
    with pytest.raises(Ended):
        asked.get("/revocations")
    assert made[0].sock is None
    with pytest.raises(Ended):
        asked.get("/revocations")
    assert len(made) == 1
    assert issuer.asked == []


def test_how_long_it_pauses_is_said_by_what_came(issuer, time):
    """None after a wait to the end; a breath after news; a second after an empty early answer."""
    asked = Issuer(issuer.url, clocks=time.clocks)
    feed = Feed(asked, key=KEY, clocks=time.clocks, known=Known(), look=0.0, max_age=10.0)
    with closing(asked):
        assert feed.listen(5) == BREATH_SECONDS
        assert feed.listen(1) == 0.0
        issuer.let_go()
        assert feed.listen(25) == PAUSE_SECONDS
        issuer.revoke(cursor="2.0")
        assert feed.listen(5) == BREATH_SECONDS
        issuer.answers[FEED] = answering(503, Retry_After="7")
        assert feed.listen(5) == 7.0
        looks = issuer.looks()
        assert feed.listen(5) == 7.0
        assert issuer.looks() == looks


def test_a_question_after_a_failure_waits_for_nothing(issuer, verifier, time, caplog):
    issuer.answers[FEED] = answering(503)
    issuer.answers[f"{FEED}?after=1.00000000"] = page(entry("session", "one"), cursor="2.0")
    issuer.let_go()
    soon(lambda: "revocations can't be read" in caplog.text)
    time.passes(2)
    soon(lambda: reason(verifier, issuer.token()) == "signed_out")
    assert f"{FEED}?after=1.00000000" in issuer.asked


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"issuer": "example.com"}, "an address such as"),
        ({"issuer": "http://example.com/auth"}, "an address such as"),
        ({"issuer": "https://example.com/auth/"}, "of admit has no slash at its end"),
        ({"audience": ""}, "audience is empty"),
        ({"verifier_key": "short"}, "at least 32 bytes"),
        ({"verifier_key": f"{KEY}\r\nX: y"}, "no header can carry"),
        ({"max_age": 1}, "at least 2 seconds"),
        ({"max_age": float("nan")}, "at least 2 seconds"),
        ({"access_ttl": 0}, "more than 0 seconds"),
        ({"form": "okta"}, "form wants one of admit, auth0, cognito, supabase, keycloak"),
        ({"form": "cognito", "verifier_key": KEY}, "cognito has no revocation feed"),
        ({"form": "cognito", "strict": True}, "cognito has no revocation feed"),
        ({"form": "auth0"}, "has a slash at its end"),
        ({"form": "keycloak", "issuer": "https://example.com/"}, "no slash at its end"),
        ({"roles": "groups"}, "roles is for other issuers"),
    ],
    ids=str,
)
def test_what_can_not_work_is_said_at_once(given, said):
    with pytest.raises(ValueError, match=said) as refused:
        Verifier(**{"issuer": "https://example.com/auth", "audience": "me"} | given)
    assert KEY not in str(refused.value)
    assert KEY not in repr(Verifier(issuer=ISSUER, audience="me", verifier_key=KEY)._terms)
