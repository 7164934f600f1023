"""`admit token inspect`: what a token says, and what would happen to it now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import typer

from admit.cli import ask
from admit.cli.failure import REFUSED, Failed
from admit.cli.opened import in_store, is_set
from admit.cli.output import AsJson, instant, show_details, show_json
from admit.errors import InvalidToken, SettingsError
from admit.model import Principal
from admit.rotation import judge
from admit.settings import Settings

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.model import Session

tokens = typer.Typer(help="Tokens: what one says, and whether it is good.")

Unsigned = tuple[dict[str, Any], dict[str, Any]]
Signature = Literal["good", "bad", "unknown_key"]

REFRESH = "refresh+jwt"
INSTANTS = ("exp", "iat", "nbf", "auth_time")
LATEST = 253_402_300_799
"""The end of the year 9999: later instants have no name."""
_OWN_ISSUER = re.compile(r"http://localhost(:\d{1,5})?", re.ASCII)


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say about a token; never the token, never a refresh token's handle.

    Where `signature` isn't good, header and claims are whatever somebody wrote. `refused` is why
    it would be refused now; None where it would be accepted.
    """

    kind: Literal["access", "refresh"]
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: Signature
    expired: bool
    revoked: str | None
    session: str
    refused: str | None


@tokens.callback()
def token() -> None:
    """Keep `inspect` a word of its own while it is the only one."""


@tokens.command("inspect")
def inspect(*, as_json: AsJson = False) -> None:
    """Say what a token is, and whether it is good. Nothing happens to it or to its session.

    It is asked for without echo, or read from standard input. The exit code is 0 where it would
    be accepted now, else 1.
    """
    text = ask.token()
    header, claims = _unsigned(text)

    async def work(engine: Engine) -> Inspected:
        if header.get("typ") == REFRESH:
            return await _refresh(engine, text, (header, claims))
        return await _access(engine, text, (header, claims))

    found = in_store(work, settings=_settings(claims))
    if as_json:
        show_json(msgspec.to_builtins(found))
    else:
        show_details(_details(found))
    if found.refused:
        raise typer.Exit(REFUSED)


def _unsigned(text: str) -> Unsigned:
    """The header and the claims, whoever wrote them."""
    from admit.tokens.checker import unpadded  # noqa: PLC0415  see `in_store`

    try:
        header, payload, _ = text.split(".")
        read = msgspec.json.Decoder(dict[str, Any]).decode
        return read(unpadded(header)), read(unpadded(payload))
    except (msgspec.MsgspecError, ValueError):
        raise Failed(
            "This is not a token: one has three parts of base64url with dots between."
        ) from None


def _settings(claims: dict[str, Any]) -> Settings:
    """The settings, with the base URL that `admit serve --port` takes where none is set."""
    settings = Settings.load()
    base_url = str(claims.get("iss", "")).removesuffix(settings.prefix)
    if not is_set("base_url") and _OWN_ISSUER.fullmatch(base_url):
        try:
            return Settings.load(base_url=base_url)
        except SettingsError:  # somebody wrote a port that isn't one
            pass
    return settings


async def _access(engine: Engine, text: str, unsigned: Unsigned) -> Inspected:
    header, claims = unsigned
    now = engine.clock()
    await engine.keys.load(now)
    await engine.revoked.look(now)
    signature = _signature(engine, text, header)
    believed = claims if signature == "good" else {}
    sid, expires = str(believed.get("sid")), claims.get("exp")
    session = await engine.store.find_session(sid) if believed else None
    return Inspected(
        kind="access",
        header=header,
        claims={name: value for name, value in claims.items() if name != "h"},
        signature=signature,
        expired=isinstance(expires, int | float) and expires <= now,
        revoked=engine.revoked.reason(_principal(believed)) if believed else None,
        session=_state(session, now),
        refused=_refusal(engine, text, claims, now),
    )


async def _refresh(engine: Engine, text: str, unsigned: Unsigned) -> Inspected:
    from admit.tokens.refresh import session_id  # noqa: PLC0415  see `in_store`

    header, claims = unsigned
    now = engine.clock()
    held = engine.refresh_tokens.read(text)
    session = await engine.store.find_session(held.session_id) if held else None
    expired = held is not None and held.exp <= now
    refused: str | None = "malformed"
    if held:
        leeway = engine.settings.leeway
        refused = judge(session, generation=held.n, retry_key=None, now=now, leeway=leeway)
        if refused in {"repeat", "inconsistent"}:
            # "inconsistent" is a living session that hasn't moved on: the next refresh would win.
            refused = None
        elif refused == "unknown" and expired:
            refused = "expired"  # its session was cleaned up since
    return Inspected(
        kind="refresh",
        header=header,
        claims={
            "session": session_id(str(claims.get("h"))),
            "generation": claims.get("n"),
            "exp": claims.get("exp"),
        },
        signature="good" if held else "bad",
        expired=expired,
        revoked=session.ended_because if session else None,
        session=_state(session, now),
        refused=refused,
    )


def _signature(engine: Engine, text: str, header: dict[str, Any]) -> Signature:
    """Whether the key that the token names made its signature, whatever else is in it."""
    from admit.tokens.checker import parsed  # noqa: PLC0415  see `in_store`

    key = next((each for each in engine.keys.state if each.kid == header.get("kid")), None)
    if key is None:
        return "unknown_key"
    try:
        good = key.signed(parsed(text))
    except ValueError:
        good = False
    return "good" if good else "bad"


def _version(claims: dict[str, Any]) -> int:
    """The account's version that the token names; none where it is not of our form."""
    from admit.tokens.checker import account_version  # noqa: PLC0415  see `in_store`

    try:
        return account_version(str(claims.get("jti")))
    except ValueError:
        return 0


def _principal(claims: dict[str, Any]) -> Principal:
    """Whom the list of what is revoked is asked about."""
    return Principal(
        user_id=str(claims.get("sub")),
        session_id=str(claims.get("sid")),
        roles=(),
        auth_time=0,
        version=_version(claims),
        expires_at=0,
        payload=b"",
    )


def _refusal(engine: Engine, text: str, claims: dict[str, Any], now: float) -> str | None:
    """Why the verifier refuses it, as it would on a request."""
    try:
        engine.access.verify(text, now=now)
    except InvalidToken as error:
        if error.reason:
            return error.reason
        if claims.get("iss") != engine.settings.issuer:
            return "other_issuer"
        return "invalid"
    return None


def _state(session: Session | None, now: float) -> str:
    if session is None:
        return "unknown"
    if session.ended_because:
        return f"ended ({session.ended_because})"
    return "living" if session.expires_at > now else "expired"


def _details(found: Inspected) -> dict[str, str]:
    """The same for people."""
    shown = {
        "token": f"{found.kind} token",
        "verdict": f"refused ({found.refused})" if found.refused else "accepted",
        "signature": found.signature,
        "expired": "yes" if found.expired else "no",
        "revoked": f"yes ({found.revoked})" if found.revoked else "no",
        "session": found.session,
    }
    shown |= {f"header.{name}": _text(name, value) for name, value in found.header.items()}
    return shown | {f"claims.{name}": _text(name, value) for name, value in found.claims.items()}


def _text(name: str, value: object) -> str:
    if name in INSTANTS and isinstance(value, int | float) and 0 <= value <= LATEST:
        return f"{value} ({instant(value)} UTC)"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
