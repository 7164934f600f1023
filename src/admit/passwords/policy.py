"""What a new password must be: long enough, not common, not made of its owner's own words."""

from __future__ import annotations

import re
from functools import cache

from admit.errors import InvalidInput
from admit.logins import is_text

LONGEST = 256
"""In characters. Long enough for any passphrase; short enough that hashing it costs no more."""
LEFT_OVER = 4
"""A password needs this many characters besides the user's own words."""
_WORD = 3


def check(password: str, *, shortest: int, field: str, own_words: tuple[str | None, ...]) -> None:
    """Refuse a new password that is too short, too long, common, or made of the user's words.

    Arguments:
        password: as typed; it is hashed exactly so.
        shortest: the fewest characters that it may have.
        field: the input field to name in the refusal.
        own_words: the user's address and name.

    Raises:
        InvalidInput: with what the field wants (NIST SP 800-63B-4 section 3.1.1.2).
    """
    wants = None
    if not is_text(password):
        wants = "valid Unicode text"
    elif len(password) < shortest:
        wants = f"at least {shortest} characters"
    elif len(password) > LONGEST:
        wants = f"at most {LONGEST} characters"
    elif is_common(password):
        wants = "a password that is not among the most common ones"
    elif _made_of(password.casefold(), own_words):
        wants = "a password that is not made of your own address or name"
    if wants:
        raise InvalidInput(fields={field: wants})


def is_common(password: str) -> bool:
    """Whether attackers try it first, in whatever case; see common_passwords.LICENSE.

    One text and not a set: looking through it takes microseconds, and a tenth of the memory.
    """
    return "\n" not in password and f"\n{password.casefold()}\n" in common_passwords()


@cache
def common_passwords() -> str:
    """The common passwords, each on a line of its own."""
    from importlib import resources  # noqa: PLC0415  only for a new password

    file = resources.files("admit") / "common_passwords.txt"
    return "\n" + file.read_text(encoding="utf-8")


def _made_of(password: str, own_words: tuple[str | None, ...]) -> bool:
    """Whether hardly anything is left of the password once the user's own words are taken out."""
    words = {"admit"}
    for own in own_words:
        if own:
            words |= {own.casefold(), *re.split(r"[@.]", own.casefold())}
    left = password
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _WORD:
            left = left.replace(word, "")
    return left != password and len(left) < LEFT_OVER
