"""Public keys: which are taken, for what, how long, and when they are asked for again."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from admit.errors import InvalidToken, Unavailable
from admit.tokens.checker import unpadded
from tests.attacks.forging import encoded, signed
from tests.attacks.test_key_in_the_header import signed_by_hand
from tests.verifier.scripted import (
    answering,
    claims,
    entry,
    public,
)

JWKS = "/auth/.well-known/jwks.json"
MAKERS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
    "RS256": lambda: RSAKey.generate_key(2048),
}


def refused(verify, token):
    with pytest.raises(InvalidToken):
        verify(token)
    return True


@pytest.mark.parametrize("algorithm", sorted(MAKERS))
def test_a_key_verifies_with_its_own_algorithm(issuer, verify, algorithm):
    key = MAKERS[algorithm]()
    issuer.publish(key, alg=algorithm)
    assert verify(issuer.token(key, {"alg": algorithm})).user_id == "ada"


def test_a_key_is_used_for_no_other_algorithm(issuer, verify):
    """Neither by the header's word, nor by what else the key could do."""
    key = MAKERS["RS256"]()
    issuer.publish(key, alg="RS256")
    for other in ("RS512", "PS256"):
        assert refused(verify, issuer.token(key, {"alg": other}))
        first = encoded({"typ": "at+jwt", "alg": "RS256", "kid": key.thumbprint()})
        renamed = ".".join([first, *issuer.token(key, {"alg": other}).split(".")[1:]])
        assert refused(verify, renamed)


def test_an_es256_signature_has_sixty_four_bytes(issuer, verify):
    """One text for each signature: no zero before its second number, and none left out."""
    message, _, signature = issuer.token().rpartition(".")
    raw = unpadded(signature)
    assert verify(f"{message}.{encoded(raw)}")
    for other in (raw[:32] + b"\0" + raw[32:], b"\0" + raw, raw + b"\0", raw[:-1], raw[:32]):
        assert refused(verify, f"{message}.{encoded(other)}")


def test_a_good_signature_under_another_algorithms_name_is_refused(issuer, verify):
    for alg in ("ES256", "ES384", "none"):
        header = {"typ": "at+jwt", "alg": alg, "kid": issuer.key.thumbprint()}
        token = signed_by_hand(header, claims(), issuer.key)
        assert verify(token) if alg == "ES256" else refused(verify, token)


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "ES384"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": None},
        {"kid": None},
        {"kid": ["a"]},
        {"kty": "OKP"},
        {"crv": "P-384"},
        {"crv": "Ed25519"},
        {"x": "AA"},
        {"x": 1},
        {"y": "A" * 43},
        {"y": "!"},
        {"d": "AA"},
        {"k": "AA"},
    ],
    ids=str,
)
def test_a_key_that_is_not_ours_to_use_is_left_out(issuer, verify, changed):
    """The other keys of the set go on."""
    good = ECKey.generate_key("P-256")
    bad = public(issuer.key) | changed
    bad = {name: value for name, value in bad.items() if value is not None}
    issuer.answers[JWKS] = json.dumps({"keys": [bad, public(good)]}).encode()
    assert refused(verify, issuer.token())
    assert verify(issuer.token(good))


def test_private_and_symmetric_keys_are_refused_and_complained_of(issuer, verify, caplog):
    """With a symmetric one, whoever reads the set could sign."""
    oct_key = OctKey.generate_key(256)
    private = issuer.key.as_dict(private=True) | {"kid": "private", "alg": "ES256"}
    listed = [private, oct_key.as_dict(private=True) | {"kid": "oct", "alg": "HS256"}]
    issuer.answers[JWKS] = json.dumps({"keys": listed}).encode()
    assert refused(verify, issuer.token(head={"kid": "private"}))
    forged = signed({"typ": "at+jwt", "alg": "HS256", "kid": "oct"}, claims(), oct_key)
    assert refused(verify, forged)
    assert caplog.text.count("private or symmetric") >= 2


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_weak_rsa_key_is_left_out(issuer, verify):
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    weak = RSAKey.import_key(generate_private_key(65537, 1024))
    issuer.publish(weak, alg="RS256")
    assert refused(verify, issuer.token(weak, {"alg": "RS256"}))


def test_of_two_keys_of_one_name_neither_is_used(issuer, verify):
    other = ECKey.generate_key("P-256")
    issuer.answers[JWKS] = json.dumps(
        {"keys": [public(issuer.key), public(other, kid=issuer.key.thumbprint())]}
    ).encode()
    assert refused(verify, issuer.token())


def test_keys_are_asked_for_again_when_they_are_old(issuer, verify, time):
    """300 s where the answer does not say."""
    token = issuer.token(exp=int(time.wall) + 86_400)
    verify(token)
    time.passes(299)
    verify(token)
    assert issuer.looks(JWKS) == 1
    time.passes(1)
    verify(token)
    assert issuer.looks(JWKS) == 2


