"""What a verifier was told: whom it believes, and how old its knowledge may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from admit.verifier.forms import FORMS, Form

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_AGE = 10.0
SHORTEST_MAX_AGE = 2.0
"""A question of the feed waits for half of it, and for whole seconds."""
KEY_BYTES = 32
"""As the issuer's setting demands."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The terms, checked.

    Raises:
        ValueError: they can't be kept; the sentence says what to do.
    """

    issuer: str
    audience: str
    verifier_key: str | None
    url: str
    strict: bool
    max_age: float
    access_ttl: float | None
    form: Form | None
    roles: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the key: what is printed ends up in a log."""
        return f"Terms(issuer={self.issuer!r}, audience={self.audience!r})"

    def __post_init__(self) -> None:
        """Check what does not go together."""
        if not self.audience:
            raise ValueError("audience is empty: say whom the tokens are meant for")
        if not self.max_age >= SHORTEST_MAX_AGE:
            raise ValueError(f"max_age wants at least {SHORTEST_MAX_AGE:g} seconds")
        if self.access_ttl is not None and not self.access_ttl > 0:
            raise ValueError("access_ttl wants more than 0 seconds")
        if self.form is not None:
            self.form.check(self.issuer)
        elif self.issuer.endswith("/"):  # none of its tokens would be good, and nobody told why
            raise ValueError(f"the issuer of admit has no slash at its end: {self.issuer!r}")
        if self.form is not None and (self.verifier_key is not None or self.strict):
            raise ValueError(
                f"{self.form.name} has no revocation feed: leave out verifier_key and strict"
            )
        if self.strict and self.verifier_key is None:
            raise ValueError(
                "strict wants a verifier_key: without one nothing is known of revocations"
            )
        if self.verifier_key is not None:
            _check_key(self.verifier_key)


def terms(
    *,
    issuer: str,
    audience: str,
    verifier_key: str | None,
    url: str | None,
    strict: bool,
    max_age: float,
    access_ttl: float | None,
    form: str | Form,
    roles: str | Sequence[str] | None,
) -> Terms:
    """The terms, from what a verifier is made with.

    Raises:
        ValueError: they can't be kept; the sentence says what to do.
    """
    from admit.verifier.issuer import address  # noqa: PLC0415  it brings all of HTTP

    chosen = _form(form)
    if chosen is None and roles is not None:
        raise ValueError("roles is for other issuers: Admit's tokens say their roles in one way")
    named = (chosen.roles if chosen else ()) if roles is None else roles
    return Terms(
        issuer=issuer,
        audience=audience,
        verifier_key=verifier_key,
        url=address(url or issuer),
        strict=strict,
        max_age=max_age,
        access_ttl=access_ttl,
        form=chosen,
        roles=(named,) if isinstance(named, str) else tuple(named),
    )


def _form(given: str | Form) -> Form | None:
    if isinstance(given, Form):
        return given
    if given != "admit" and given not in FORMS:
        raise ValueError(f"form wants one of admit, {', '.join(FORMS)}, not {given!r}")
    return FORMS.get(given)


def _check_key(key: str) -> None:
    if not key.isprintable() or key != key.strip():
        raise ValueError("verifier_key has what no header can carry: take the issuer's as it is")
    if len(key.encode()) < KEY_BYTES:
        raise ValueError(f"verifier_key wants at least {KEY_BYTES} bytes, one of verifier_keys")
