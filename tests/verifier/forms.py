"""Tokens in the forms of other issuers, as their documentation shows them, made here."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey

from admit.verifier.service import Verifier
from tests.attacks.forging import encoded
from tests.attacks.test_key_in_the_header import signed_by_hand
from tests.verifier.scripted import NOW

AUTH0 = "https://tenant.eu.auth0.com/"
COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aBcDeFgHi"
SUPABASE = "https://abcdefghijklmnopqrst.supabase.co/auth/v1"
KEYCLOAK = "https://id.example.com/realms/things"
API = "https://api.example.com"
CLIENT = "7lq2example5client"
TIMES = {"iat": int(NOW) - 60, "exp": int(NOW) + 3_600}

MAKERS: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}

GOOD: dict[str, dict[str, Any]] = {
    "auth0": {
        "iss": AUTH0,
        "sub": "auth0|65f0c0ffee",
        "aud": [API, AUTH0 + "userinfo"],
        "azp": CLIENT,
        "scope": "openid profile admin:everything",
        "permissions": ["read:things", "write:things"],
        **TIMES,
    },
    "cognito": {
        "iss": COGNITO,
        "sub": "f3a4b5c6-1111-2222-3333-444455556666",
        "client_id": CLIENT,
        "cognito:groups": ["editors", "readers"],
        "origin_jti": "0f0f0f0f-aaaa-bbbb-cccc-ddddeeeeffff",
        "event_id": "11111111-2222-3333-4444-555555555555",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": int(NOW) - 90,
        "jti": "abababab-1212-3434-5656-787878787878",
        "username": "ada",
        "version": 2,
        **TIMES,
    },
    "supabase": {
        "iss": SUPABASE,
        "sub": "9d8e7f6a-0000-4000-8000-123456789abc",
        "aud": "authenticated",
        "role": "authenticated",
        "aal": "aal1",
        "session_id": "5e551011-0000-4000-8000-123456789abc",
        "email": "ada@example.com",
        "phone": "",
        "is_anonymous": False,
        "amr": [
            {"method": "password", "timestamp": int(NOW) - 500},
            {"method": "totp", "timestamp": int(NOW) - 400},
            {"method": "token_refresh", "timestamp": int(NOW) - 60},
        ],
        **TIMES,
    },
    "keycloak": {
        "iss": KEYCLOAK,
        "sub": "c0ffee00-aaaa-bbbb-cccc-000000000001",
        "aud": ["things", "account"],
        "azp": "front-end",
        "typ": "Bearer",
        "jti": "onrtac:deadbeef",
        "sid": "5e551011-dead-beef-0000-123456789abc",
        "acr": "1",
        "auth_time": int(NOW) - 70,
        "realm_access": {"roles": ["editor", "offline_access"]},
        "resource_access": {"things": {"roles": ["approver"]}},
        "scope": "openid email profile",
        **TIMES,
    },
}
"""An access token of each."""
AUDIENCES = {"auth0": API, "cognito": CLIENT, "supabase": "authenticated", "keycloak": "things"}
ALGORITHMS = {"auth0": "RS256", "cognito": "RS256", "supabase": "ES256", "keycloak": "RS256"}
TYPES = {"auth0": "JWT", "cognito": None, "supabase": "JWT", "keycloak": "JWT"}
PATHS: dict[str, str] = {"keycloak": "/auth/protocol/openid-connect/certs"}
"""Where each has its keys, where that is not the usual place."""


def published(form):
    """The form's key, as it publishes it beside one for encryption."""
    algorithm = ALGORITHMS[form]
    key = MAKERS[algorithm]
    own = {"kid": key.thumbprint(), "alg": algorithm, "use": "sig"}
    encrypting = RSA_OAEP | {"kid": "for encryption"}
    return [key.as_dict(private=False) | own, encrypting]


RSA_OAEP = MAKERS["RS256"].as_dict(private=False) | {"use": "enc", "alg": "RSA-OAEP"}


def token(form, *, head=None, without=(), **changed):
    """A token of this form, but for these claims and these parameters of its header."""
    key = MAKERS[ALGORITHMS[form]]
    header = {"alg": ALGORITHMS[form], "kid": key.thumbprint(), "typ": TYPES[form]} | (head or {})
    header = {name: value for name, value in header.items() if value is not None}
    claims = {**GOOD[form], **changed}
    claims = {name: value for name, value in claims.items() if name not in without}
    return by_hand(header, claims, key)


def by_hand(header, claims, key):
    """A token with whatever header, which a library would not write."""
    message = f"{encoded(header)}.{encoded(claims)}"
    own: Any = key.private_key
    if isinstance(key, RSAKey):
        signature = own.sign(message.encode(), PKCS1v15(), SHA256())
    elif isinstance(key, OKPKey):
        signature = own.sign(message.encode())
    else:
        return signed_by_hand(header, claims, key)
    return f"{message}.{encoded(signature)}"


def made(form, url, clocks, /, **more):
    """A verifier of this form's issuer, which is reached at `url`."""
    given = {"issuer": GOOD[form]["iss"], "audience": AUDIENCES[form], "form": form} | more
    return Verifier(url=url, clocks=clocks, **given)
