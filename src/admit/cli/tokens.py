"""`admit token inspect`: what a token says, and what would happen to it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from admit.cli import ask
from admit.cli.failure import REFUSED, Failed
from admit.cli.keys import load_keys
from admit.cli.opened import in_store, is_set
from admit.cli.output import AsJson, instant, rfc3339, show_details, show_json
from admit.errors import InvalidToken
from admit.rotation import judge
from admit.settings import Settings

if TYPE_CHECKING:
    from admit.engine import Engine
    from admit.model import Session

tokens = typer.Typer(help="Tokens: what one says, and whether it is good.")

REFRESH = "refresh+jwt"
LONGEST = 64 * 1024
LOCAL = "localhost"
INSTANTS = ("exp", "iat", "nbf", "auth_time")


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say about a token; never the token, never a refresh token's handle.

    `signature` is whether one of our keys made it as it is; without that nothing else in it is to
    be believed. `refused` is why it would be refused now, None where it would be accepted.
    """

    kind: str
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bool
    expired: bool
    revoked: str | None
    session: str
    refused: str | None


@tokens.command("inspect")
def inspect(*, as_json: AsJson = False) -> None:
    """Read a token, without echo or from standard input, and say what it is and if it is good.

    Nothing happens to it, or to its session. The exit code is 0 where it would be accepted now.
    """
    text = ask.token()
    header, claims = _unsigned(text)

    async def work(engine: Engine) -> Inspected:
        if header.get("typ") == REFRESH:
            return await _refresh(engine, text, header, claims)
        return await _access(engine, text, header, claims)

    found = in_store(work, settings=_settings(claims))
    if as_json:
        show_json(msgspec.to_builtins(found))
    else:
        show_details(_details(found))
    if found.refused:
        raise typer.Exit(REFUSED)


def _unsigned(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims, whoever wrote them."""
    from joserfc.util import urlsafe_b64decode  # noqa: PLC0415  see `in_store`

    try:
        header, payload, _ = text.encode().split(b".")
        parts = [msgspec.json.decode(urlsafe_b64decode(part)) for part in (header, payload)]
        return msgspec.convert(parts, tuple[dict[str, Any], dict[str, Any]])
    except ValueError:
        pass
    raise Failed("This is not a token: it wants three parts of base64url with dots between.")


def _settings(claims: dict[str, Any]) -> Settings:
    """The settings, with the base URL that `admit serve --port` takes where none is set."""
    settings = Settings.load()
    issuer = str(claims.get("iss", ""))
    base_url = issuer.removesuffix(settings.prefix)
    if is_set("base_url") or urlsplit(base_url).hostname != LOCAL:
        return settings
    return Settings.load(base_url=base_url)


async def _access(
    engine: Engine, text: str, header: dict[str, Any], claims: dict[str, Any]
) -> Inspected:
    await load_keys(engine)
    now = engine.clock()
    await engine.revoked.look(now)
    refused = _refusal(engine, text, now)
    expires = claims.get("exp")
    expired = isinstance(expires, int | float) and expires <= now
    # Expiry is judged before revocation: one second before its end, only the latter is left.
    alive = min(now, expires - 1) if isinstance(expires, int | float) else now
    revoked = _refusal(engine, text, alive)
    genuine = revoked != InvalidToken.title()
    session = await engine.store.find_session(str(claims.get("sid"))) if genuine else None
    return Inspected(
        kind="access token",
        header=header,
        claims={name: value for name, value in claims.items() if name != "h"},
        signature=genuine,
        expired=expired,
        revoked=revoked if genuine else None,
        session=_state(session, now),
        refused=refused,
    )


async def _refresh(
    engine: Engine, text: str, header: dict[str, Any], claims: dict[str, Any]
) -> Inspected:
    from admit.tokens.refresh import RefreshTokens  # noqa: PLC0415  see `in_store`
    from admit.tokens.secret import obtain  # noqa: PLC0415

    now = engine.clock()
    held = RefreshTokens(obtain(engine.settings)).read(text)
    ...
