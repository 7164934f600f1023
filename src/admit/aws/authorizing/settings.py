"""What the authorizer's environment says.

What it shares with the issuer has the issuer's names, so that one block of variables can serve
both; what is its own begins with `ADMIT_AUTHORIZER_`, which the issuer passes over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from admit import readers
from admit.errors import SettingsError
from admit.verifier.issuer import address
from admit.verifier.on_request import LOOK, MAX_AGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN = "ADMIT_AUTHORIZER_"
_OWN_NAMES = {"KEY", "URL", "LOOK", "ANSWER", "REFUSAL"}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class AuthorizerSettings:
    """How the authorizer behaves; frozen.

    Attributes:
        issuer: the `iss` of good tokens.
        audience: their `aud`.
        key: one of the issuer's verifier keys.
        url: where the issuer is reached.
        look: seconds after which what is revoked is looked at again.
        max_age: seconds after which what is known of that is too old.
        access_ttl: how long tokens live at most, in seconds; None where only the issuer knows.
        simple: whether payload 2.0 gets simple answers and not policies; as the API has it.
        deny: whether a REST API gets a policy that denies, with the reason, where a token is bad.
    """

    issuer: str
    audience: str
    key: str = field(repr=False)
    url: str
    look: float
    max_age: float
    access_ttl: float | None
    simple: bool
    deny: bool


def read(environ: Mapping[str, str]) -> AuthorizerSettings:
    """The settings of this environment.

    Raises:
        SettingsError: one is missing or can't work, in a sentence that says what to do.
    """
    _check_names(environ)
    base_url = _read(environ, "ADMIT_BASE_URL", readers.base_url)
    if base_url is None:
        raise SettingsError(
            "base_url",
            "ADMIT_BASE_URL is not set: set it as it is set for the issuer, whose tokens are"
            " checked here.",
        )
    prefix = _read(environ, "ADMIT_PREFIX", readers.prefix)
    issuer = base_url + ("/auth" if prefix is None else prefix)
    ttl = _read(environ, "ADMIT_ACCESS_TTL", readers.positive_span)
    answer = _read(environ, OWN + "ANSWER", readers.one_of("simple", "policy"))
    refusal = _read(environ, OWN + "REFUSAL", readers.one_of("unauthorized", "deny"))
    look = _read(environ, OWN + "LOOK", readers.span)
    max_age = _read(environ, "ADMIT_REVOCATION_MAX_AGE", readers.positive_span)
    made = AuthorizerSettings(
        issuer=issuer,
        audience=_read(environ, "ADMIT_AUDIENCE", readers.text) or base_url,
        key=_key(environ),
        url=_url(environ, issuer),
        look=LOOK if look is None else look,
        max_age=MAX_AGE if max_age is None else max_age,
        access_ttl=ttl,
        simple=answer != "policy",
        deny=refusal == "deny",
    )
    if made.look > made.max_age:
        raise SettingsError(
            "authorizer_look",
            f"ADMIT_AUTHORIZER_LOOK is {made.look:g} s, longer than what is known may be old"
            f" (ADMIT_REVOCATION_MAX_AGE, {made.max_age:g} s): lower it, to 0.5 s or so.",
        )
    return made


def _check_names(environ: Mapping[str, str]) -> None:
    """Of our own names, none may be mistyped: what is skipped here would be a default there."""
    for name in environ:
        if name.startswith(OWN) and name.removeprefix(OWN) not in _OWN_NAMES:
            listed = ", ".join(sorted(OWN + each for each in _OWN_NAMES))
            raise SettingsError(
                name.removeprefix("ADMIT_").lower(),
                f"{name} is not a setting of the authorizer: correct its name or unset it"
                f" ({listed}).",
            )


def _key(environ: Mapping[str, str]) -> str:
    """The key that reads the feed; where both functions share one block, the first of the list."""
    for name in (OWN + "KEY", "ADMIT_VERIFIER_KEYS"):
        keys = _read(environ, name, readers.secrets)
        if keys and not keys[0].isprintable():
            raise SettingsError(
                "authorizer_key",
                f"{name} has a character that no header can carry: make another key with"
                " `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`.",
            )
        if keys:
            return keys[0]
    raise SettingsError(
        "authorizer_key",
        "ADMIT_AUTHORIZER_KEY is not set: give the authorizer a key of its own, and the issuer the"
        " same one among ADMIT_VERIFIER_KEYS.",
    )


def _url(environ: Mapping[str, str], issuer: str) -> str:
    """Where the issuer is reached: at its name, where nothing else is said."""
    given = _read(environ, OWN + "URL", lambda value: address(readers.text(value)))
    try:
        return given or address(issuer)
    except ValueError:
        raise SettingsError(
            "base_url",
            f"ADMIT_BASE_URL makes {issuer!r} the issuer, but keys and revocations must not cross a"
            " network in the clear: use https://, or http://localhost while developing.",
        ) from None


def _read(environ: Mapping[str, str], name: str, reader: Callable[[object], T]) -> T | None:
    value = environ.get(name)
    if value is None:
        return None
    setting = name.removeprefix("ADMIT_").lower()
    if value.strip() == "":
        raise SettingsError(setting, f"{name} is empty: give it a value or unset it.")
    try:
        return reader(value)
    except ValueError as error:
        raise SettingsError(setting, f"{name} wants {error}.") from None
