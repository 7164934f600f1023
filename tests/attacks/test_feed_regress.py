"""A feed that forgets: its store was put back to an older copy, or somebody stands in between.

What was revoked once stays so in a verifier until the last token that it concerns is dead.
"""

import json

import pytest
from joserfc.jwk import ECKey, OctKey

from admit.errors import InvalidToken
from tests.attacks.forging import signed
from tests.verifier.scripted import (
    NOW,
    Time,
    answering,
    claims,
    entry,
    looking_often,
    public,
    scripted,
    service,
    soon,
)

FEED = "/auth/revocations"
JWKS = "/auth/.well-known/jwks.json"


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


def refused(verifier, token):
    try:
        verifier.verify(token)
    except InvalidToken as refusal:
        return refusal.reason or "bad"
    return None


def test_what_was_revoked_stays_so_when_the_feed_forgets(issuer, verifier, time):
    newer = ECKey.generate_key("P-256")
    old, token = issuer.token(), issuer.token(newer, sid="two")
    issuer.publish(newer)
    withdrawn = entry("key", issuer.key.thumbprint(), reason="revoked")
    issuer.revoke(entry("session", "two"), entry("user", "eve", version=9), withdrawn, cursor="9.0")
    soon(lambda: refused(verifier, token) == "signed_out")
    issuer.publish(issuer.key, newer)
    issuer.revoke(entry("user", "eve", version=2), cursor="1.0")
    soon(lambda: verifier._following._feed._cursor == "1.0")
    looks = issuer.looks(JWKS)
    time.passes(300)
    soon(lambda: issuer.looks(JWKS) > looks)
    assert refused(verifier, token) == "signed_out"
    assert refused(verifier, old) == "bad"
    assert refused(verifier, issuer.token(newer, sub="eve", sid="x", jti="8.x")) == "signed_out"
    assert refused(verifier, issuer.token(newer, sub="eve", sid="x", jti="9.x")) is None


def test_a_cursor_that_is_not_known_any_more_forgets_nothing(issuer, verifier, time):
    issuer.revoke(entry("session", "one"), cursor="9.0")
    soon(lambda: refused(verifier, issuer.token()) == "signed_out")
    issuer.answers[f"{FEED}?after=9.0&wait=5"] = answering(422)
    issuer.revoke(entry("session", "two"), cursor="1.0")
    soon(lambda: refused(verifier, issuer.token(sid="two")) == "signed_out")
    assert refused(verifier, issuer.token()) == "signed_out"


def test_it_is_forgotten_when_no_token_can_live(issuer, verifier, time):
    """Neither before, nor never: a memory that only grows is an attack, too."""
    issuer.revoke(entry("session", "one", until=NOW + 100), cursor="9.0")
    late = issuer.token(exp=int(NOW) + 900)
    soon(lambda: refused(verifier, late) == "signed_out")
    time.passes(99)
    issuer.revoke(cursor="10.0")
    soon(lambda: verifier._following._feed._cursor == "10.0")
    assert refused(verifier, late) == "signed_out"
    time.passes(31)
    issuer.revoke(cursor="11.0")
    soon(lambda: refused(verifier, late) is None)


def test_private_and_symmetric_keys_are_refused_and_complained_of(issuer, time, caplog):
    """With a symmetric one, whoever reads the set could sign."""
    oct_key = OctKey.generate_key(256)
    private = issuer.key.as_dict(private=True) | {"kid": "private", "alg": "ES256"}
    listed = [
        private,
        oct_key.as_dict(private=True) | {"kid": "oct", "alg": "HS256"},
        public(issuer.key),
    ]
    issuer.answers[JWKS] = json.dumps({"keys": listed}).encode()
    with service(issuer.url, time.clocks) as verifier:
        assert refused(verifier, issuer.token()) is None
        assert refused(verifier, issuer.token(head={"kid": "private"})) == "bad"
        forged = signed({"typ": "at+jwt", "alg": "HS256", "kid": "oct"}, claims(), oct_key)
        assert refused(verifier, forged) == "bad"
    assert caplog.text.count("private or symmetric") >= 2


@pytest.mark.parametrize("path", [FEED, JWKS])
def test_a_redirect_is_refused_and_the_key_stays_here(issuer, time, path):
    with scripted() as evil:
        issuer.answers[path] = answering(307, Location=f"{evil.url}{path.removeprefix('/auth')}")
        with service(issuer.url, time.clocks) as verifier:
            with pytest.raises(Exception, match=r"not known"):
                verifier.verify(issuer.token())
            assert verifier.stale == (path == FEED)
        assert evil.asked == []
