"""Every library verifies the same tokens, and one that takes a bad one measures nothing."""

import jwt
import pytest

from admit import Admit
from benchmarks.peers import libraries, node, verifying
from tests.servers import missing

PYTHONS = {"PyJWT", "joserfc", "Authlib"}
NODES = {
    "jsonwebtoken",
    "jose",
    "jose, 16 at once",
    "fast-jwt",
    "fast-jwt, its cache",
    "fast-jwt, its cache by the token's text",
}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(verifying, "REMEMBERED", 8)
    monkeypatch.setattr(verifying, "NODE_WARM_UP", 4)


def test_each_library_has_a_figure_for_each_algorithm_in_each_round():
    if node.missing(*verifying.PACKAGES):
        missing("what Node verifies tokens with")
    measured = verifying.measure_verifying(rounds=2, calls=4)
    both = {(name, algorithm) for name in PYTHONS | NODES for algorithm in ("ES256", "HS256")}
    found = {(one.library, one.algorithm) for one in measured}
    older = {(verifying.TUTORIAL + verifying.OLDER, "HS256")} if node.older_node() else set()
    assert found == both | older | {("Admit", "ES256"), (verifying.TUTORIAL, "HS256")}
    assert all(len(one.first) == len(one.seen) == 2 for one in measured)
    assert min(min(one.first + one.seen) for one in measured) > 0
    assert verifying.versions().keys() - {"older Node"} == PYTHONS | {"Node", *verifying.PACKAGES}


def test_without_node_those_of_python_are_measured(monkeypatch):
    monkeypatch.setattr(node, "newest_node", lambda: None)
    measured = verifying.measure_verifying(rounds=1, calls=4)
    assert {one.library for one in measured} == PYTHONS | {"Admit"}


@pytest.mark.parametrize("claim", ["issuer", "audience"])
def test_a_library_that_does_not_ask_for_a_claim_is_not_measured(monkeypatch, claim):
    def careless(expected):
        asked = {name: getattr(expected, name) for name in {"issuer", "audience"} - {claim}}
        key = jwt.PyJWK.from_dict(expected.key, algorithm=expected.algorithm)
        return lambda token: jwt.decode(
            token, key, ["ES256", "HS256"], {"verify_aud": claim != "audience"}, **asked
        )

    monkeypatch.setitem(libraries.LIBRARIES, "careless", careless)
    with pytest.raises(AssertionError, match="careless takes a bad token"):
        verifying.measure_verifying(rounds=1, calls=4)


def test_ours_is_asked_the_same_questions(monkeypatch):
    checked = Admit.verify

    def careless(auth, token):
        """Takes what is genuine, whomever it is meant for."""
        return checked(auth, token) if auth.settings.audience != verifying.OTHER else token

    monkeypatch.setattr(Admit, "verify", careless)
    with pytest.raises(AssertionError, match="Admit takes a bad token"):
        verifying.measure_verifying(rounds=1, calls=4)


def test_on_node_a_bad_token_that_is_taken_ends_the_run(monkeypatch):
    if node.missing(*verifying.PACKAGES):
        missing("what Node verifies tokens with")
    told = verifying._told
    monkeypatch.setattr(
        verifying, "_told", lambda given: told(given) | {"expired": given.tokens[-1]}
    )
    with pytest.raises(RuntimeError, match="jsonwebtoken verifies ES256 wrongly"):
        verifying.measure_verifying(rounds=1, calls=4)
