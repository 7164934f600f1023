"""What people sign in with: how an address or a username is written, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

EMAIL_LENGTH = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets."""
AN_ADDRESS = "an e-mail address such as ada@example.com"
A_USERNAME = "3 to 64 of letters, digits, '.', '_' and '-'"
"""What is wanted in the place of text that is neither, for people."""
_USERNAME = re.compile(r"[A-Za-z0-9._-]{3,64}", re.ASCII)


def is_text(text: str) -> bool:
    """Whether it is free of lone surrogates, which no UTF-8 can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_username(text: str) -> bool:
    """Whether this may be a username: no `@` in it, so it is never an address too."""
    return _USERNAME.fullmatch(text) is not None


def address(email: str) -> str | None:
    """The address in its normal form, or None where it is none (RFC 5321, 6531)."""
    from email_validator import (  # noqa: PLC0415  no refresh has an address in it
        EmailNotValidError,
        validate_email,
    )

    try:
        checked = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return checked.normalized if len(checked.normalized) <= EMAIL_LENGTH else None


def email_key(address: str) -> str:
    """What two spellings of one address share: NFC, without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())


def login_key(login: str) -> str:
    """The e-mail key of whatever was typed; it need not be an address."""
    return email_key(address(login) or login) if "@" in login else login.casefold()


def username_key(username: str) -> str:
    """What two spellings of one username share: without case."""
    return username.casefold()
