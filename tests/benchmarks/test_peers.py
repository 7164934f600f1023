"""Every system that Admit is compared with starts, and does what its adapter says it does."""

import http.client

import pytest

from benchmarks.peers import FOR_SPEED, PEERS
from benchmarks.peers.better_auth import BETTER_AUTH_CACHED
from benchmarks.peers.peer import Answer, Person, Tokens
from tests.servers import missing

ADA = Person("ada@example.com", "correct horse battery staple")
NEW = "another horse battery staple"


class Client:
    def __init__(self, peer, process):
        self.peer, self._port = peer, process.port

    def send(self, call):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(call.method, call.path, call.body or None, dict(call.headers))
        answer = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in answer.getheaders())
        told = Answer(answer.status, headers, answer.read())
        connection.close()
        return told

    def sign_in(self, person):
        answer = self.send(self.peer.speech.sign_in(person))
        assert answer.status // 100 == 2, answer
        return self.peer.speech.kept(answer, Tokens(""))

    def refresh(self, tokens):
        answer = self.send(self.peer.speech.refresh(tokens))
        assert answer.status // 100 == 2, answer
        return self.peer.speech.kept(answer, tokens)

    def enters(self, tokens):
        return self.send(self.peer.speech.protected(tokens)).status == 200


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.name)
def client(request, tmp_path_factory):
    peer = request.param
    if peer.missing():
        missing(f"what {peer.name} runs on")
    with peer.start(tmp_path_factory.mktemp("peer"), "races") as process:
        client = Client(peer, process)
        answer = client.send(peer.speech.register(ADA))
        assert answer.status // 100 == 2, answer
        yield client


def test_hello_asks_nothing_of_anybody(client):
    assert client.send(client.peer.speech.hello()).status == 200


def test_who_signed_in_enters_and_nobody_else(client):
    assert client.enters(client.sign_in(ADA))
    assert not client.enters(Tokens("made.up.token"))
    wrong = client.send(client.peer.speech.sign_in(ADA._replace(password="wrong")))
    assert wrong.status // 100 == 4


def test_a_refresh_gives_what_enters(client):
    if "refresh" in client.peer.lacks:
        pytest.skip(client.peer.lacks["refresh"])
    before = client.sign_in(ADA)
    after = client.refresh(before)
    assert client.enters(after)
    assert (after.refresh == before.refresh) == ("rotation" in client.peer.lacks)


def test_after_signing_out_nothing_refreshes(client):
    if lacked := {"refresh", "sign_out"} & client.peer.lacks.keys():
        pytest.skip(client.peer.lacks[min(lacked)])
    tokens = client.sign_in(ADA)
    client.send(client.peer.speech.sign_out(tokens))
    assert client.send(client.peer.speech.refresh(tokens)).status // 100 == 4


def test_a_changed_password_is_the_one_that_counts(client):
    if "change_password" in client.peer.lacks:
        pytest.skip(client.peer.lacks["change_password"])
    bob = Person("bob@example.com", ADA.password)
    client.send(client.peer.speech.register(bob))
    tokens = client.sign_in(bob)
    answer = client.send(client.peer.speech.change_password(tokens, bob, NEW))
    assert answer.status // 100 == 2, answer
    assert client.enters(client.peer.speech.kept(answer, tokens))
    assert client.send(client.peer.speech.sign_in(bob)).status // 100 == 4
    assert client.enters(client.sign_in(bob._replace(password=NEW)))


def test_what_was_signed_out_enters_no_more_but_from_a_cache(client):
    """Where nothing is refreshed, the protected route itself asks whether the session lives."""
    if "refresh" not in client.peer.lacks or "sign_out" in client.peer.lacks:
        pytest.skip("what is refreshed is asked then")
    tokens = client.sign_in(ADA)
    answer = client.send(client.peer.speech.sign_out(tokens))
    assert not client.enters(client.peer.speech.kept(answer, tokens))
    assert client.enters(tokens) == (client.peer is BETTER_AUTH_CACHED)


def test_one_way_to_sign_in_costs_another_nothing(client):
    """Somebody else's session goes on when this one is signed out."""
    if "sign_out" in client.peer.lacks:
        pytest.skip(client.peer.lacks["sign_out"])
    eve = Person("eve@example.com", ADA.password)
    client.send(client.peer.speech.register(eve))
    tokens, others = client.sign_in(ADA), client.sign_in(eve)
    client.send(client.peer.speech.sign_out(others))
    assert client.enters(tokens if "refresh" in client.peer.lacks else client.refresh(tokens))


def test_what_is_compared_has_a_version(client):
    versions = client.peer.versions()
    assert versions
    assert all(version[0].isdigit() for version in versions.values())


def test_everything_it_keeps_is_where_it_says(client, tmp_path_factory):
    if client.peer.database:
        assert list(tmp_path_factory.getbasetemp().glob(f"*/{client.peer.database}"))


ALIKE = [peer for peer in FOR_SPEED if peer not in PEERS]


@pytest.mark.parametrize("peer", ALIKE, ids=lambda peer: peer.name)
def test_what_is_the_same_at_another_speed_signs_in_and_refreshes_too(peer, tmp_path):
    if peer.missing():
        pytest.skip(peer.missing())
    with peer.start(tmp_path, "races") as process:
        client = Client(peer, process)
        client.send(peer.speech.register(ADA))
        tokens = client.refresh(client.sign_in(ADA))
        assert client.enters(tokens)
    with peer.start(tmp_path, "races") as process:
        assert not Client(peer, process).enters(tokens), "its secrets are others at each start"
