"""Other people's JWS vectors, through the calls that verify an access token's signature.

`../shared/vectors` holds them, with their sources and licences; they are not part of the project.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest

from admit.tokens.algorithms import READERS
from admit.tokens.checker import parsed
from admit.tokens.private import signer
from admit.verifier.keys import PublicKey

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
WYCHEPROOF = VECTORS / "wycheproof" / "json_web_signature_test.json"
COOKBOOK = VECTORS / "jose-cookbook"
OURS = {"ES256", "Ed25519", "HS256", "RS256"}
DEVIATIONS = {
    367: True,  # labelled invalid (padding), but the token that it holds is a valid one
    370: True,  # the same for the payload
    372: False,  # labelled valid, with a `?` in the header
    373: False,  # the same in the payload
}
"""Labels of Wycheproof that we deviate from, and whether we accept: all are in its README."""


def read(path):
    if not path.exists():
        assert not os.environ.get("CI"), f"CI needs the vectors at {path}"
        pytest.skip(f"the vectors are not at {path}")
    return json.loads(path.read_text())


class Mac:
    """An HMAC key with its one algorithm, as `PublicKey` has the others'."""

    def __init__(self, jwk):
        self._key = signer("HS256", jwk)

    def signed(self, parts):
        good = self._key.verify(parts.message, parts.signature)
        return parts.header.get("alg") == "HS256" and good


def accepted(text, jwk, algorithm, name=None):
    """What `Checker` does with a token's shape and signature, for this key and algorithm."""
    if algorithm not in OURS:
        return False
    try:
        if algorithm == "HS256":
            return Mac(jwk).signed(parsed(text))
        verify = READERS[algorithm](jwk)
        return PublicKey("vector", name or algorithm, verify).signed(parsed(text))
    except (msgspec.ValidationError, ValueError):
        return False


def test_wycheproofs_signatures_are_judged_as_labelled():
    """401 vectors; the deviations are those that are listed, no more and no fewer.

    89 of them are for algorithms that no key of ours can have: whatever their label, refused.
    """
    judged, foreign = {}, []
    for group in read(WYCHEPROOF)["testGroups"]:
        jwk = group.get("public") or group["private"]
        for test in group["tests"]:
            good = isinstance(test["jws"], str) and accepted(test["jws"], jwk, jwk.get("alg"))
            if jwk.get("alg") in OURS:
                judged[test["tcId"]] = (good, test["result"] == "valid", test["comment"])
            else:
                foreign.append(good)
    assert (len(judged), len(foreign)) == (312, 89)
    assert not any(foreign)
    differing = {
        number: (good, comment)
        for number, (good, label, comment) in judged.items()
        if good is not label
    }
    assert {number: good for number, (good, _) in differing.items()} == DEVIATIONS, differing


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("jws/4_1.rsa_v15_signature.json", "RS256"),
        ("jws/4_4.hmac-sha2_integrity_protection.json", "HS256"),
        ("curve25519/jws.json", "Ed25519"),
    ],
)
def test_the_cookbooks_signatures_are_accepted(name, algorithm):
    """RFC 7520 section 4, RFC 8037 appendix A; and with one bit changed, refused."""
    vector = read(COOKBOOK / name)
    given, output = vector["input"], vector["output"]
    named = vector.get("signing", {}).get("protected", {}).get("alg") or given["alg"]
    text = output["compact"]
    assert accepted(text, given["key"], algorithm, named)  # RFC 9864 renamed EdDSA
    header, payload, signature = text.split(".")
    changed = payload[:-5] + ("A" if payload[-5] != "A" else "B") + payload[-4:]
    assert not accepted(f"{header}.{changed}.{signature}", given["key"], algorithm, named)
