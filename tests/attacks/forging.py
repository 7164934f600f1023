"""How an attacker makes tokens: by hand, since a good library would refuse to."""

import base64
import hashlib
import hmac
import json

from joserfc import jws
from joserfc.jwk import import_key


def encoded(value):
    """base64url, without padding, of bytes or of a value as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part):
    """The JSON value of one part of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def opened(token):
    """The header and the claims of a token."""
    header, claims, _ = token.split(".")
    return decoded(header), decoded(claims)


def hmac_signed(header, claims, secret, hash_name="sha256"):
    """A token signed with HMAC, whatever its header says."""
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), hash_name))}"


def signed(header, claims, key, algorithm=None):
    """A token that is really signed with this key, whatever else its header holds."""
    algorithm = algorithm or header["alg"]
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(header, payload, key, registry=registry)


def signing_key(auth):
    """The private key that signs access tokens now: what no attacker has."""
    row = auth.keys.signing(auth.clock()).row
    return import_key(json.loads(auth.keys._vault.opened(row)))


def session_id(access_token):
    """The session of an access token, which its holder can read."""
    return opened(access_token)[1]["sid"]


def handle_hash(handle):
    """What the store knows of a refresh token's handle."""
    return encoded(hashlib.sha256(handle.encode()).digest()[:16])
