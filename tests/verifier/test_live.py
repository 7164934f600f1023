"""The verifier beside a real issuer: keys that change under load, and an issuer that goes away."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest

from admit.errors import InvalidToken, Unavailable
from admit.verifier.instants import Clocks
from admit.verifier.service import Verifier
from tests.verifier.scripted import AUDIENCE, ISSUER, KEY, PATIENCE, looking_often, service, soon

LOGIN = {"email": "ada@example.com", "password": "correct horse battery"}
ROTATIONS = 10
THREADS = 4


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    looking_often(monkeypatch)


def clocks(server):
    return Clocks(server.clock, server.clock)


def on_loop(server, made):
    """The result of this coroutine in the server's own event loop."""
    return asyncio.run_coroutine_threadsafe(made, server.auth._upkeep.loop).result(PATIENCE)


def signed_in(server):
    """A session and its account, as the server has them; and an access token."""
    url = f"{server.url}/auth"
    assert httpx.post(f"{url}/register", json=LOGIN).status_code in {201, 409}
    body = {"login": LOGIN["email"], "password": LOGIN["password"], "delivery": "body"}
    answer = httpx.post(f"{url}/login", json=body)
    assert answer.status_code == 200
    return answer.json()["access_token"]


class Load:
    """Threads that verify honest tokens without end, and what was refused."""

    def __init__(self, verifier, *tokens):
        self.tokens = tokens
        self.refused = []
        self.counts = [0] * THREADS
        self._verifier = verifier
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._verify, args=(number,)) for number in range(THREADS)
        ]

    def _verify(self, number):
        while not self._over.wait(0.001):
            for token in self.tokens:
                try:
                    self._verifier.verify(token)
                except (InvalidToken, Unavailable) as refusal:
                    self.refused.append((token, refusal))
            self.counts[number] += 1

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for each in self._threads:
            each.join()

    def goes_on(self):
        """Wait until every thread went around some more."""
        former = list(self.counts)
        soon(lambda: all(now > then + 4 for now, then in zip(self.counts, former, strict=True)))


def kids(verifier):
    return {each.kid for each in verifier._following._keys.state}


def test_ten_rotations_and_a_withdrawal_under_load_refuse_no_honest_token(live):
    with live(verifier_keys=(KEY,)) as server, service(f"{server.url}/auth", clocks(server)) as it:
        auth, clock = server.auth, server.clock
        signed_in(server)
        account = on_loop(server, auth.accounts.find(LOGIN["email"]))
        (session,) = on_loop(server, auth.sessions.list(account.user.id, now=clock()))

        def mint():
            return auth.access.mint(account, session, now=clock())[0]

        with Load(it, mint()) as load:
            newest = kid = ""
            for _ in range(ROTATIONS):
                kid = on_loop(server, auth.keys.rotate(clock()))
                clock.advance(auth.settings.jwks_max_age * 0.9)
                soon(lambda kid=kid: kid in kids(it))
                clock.advance(auth.settings.jwks_max_age * 0.1)
                newest = mint()
                assert auth.keys.signing(clock()).row.kid == kid
                load.tokens = (load.tokens[-1], newest)
                load.goes_on()
            assert it._following._keys._searched_at.wall < 0, "no rotation needs a search"
            stolen = mint()
            load.tokens = ()
            load.goes_on()  # nobody has one of its tokens in hand
            on_loop(server, auth.keys.withdraw(kid, clock()))
            load.tokens = (mint(),)  # by the successor, at once
            load.goes_on()
            soon(lambda: refused(it, stolen))
            for _ in range(100):
                assert refused(it, stolen)
                assert refused(it, newest)
            soon(lambda: sum(load.counts) > 1_000)
        assert load.refused == []


def refused(verifier, token):
    try:
        verifier.verify(token)
    except InvalidToken:
        return True
    return False


def made(url, clock, *, strict):
    return Verifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        verifier_key=KEY,
        url=url,
        strict=strict,
        max_age=2,
        clocks=Clocks(clock, clock),
    )


@contextmanager
def place():
    """A place to listen at that stays while nobody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening


def test_an_issuer_that_is_stopped_for_a_minute_and_comes_back(tmp_path):
    """Nobody is let in by what is too old where that is strict; the first answer heals it."""
    from tests.live import served

    with place() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/auth"
        with served(tmp_path, verifier_keys=(KEY,), listening=listening) as server:
            clock = server.clock
            lax, strict = made(url, clock, strict=False), made(url, clock, strict=True)
            token, other = signed_in(server), signed_in(server)
            for each in (lax, strict):
                assert each.verify(token).user_id == each.verify(other).user_id
        with lax, strict:
            clock.advance(60)
            assert lax.verify(token).user_id
            assert (lax.stale, strict.stale) == (True, True)
            assert lax.age >= 60
            with pytest.raises(Unavailable):
                strict.verify(token)
            with served(tmp_path, verifier_keys=(KEY,), listening=listening, clock=clock) as server:
                bearer = {"Authorization": f"Bearer {token}"}
                assert httpx.post(f"{url}/logout", headers=bearer).status_code == 204
                clock.advance(1)  # after which it is asked again
                for each in (lax, strict):
                    soon(lambda each=each: not each.stale)
                    soon(lambda each=each: refused(each, token))
                    assert each.verify(other).user_id
