"""The forms in which other systems keep password hashes: read, and held to a price.

Where each comes from is in docs/moving.md. What costs more than the bounds below is refused when
it is read, and so is never run: a sign-in must not take gigabytes or minutes because of what
stood in a file that was imported.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from typing import TYPE_CHECKING

from admit.passwords.foreign import Argon2, Bcrypt, Firebase, Foreign, Pbkdf2, Scrypt

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 512
"""In characters; Firebase's form, with the key of the project in it, has about 220."""
BCRYPT_COST = 15
"""Each step doubles the time: 15 takes about two seconds of a core."""
MEMORY = 256 * 1024 * 1024
"""In bytes, for one hash."""
SCRYPT_WORK = 2 * MEMORY
"""In bytes, over all lanes: about two seconds."""
ARGON2_WORK = 4 * MEMORY
"""In bytes, over all passes: about two seconds."""
SCRYPT_BLOCKS = 1 << 14
"""r times p: what is kept beside N blocks is then 2 MiB at most."""
ARGON2_LANES = 64
PBKDF2_ROUNDS = 4_000_000
"""Iterations, over all the blocks of the result: two to three seconds."""
RESULT_BYTES = range(16, 129)
"""Fewer could be found by guessing, more are of no use."""


class Unusable(ValueError):
    """No password could be checked against it; says what a hash has to be, and not what it was."""


def read(hashed: str) -> Foreign:
    """The hash, in whichever of the forms it is.

    Raises:
        Unusable: it is in none of them, damaged, or past the bounds.
    """
    if len(hashed) <= LONGEST:
        for form, make in _FORMS.items():
            if match := form.fullmatch(hashed):
                return make(match)
    raise Unusable("bcrypt, argon2, scrypt or PBKDF2 in one of the forms of docs/moving.md")


def is_argon2(hashed: str) -> bool:
    """Whether it has the form of argon2, at whatever price."""
    return _ARGON2.fullmatch(hashed) is not None


def firebase(*, rounds: int, mem_cost: int, signer_key: str, separator: str) -> str:
    """How the stored form of a Firebase project's hashes begins; see `Firebase`.

    Arguments:
        rounds: scrypt's r, as the project's console shows it, as all of these.
        mem_cost: the binary logarithm of scrypt's N.
        signer_key: in base64.
        separator: in base64; follows each account's salt.
    """
    signer_key, separator = (_unpadded(each) for each in (signer_key, separator))
    return f"$firebase-scrypt$ln={mem_cost},r={rounds}${signer_key}${separator}$"


def of_firebase(project: str, *, salt: str, result: str) -> str:
    """The stored form of one account's hash, `project` being what `firebase` returned."""
    return f"{project}{_unpadded(salt)}${_unpadded(result)}"


def _unpadded(text: str) -> str:
    return text.rstrip("=").replace("-", "+").replace("_", "/")


def _read_argon2(match: re.Match[str]) -> Foreign:
    memory, passes, lanes = (int(match[each]) for each in "mtp")
    memory *= 1024
    if (
        not passes
        or not 1 <= lanes <= ARGON2_LANES
        or not lanes * 8 * 1024 <= memory <= MEMORY
        or memory * passes > ARGON2_WORK
    ):
        raise Unusable("argon2 with at most 256 MiB, and 1 GiB over all passes")
    return Argon2(match["text"])


def _read_bcrypt(match: re.Match[str]) -> Foreign:
    if not 4 <= int(match["cost"]) <= BCRYPT_COST:  # noqa: PLR2004  bcrypt's own least
        raise Unusable(f"bcrypt with a cost of 4 to {BCRYPT_COST}")
    return Bcrypt(match["text"], digested=bool(match["digested"]))


def _scrypt(
    *, n: int, r: int, p: int, salt: bytes, result: bytes, composed: bool = False
) -> Scrypt:
    least = n > 1 and r > 0 and p > 0
    if (
        not least
        or n & (n - 1)
        or r * p > SCRYPT_BLOCKS
        or 128 * n * r > MEMORY
        or 128 * n * r * p > SCRYPT_WORK
    ):
        raise Unusable(
            "scrypt with N a power of two, at most 256 MiB (128·N·r) and 512 MiB over all lanes,"
            f" and r·p at most {SCRYPT_BLOCKS:,}"
        )
    return Scrypt(n=n, r=r, p=p, salt=salt, result=_result(result), composed=composed)


def _log2(text: str) -> int:
    """The N that `ln` stands for; one that is past every bound stays small enough to be told."""
    return 1 << min(int(text), 63)


def _phc_scrypt(match: re.Match[str]) -> Foreign:
    return _scrypt(
        n=_log2(match["ln"]),
        r=int(match["r"]),
        p=int(match["p"]),
        salt=_bytes(match["salt"]),
        result=_bytes(match["result"]),
    )


def _django_scrypt(match: re.Match[str]) -> Foreign:
    return _scrypt(
        n=int(match["n"]),
        r=int(match["r"]),
        p=int(match["p"]),
        salt=match["salt"].encode(),
        result=_bytes(match["result"]),
    )


def _werkzeug_scrypt(match: re.Match[str]) -> Foreign:
    return _scrypt(
        n=int(match["n"]),
        r=int(match["r"]),
        p=int(match["p"]),
        salt=match["salt"].encode(),
        result=bytes.fromhex(match["result"]),
    )


