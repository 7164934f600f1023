"""A header that brings its own key, or says where to fetch one: refused, and nothing is fetched."""

import socket
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from admit.testing.http_caller import refused

from .forging import encoded, opened, signed, signing_key

pytestmark = pytest.mark.anyio
EXTRAS: tuple[dict[str, Any], ...] = (
    {"jwk": {"kty": "oct", "k": ""}},
    {"jku": "https://evil.example"},
    {"x5u": "https://evil.example"},
    {"x5c": []},
    {"x5t": "x"},
    {"x5t#S256": "x"},
    {"crit": ["exp"], "exp": 0},
    {"crit": ["b64"], "b64": False},
    {"crit": []},
    {"crit": ["unknown"], "unknown": 1},
    {"b64": False},
    {"zip": "DEF"},
    {"cty": "JWT"},
    {"anything": "else"},
)


def signed_by_hand(header, claims, key):
    """ES256 over a header that a library would not write."""
    text = f"{encoded(header)}.{encoded(claims)}"
    numbers = decode_dss_signature(key.private_key.sign(text.encode(), ECDSA(SHA256())))
    return f"{text}.{encoded(b''.join(number.to_bytes(32, 'big') for number in numbers))}"


async def test_an_embedded_key_is_refused(service):
    """`jwk`, `x5c`: signed with that very key, named as ours or as itself (CVE-2018-0114)."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    own = ECKey.generate_key("P-256")
    jwk = own.as_dict(private=False)
    certificate = encoded(own.as_der(private=False))
    brought: list[dict[str, Any]] = [{"jwk": jwk}, {"x5c": [certificate]}, {"jwk": {}}]
    for extra in brought:
        for kid in (header["kid"], own.thumbprint()):
            forged = signed({**header, "kid": kid, **extra}, claims, own)
            refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")


async def test_an_address_in_the_header_is_never_fetched(service):
    """`jku` and `x5u`, to a server that would answer."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    own = ECKey.generate_key("P-256")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/jwks.json"
        for name in ("jku", "x5u"):
            for kid in (header["kid"], own.thumbprint()):
                forged = signed({**header, "kid": kid, name: url}, claims, own)
                refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()


async def test_even_we_may_not_sign_such_a_header(service):
    """Really signed with our key: what the verifier does not know, it does not overlook."""
    await service.register()
    header, claims = opened((await service.sign_in())["access_token"])
    for extra in EXTRAS:
        forged = signed_by_hand({**header, **extra}, claims, signing_key(service.auth))
        refused(await service.send("GET", "/me", bearer=forged), 401, "invalid_token")
    assert await service.me(signed_by_hand(header, claims, signing_key(service.auth))) == 200
