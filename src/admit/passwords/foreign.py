"""Password hashes of other systems, checked as those did; none is ever made here.

`forms` reads them from their text, and holds them to a price.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

BCRYPT_BYTES = 72
"""bcrypt never saw more than this of a password, so its hashes are of no more."""
_argon2 = Argon2Hasher()
_bcrypt = BcryptHasher()


class Foreign(Protocol):
    """A hash of another system, within bounds."""

    def matches(self, password: str) -> bool:
        """Whether this is the password.

        Raises:
            ValueError: the password is no text that this system could have hashed.
        """


class Argon2(msgspec.Struct, frozen=True):
    """argon2i, argon2d or argon2id at whatever cost, in the form of RFC 9106's reference code."""

    text: str

    def matches(self, password: str) -> bool:
        """See `Foreign.matches`."""
        return _argon2.verify(password, self.text)


class Bcrypt(msgspec.Struct, frozen=True):
    """bcrypt; `digested` where it was given the SHA-256 of the password, in hexadecimal."""

    text: str
    digested: bool = False

    def matches(self, password: str) -> bool:
        """See `Foreign.matches`."""
        given = password.encode()
        if self.digested:
            given = hashlib.sha256(given).hexdigest().encode()
        # bcryptjs and its kin cut off in silence what the library refuses.
        return _bcrypt.verify(given[:BCRYPT_BYTES], self.text)


class Scrypt(msgspec.Struct, frozen=True, kw_only=True):
    """scrypt (RFC 7914)."""

    n: int
    r: int
    p: int
    salt: bytes
    result: bytes
    composed: bool = False
    """Whether the password was brought into NFKC first."""

    def matches(self, password: str) -> bool:
        """See `Foreign.matches`."""
        given = unicodedata.normalize("NFKC", password) if self.composed else password
        return hmac.compare_digest(self.derive(given.encode(), len(self.result)), self.result)

    def derive(self, password: bytes, size: int) -> bytes:
        """As many bytes of scrypt's result."""
        most = 128 * self.r * (self.n + self.p + 2)  # what OpenSSL wants to be allowed
        return hashlib.scrypt(
            password, salt=self.salt, n=self.n, r=self.r, p=self.p, dklen=size, maxmem=most
        )


class Pbkdf2(msgspec.Struct, frozen=True, kw_only=True):
    """PBKDF2 (RFC 8018) with HMAC of `digest`."""

    digest: str
    rounds: int
    salt: bytes
    result: bytes

    def matches(self, password: str) -> bool:
        """See `Foreign.matches`."""
        size = len(self.result)
        made = hashlib.pbkdf2_hmac(self.digest, password.encode(), self.salt, self.rounds, size)
        return hmac.compare_digest(made, self.result)


class Firebase(msgspec.Struct, frozen=True, kw_only=True):
    """Firebase's scrypt: its result is the key under which the project's signer key is encrypted.

    AES-256 in counter mode, from zero.
    """

    scrypt: Scrypt
    signer_key: bytes

    def matches(self, password: str) -> bool:
        """See `Foreign.matches`."""
        key = self.scrypt.derive(password.encode(), 32)
        encryptor = Cipher(AES(key), CTR(bytes(16))).encryptor()
        made = encryptor.update(self.signer_key) + encryptor.finalize()
        return hmac.compare_digest(made, self.scrypt.result)
