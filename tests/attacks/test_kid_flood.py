"""Tokens that name made-up keys: anybody can write them, and each might be the issuer's newest.

They must neither make a verifier ask its issuer more than once a minute, nor keep honest callers
waiting, nor take the threads that an event loop has for other work.
"""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from admit.errors import InvalidToken, Unavailable
from tests.verifier.scripted import Time, answering, looking_often, scripted, service

JWKS = "/auth/.well-known/jwks.json"
FLOOD = 300
THREADS = 8


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def issuer(monkeypatch):
    looking_often(monkeypatch)
    with scripted() as issuer:
        issuer.holds = True
        yield issuer


@pytest.fixture
def verifier(issuer, time):
    with service(issuer.url, time.clocks) as made:
        yield made


@pytest.fixture
def made_up(issuer):
    """Tokens of keys that nobody has, which all look good."""
    return [issuer.token(head={"kid": f"made up {number}"}) for number in range(FLOOD)]


class Held:
    """The public keys, which come when they are let go."""

    def __init__(self, issuer):
        self.asked, self.let_go = threading.Event(), threading.Event()
        self._body = issuer.answers[JWKS]
        issuer.answers[JWKS] = self

    def __call__(self, handler):
        self.asked.set()
        self.let_go.wait(60)
        answering(200, self._body)(handler)


def outcome(verifier, token):
    try:
        verifier.verify(token)
    except (InvalidToken, Unavailable) as refusal:
        return type(refusal).__name__
    return "let in"


def test_a_flood_makes_one_question_a_minute(issuer, verifier, time, made_up):
    with ThreadPoolExecutor(THREADS) as pool:
        found = Counter(pool.map(lambda token: outcome(verifier, token), made_up))
        assert found == {"InvalidToken": FLOOD}
        assert issuer.looks(JWKS) == 2
        time.passes(59)
        assert outcome(verifier, made_up[0]) == "InvalidToken"
        assert issuer.looks(JWKS) == 2
        time.passes(1)
        found = Counter(pool.map(lambda token: outcome(verifier, token), made_up))
        assert found == {"InvalidToken": FLOOD}
    assert issuer.looks(JWKS) == 3


def test_a_flood_at_an_issuer_that_is_away_rests_as_everybody_does(issuer, verifier, time, made_up):
    issuer.answers[JWKS] = answering(503)
    found = Counter(outcome(verifier, token) for token in made_up)
    assert found == {"Unavailable": FLOOD}
    assert issuer.looks(JWKS) == 2
    assert outcome(verifier, issuer.token()) == "let in"


def test_while_threads_of_a_flood_wait_honest_callers_do_not(issuer, verifier, made_up):
    held = Held(issuer)
    with ThreadPoolExecutor(THREADS) as pool:
        flood = [pool.submit(outcome, verifier, token) for token in made_up]
        assert held.asked.wait(60)
        for number in range(100):
            assert outcome(verifier, issuer.token(sid=f"{number}")) == "let in"
        assert not any(each.done() for each in flood)
        held.let_go.set()
        assert Counter(each.result(60) for each in flood) == {"InvalidToken": FLOOD}
    assert issuer.looks(JWKS) == 2


def test_a_flood_takes_no_thread_of_the_event_loops(issuer, verifier, made_up):
    held = Held(issuer)

    async def story():
        flood = [asyncio.create_task(verifier.verify_async(token)) for token in made_up]
        await asyncio.sleep(0)
        assert await asyncio.to_thread(held.asked.wait, 60)
        assert (await verifier.verify_async(issuer.token())).user_id == "ada"
        assert await asyncio.to_thread(lambda: "at once") == "at once"
        assert not any(each.done() for each in flood)
        held.let_go.set()
        found = await asyncio.gather(*flood, return_exceptions=True)
        assert Counter(type(each) for each in found) == {InvalidToken: FLOOD}

    asyncio.run(story())
    assert issuer.looks(JWKS) == 2