def _better_auth(match: re.Match[str]) -> Foreign:
    salt, result = match["salt"].encode(), bytes.fromhex(match["result"])
    return _scrypt(n=16_384, r=16, p=1, salt=salt, result=result, composed=True)


def _firebase(match: re.Match[str]) -> Foreign:
    signer_key = _bytes(match["signer"])
    scrypt = _scrypt(
        n=_log2(match["ln"]),
        r=int(match["r"]),
        p=1,
        salt=_bytes(match["salt"]) + _bytes(match["separator"]),
        result=_bytes(match["result"]),
    )
    if len(signer_key) != len(scrypt.result):
        raise Unusable("a Firebase hash that is as long as its project's signer key")
    return Firebase(scrypt=scrypt, signer_key=signer_key)


def _pbkdf2(digest: str, rounds: str, *, salt: bytes, result: bytes) -> Foreign:
    blocks = -(-len(result) // hashlib.new(digest).digest_size)
    if not 1 <= int(rounds) * blocks <= PBKDF2_ROUNDS:
        raise Unusable(f"PBKDF2 with 1 to {PBKDF2_ROUNDS:,} iterations over all its blocks")
    return Pbkdf2(digest=digest, rounds=int(rounds), salt=salt, result=_result(result))


def _phc_pbkdf2(match: re.Match[str]) -> Foreign:
    salt, result = _bytes(match["salt"]), _bytes(match["result"])
    return _pbkdf2(match["digest"] or "sha1", match["rounds"], salt=salt, result=result)


def _django_pbkdf2(match: re.Match[str]) -> Foreign:
    salt, result = match["salt"].encode(), _bytes(match["result"])
    return _pbkdf2(match["digest"], match["rounds"], salt=salt, result=result)


def _werkzeug_pbkdf2(match: re.Match[str]) -> Foreign:
    salt, result = match["salt"].encode(), bytes.fromhex(match["result"])
    return _pbkdf2(match["digest"], match["rounds"], salt=salt, result=result)


def _result(made: bytes) -> bytes:
    if len(made) not in RESULT_BYTES:
        raise Unusable(f"a result of {RESULT_BYTES[0]} to {RESULT_BYTES[-1]} bytes")
    return made


def _bytes(text: str) -> bytes:
    """Base64 with padding or without it; passlib writes `.` for `+`."""
    text = text.rstrip("=").replace(".", "+")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Unusable("a salt and a result in whole base64") from None


_NUMBER = r"\d{1,9}"
_BASE64 = r"[A-Za-z0-9+/.]+={0,2}"
_HEX = r"(?P<result>(?:[0-9a-f]{2})+)"
_DIGEST = r"(?P<digest>sha1|sha256|sha512)"
_SALT = r"(?P<salt>[^$\s]+)"
"""A salt that is taken as the text that it is."""


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_ARGON2 = _form(
    r"(?:argon2)?(?P<text>\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?"
    rf"m=(?P<m>{_NUMBER}),t=(?P<t>{_NUMBER}),p=(?P<p>{_NUMBER})"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171})"
)
_FORMS: dict[re.Pattern[str], Callable[[re.Match[str]], Foreign]] = {
    _ARGON2: _read_argon2,
    _form(
        r"(?:bcrypt(?P<digested>_sha256)?\$)?"
        r"(?P<text>\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53})"
    ): _read_bcrypt,
    _form(
        rf"\$scrypt\$ln=(?P<ln>{_NUMBER}),r=(?P<r>{_NUMBER}),p=(?P<p>{_NUMBER})"
        rf"\$(?P<salt>{_BASE64})\$(?P<result>{_BASE64})"
    ): _phc_scrypt,
    _form(
        rf"scrypt\$(?P<n>{_NUMBER})\${_SALT}\$(?P<r>{_NUMBER})\$(?P<p>{_NUMBER})"
        rf"\$(?P<result>{_BASE64})"
    ): _django_scrypt,
    _form(
        rf"scrypt:(?P<n>{_NUMBER}):(?P<r>{_NUMBER}):(?P<p>{_NUMBER})\${_SALT}\${_HEX}"
    ): _werkzeug_scrypt,
    _form(rf"(?P<salt>[0-9a-f]{{32}}):{_HEX}"): _better_auth,
    _form(
        rf"\$firebase-scrypt\$ln=(?P<ln>{_NUMBER}),r=(?P<r>{_NUMBER})"
        rf"\$(?P<signer>{_BASE64})\$(?P<separator>(?:{_BASE64})?)"
        rf"\$(?P<salt>{_BASE64})\$(?P<result>{_BASE64})"
    ): _firebase,
    _form(
        r"\$pbkdf2(?:-(?P<digest>sha256|sha512))?"
        rf"\$(?:i=)?(?P<rounds>{_NUMBER})\$(?P<salt>{_BASE64})\$(?P<result>{_BASE64})"
    ): _phc_pbkdf2,
    _form(
        rf"pbkdf2_{_DIGEST}\$(?P<rounds>{_NUMBER})\${_SALT}\$(?P<result>{_BASE64})"
    ): _django_pbkdf2,
    _form(rf"pbkdf2:{_DIGEST}:(?P<rounds>{_NUMBER})\${_SALT}\${_HEX}"): _werkzeug_pbkdf2,
}
