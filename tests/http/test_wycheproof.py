"""Other people's JWS vectors, through the calls that verify an access token's signature.

`../shared/vectors` holds them, with their sources and licences; they are not part of the project.
"""

import json
import os
from pathlib import Path

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from admit.stores.base import SigningKey
from admit.tokens.checker import parsed
from admit.tokens.compact import Compact
from admit.tokens.vault import LoadedKey

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
WYCHEPROOF = VECTORS / "wycheproof" / "json_web_signature_test.json"
COOKBOOK = VECTORS / "jose-cookbook"
DEVIATIONS = {
    367: True,  # labelled invalid (padding), but the token that it holds is a valid one
    370: True,  # the same for the payload
    372: False,  # labelled valid, with a `?` in the header
    373: False,  # the same in the payload
    346: False,  # labelled valid, with PS384 under a key for PS256
    347: False,  # ES512 under a key for "ES521"
    350: False,  # as 346, with key_ops
    351: False,  # as 347, with key_ops
}
"""Labels of Wycheproof that we deviate from, and whether we accept: exactly those of its README."""


def read(path):
    if not path.exists():
        assert not os.environ.get("CI"), f"CI needs the vectors at {path}"
        pytest.skip(f"the vectors are not at {path}")
    return json.loads(path.read_text())


def accepted(text, jwk, algorithm):
    """What `Checker` does with a token's shape and signature, for any key and algorithm."""
    try:
        return loaded(jwk, algorithm).signed(parsed(text))
    except (JoseError, ValueError):
        return False


def loaded(jwk, algorithm):
    """The vector's key as one of ours, used with the algorithm that it was made for."""
    key = import_key(jwk)
    row = SigningKey(
        kid="vector", algorithm=algorithm, public="", private="", created_at=0, signs_from=0
    )
    return LoadedKey(row=row, private=key, form=Compact({"alg": algorithm}, key))


def test_wycheproofs_signatures_are_judged_as_labelled():
    """401 vectors; the deviations are those that are listed, no more and no fewer."""
    judged = {}
    for group in read(WYCHEPROOF)["testGroups"]:
        jwk = group.get("public") or group["private"]
        for test in group["tests"]:
            good = isinstance(test["jws"], str) and accepted(test["jws"], jwk, jwk.get("alg"))
            judged[test["tcId"]] = (good, test["result"] == "valid", test["comment"])
    assert len(judged) == 401
    differing = {
        number: (good, comment)
        for number, (good, label, comment) in judged.items()
        if good is not label
    }
    assert {number: good for number, (good, _) in differing.items()} == DEVIATIONS, differing


@pytest.mark.filterwarnings("ignore:EdDSA")  # RFC 9864 renamed it; the vector is older
@pytest.mark.parametrize(
    "name",
    [
        "jws/4_1.rsa_v15_signature.json",
        "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json",
        "jws/4_4.hmac-sha2_integrity_protection.json",
        "curve25519/jws.json",
    ],
)
def test_the_cookbooks_signatures_are_accepted(name):
    """RFC 7520 section 4, RFC 8037 appendix A; and with one bit changed, refused."""
    vector = read(COOKBOOK / name)
    given, output = vector["input"], vector["output"]
    algorithm = vector.get("signing", {}).get("protected", {}).get("alg") or given["alg"]
    text = output["compact"]
    assert accepted(text, given["key"], algorithm)
    header, payload, signature = text.split(".")
    changed = payload[:-5] + ("A" if payload[-5] != "A" else "B") + payload[-4:]
    assert not accepted(f"{header}.{changed}.{signature}", given["key"], algorithm)
