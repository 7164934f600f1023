"""The Python client: signs in, and stays signed in.

    from admit.client import AdmitAuth, FileTokens

    auth = AdmitAuth("https://example.com/auth", tokens=FileTokens("~/.config/mytool/tokens"))
    auth.sign_in("ada@example.com", password)

    with httpx.Client(auth=auth) as client:
        client.get("https://example.com/auth/me")

It knows the HTTP contract and nothing of the server's inside; it needs the extra `client`.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("httpx") is None:  # pragma: no cover  the tests have the extra
    raise ModuleNotFoundError("The client needs httpx: pip install 'admit[client]'", name="httpx")

from admit.client.auth import AdmitAuth
from admit.client.errors import NotAdmit, SignedOut, TokensError
from admit.client.file import FileTokens
from admit.client.keychain import KeyringTokens
from admit.client.stores import MemoryTokens, TokenStore

__all__ = [
    "AdmitAuth",
    "FileTokens",
    "KeyringTokens",
    "MemoryTokens",
    "NotAdmit",
    "SignedOut",
    "TokenStore",
    "TokensError",
]
