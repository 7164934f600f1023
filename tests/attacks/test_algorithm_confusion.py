"""The verifier takes exactly the algorithm of the key, whatever the header asks for."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from admit.testing.http_caller import refused

from .forging import encoded, hmac_signed, opened, signed, signing_key

pytestmark = pytest.mark.anyio
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


async def genuine(service):
    await service.register()
    token = (await service.sign_in())["access_token"]
    return token, *opened(token)


def spellings(jwk):
    """Every form in which an attacker might have the public key, as an HMAC secret."""
    public: Any = import_key(jwk)
    pem = public.as_pem(private=False)
    yield from (pem, pem.rstrip(b"\n"), pem.replace(b"\n", b"\r\n"))
    yield public.as_der(private=False)
    for form in (jwk, {name: jwk[name] for name in sorted(jwk)}):
        yield json.dumps(form).encode()
        yield json.dumps(form, separators=(",", ":")).encode()
    for name in ("n", "x", "kid"):
        if name in jwk:
            yield jwk[name].encode()
    yield b""


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "Ed25519"])
async def test_the_public_key_is_no_hmac_secret(serve, algorithm):
    """RS256 to HS256, and the same for the other two (RFC 8725 section 2.1)."""
    async with serve(algorithm=algorithm) as service:
        token, header, claims = await genuine(service)
        assert header["alg"] == algorithm
        [jwk] = (await service.send("GET", "/.well-known/jwks.json")).json()["keys"]
        for secret in spellings(jwk):
            for alg, hash_name in HASHES.items():
                forged = hmac_signed({**header, "alg": alg}, claims, secret, hash_name)
                answer = await service.send("GET", "/me", bearer=forged)
                refused(answer, 401, "invalid_token")
            # The key's own algorithm in the header, HMAC in the signature.
            answer = await service.send("GET", "/me", bearer=hmac_signed(header, claims, secret))
            refused(answer, 401, "invalid_token")
        assert await service.me(token) == 200


async def test_another_algorithm_of_the_same_key_is_refused(serve):
    """An RSA key that signs RS256 does not verify PS256 or RS512, though the signature is good."""
    async with serve(algorithm="RS256") as service:
        token, header, claims = await genuine(service)
        key = signing_key(service.auth)
        for alg in ("RS384", "RS512", "PS256", "PS384", "PS512"):
            forged = signed({**header, "alg": alg}, claims, key)
            answer = await service.send("GET", "/me", bearer=forged)
            refused(answer, 401, "invalid_token")
            # The same signature under the name of the key's own algorithm.
            first = encoded(header)
            renamed = ".".join((first, *forged.split(".")[1:]))
            answer = await service.send("GET", "/me", bearer=renamed)
            refused(answer, 401, "invalid_token")
        assert await service.me(token) == 200


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("ES384", lambda: ECKey.generate_key("P-384")),
        ("ES512", lambda: ECKey.generate_key("P-521")),
        ("Ed25519", lambda: OKPKey.generate_key("Ed25519")),
        ("RS256", lambda: RSAKey.generate_key(2048)),
    ],
)
async def test_a_key_of_the_attackers_own_is_refused(service, alg, key):
    """Under the name of ours, under its own, and under none."""
    token, header, claims = await genuine(service)
    own = key()
    for kid in (header["kid"], own.thumbprint()):
        for named in (alg, header["alg"]):
            forged = signed({"typ": "at+jwt", "alg": alg, "kid": kid}, claims, own)
            first = encoded({"typ": "at+jwt", "alg": named, "kid": kid})
            forged = ".".join((first, *forged.split(".")[1:]))
            answer = await service.send("GET", "/me", bearer=forged)
            refused(answer, 401, "invalid_token")
    assert await service.me(token) == 200


async def test_the_signing_key_of_another_algorithm_stays_with_its_own(serve):
    """After a change of the algorithm both keys verify, each only what it signed."""
    async with serve() as service:
        old, header, claims = await genuine(service)
        old_key = signing_key(service.auth)
    async with serve(algorithm="Ed25519") as service:
        service.clock.advance(600)  # the new key waits until every cache can know it
        new = (await service.sign_in())["access_token"]
        new_header = opened(new)[0]
        assert (header["alg"], new_header["alg"]) == ("ES256", "Ed25519")
        for good in (old, new):
            assert await service.me(good) == 200
        new_key = signing_key(service.auth)
        for head, key, real in ((new_header, old_key, "ES256"), (header, new_key, "Ed25519")):
            for alg in ("ES256", "Ed25519", "EdDSA"):
                forged = signed({**head, "alg": real}, claims, key)
                first = encoded({**head, "alg": alg})
                forged = ".".join((first, *forged.split(".")[1:]))
                answer = await service.send("GET", "/me", bearer=forged)
                refused(answer, 401, "invalid_token")


async def test_a_symmetric_key_is_never_published(serve):
    """With HS256 the set of public keys is empty, and its kid says nothing of it."""
    async with serve(algorithm="HS256") as service:
        token, header, claims = await genuine(service)
        assert (await service.send("GET", "/.well-known/jwks.json")).json() == {"keys": []}
        answer = await service.send(
            "GET", "/me", bearer=hmac_signed(header, claims, header["kid"].encode())
        )
        refused(answer, 401, "invalid_token")
        assert await service.me(token) == 200