@pytest.mark.parametrize(
    ("said", "good_for"),
    [
        ("public, max-age=60", 60),
        ("max-age=0", 1),
        ("max-age=99999999", 3_600),
        ("s-maxage=60", 300),
        ("no-store", 300),
    ],
)
def test_an_answer_says_how_long_its_keys_are_good(issuer, verify, time, said, good_for):
    """Within bounds."""
    body = issuer.answers[JWKS]
    issuer.answers[JWKS] = answering(200, body, Cache_Control=said)
    token = issuer.token(exp=int(time.wall) + 86_400)
    verify(token)
    time.passes(good_for - 0.5)
    verify(token)
    assert issuer.looks(JWKS) == 1
    time.passes(0.5)
    verify(token)
    assert issuer.looks(JWKS) == 2


def test_an_unknown_key_is_looked_for_once_a_minute(issuer, verify, time):
    verify(issuer.token())
    newer = ECKey.generate_key("P-256")
    issuer.publish(issuer.key, newer)
    assert verify(issuer.token(newer))
    assert issuer.looks(JWKS) == 2
    newest = ECKey.generate_key("P-256")
    issuer.publish(newer, newest)
    for _ in range(3):
        assert refused(verify, issuer.token(newest))
    assert issuer.looks(JWKS) == 2
    time.passes(60)
    assert verify(issuer.token(newest))
    assert issuer.looks(JWKS) == 3


def test_keys_go_on_while_the_issuer_does_not_give_them_for_a_day(issuer, verify, time):
    token = issuer.token(exp=int(time.wall) + 200_000)
    verify(token)
    issuer.answers[JWKS] = answering(500)
    time.passes(86_400)
    assert verify(token)
    time.passes(1)
    with pytest.raises(Unavailable):
        verify(token)


def test_an_unknown_key_is_not_called_bad_while_the_issuer_can_not_tell(issuer, verify, time):
    """It may be the newest: who comes with it must not be sent to sign in again."""
    verify(issuer.token())
    newer = ECKey.generate_key("P-256")
    issuer.answers[JWKS] = answering(503)
    with pytest.raises(Unavailable):
        verify(issuer.token(newer))
    assert verify(issuer.token())
    issuer.publish(issuer.key, newer)
    time.passes(1)  # one answer that did not come is no reason to wait for a minute
    assert verify(issuer.token(newer))


def test_a_withdrawn_key_is_off_at_the_next_look_also_where_the_set_still_has_it(
    issuer, verify, time
):
    """Whatever stands between may answer with an older set."""
    token = issuer.token()
    verify(token)
    issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
    time.passes(0.5)
    assert refused(verify, token)
    assert issuer.looks(JWKS) == 2  # what stands in its place is asked for at once
    newer = ECKey.generate_key("P-256")
    issuer.publish(newer)
    time.passes(300)
    assert refused(verify, token)
    assert verify(issuer.token(newer))


def test_a_set_that_still_has_a_withdrawn_key_is_soon_asked_for_again(issuer, verify, time):
    """It is older than the withdrawal: what signs since is not in it yet."""
    newer = ECKey.generate_key("P-256")
    verify(issuer.token())
    issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
    time.passes(0.5)
    assert refused(verify, issuer.token(newer))
    issuer.publish(newer)
    time.passes(1)
    assert verify(issuer.token(newer))


def test_a_withdrawn_key_is_off_while_the_keys_can_not_be_had(issuer, verify, time):
    token = issuer.token()
    verify(token)
    issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
    issuer.answers[JWKS] = answering(500)
    time.passes(0.5)
    with pytest.raises((InvalidToken, Unavailable)):
        verify(token)


def test_a_key_that_came_and_was_withdrawn_leaves_nothing_remembered(issuer, verify, time):
    """Neither where no key was known before it, nor where none is after it."""
    listed = issuer.answers[JWKS]
    issuer.publish()
    refused(verify, "a.b.c")
    issuer.answers[JWKS] = listed
    token = issuer.token()
    assert verify(token)
    issuer.revoke(entry("key", issuer.key.thumbprint(), reason="revoked"), cursor="2.0")
    issuer.answers[JWKS] = answering(500)
    time.passes(0.5)
    with pytest.raises((InvalidToken, Unavailable)):
        verify(token)


def test_what_was_verified_stays_so_while_the_same_keys_are_published(issuer, verify, time):
    """A new answer with the same keys costs no signature."""
    token = issuer.token()
    first = verify(token)
    time.passes(300)
    assert verify(token) is first
    issuer.publish(issuer.key, ECKey.generate_key("P-256"))
    time.passes(300)
    assert verify(token) is not first


def test_without_any_key_it_can_not_be_told(issuer, verify):
    issuer.answers[JWKS] = answering(404)
    with pytest.raises(Unavailable):
        verify(issuer.token())


def test_the_address_of_a_header_is_never_asked(issuer, verify):
    for head in ({"jku": issuer.url + "/evil"}, {"x5u": issuer.url + "/evil"}, {"crit": ["exp"]}):
        header = {"typ": "at+jwt", "alg": "ES256", "kid": issuer.key.thumbprint(), **head}
        good = issuer.token().split(".")
        assert refused(verify, ".".join([encoded(header), *good[1:]]))
    assert {each.partition("?")[0] for each in issuer.asked} == {JWKS, "/auth/revocations"}
