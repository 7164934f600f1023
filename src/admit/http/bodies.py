"""What goes over the wire: the types that parse the bodies and describe them in OpenAPI.

A body is read strictly: UTF-8, JSON without doubled keys, no field that isn't known, no value
converted from another type (RFC 8259 section 4; I-JSON, RFC 7493 section 2.3).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from admit.errors import InvalidInput, Malformed, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from msgspec.structs import FieldInfo
    from starlette.requests import Request

    from admit.model import Session, Tokens, User
    from admit.revocation import Page

WANTS = {
    r"Expected `str` of length >= (\d+)": "at least {} characters",
    r"Expected `str` of length <= (\d+)": "at most {} characters",
    r"Expected `str` matching regex": "3 to 64 of letters, digits, '.', '_' and '-'",
    r"Expected `str(?: \| null)?`, got `(\w+)`": "text, not {}",
    r"Invalid enum value": "'cookie' or 'body'",
}
MOST_UNKNOWN = 10
"""Unknown fields that are named: an answer must not outgrow its question."""
LARGEST = 64 * 1024
"""No body of ours comes near it."""

Body = TypeVar("Body", bound=msgspec.Struct)
Delivery = Literal["cookie", "body"]
Login = Annotated[str, Meta(min_length=1, max_length=320, examples=["ada@example.com"])]
Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        examples=["ada@example.com"],
        extra_json_schema={"format": "email"},
    ),
]
Username = Annotated[str, Meta(pattern="^[A-Za-z0-9._\\-]{3,64}$", examples=["ada"])]
Typed = Annotated[str, Meta(min_length=1, max_length=1024, examples=["correct horse battery"])]
Chosen = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=256,
        description="Taken exactly as typed. Not a common one, and not made of your own address.",
        examples=["seven pale lanterns drift"],
    ),
]
Token = Annotated[str, Meta(min_length=1, max_length=8192)]


class Unprinted(msgspec.Struct):
    """What holds passwords or tokens, and prints none of it: what is printed ends up in a log."""

    def __repr__(self) -> str:
        """The name of the type alone."""
        return f"{type(self).__name__}(…)"


class RegisterBody(Unprinted, forbid_unknown_fields=True):
    """What `POST /register` takes."""

    email: Email
    password: Chosen
    username: Username | None = None


class LoginBody(Unprinted, forbid_unknown_fields=True):
    """What `POST /login` takes; `login` is the e-mail address or the username."""

    login: Login
    password: Typed
    delivery: Delivery = "cookie"


class TokenBody(Unprinted, forbid_unknown_fields=True):
    """What `POST /refresh` and `POST /logout` take where the token travels in the body."""

    refresh_token: Token | None = None


class PasswordBody(Unprinted, forbid_unknown_fields=True):
    """What `POST /password` takes."""

    current_password: Typed
    new_password: Chosen


class UserOut(msgspec.Struct):
    """A user."""

    id: str
    email: str
    username: str | None
    roles: tuple[str, ...]
    email_verified: bool
    created_at: datetime


class RegisteredOut(msgspec.Struct):
    """What registering gives."""

    user: UserOut


class TokensOut(Unprinted):
    """What signing in and refreshing give; the refresh token only with body delivery."""

    access_token: str
    expires_in: int
    user: UserOut
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  a type, not a password
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET
    refresh_expires_in: int | msgspec.UnsetType = msgspec.UNSET


class SessionOut(msgspec.Struct):
    """A session: one sign-in on one device."""

    id: str
    current: bool
    opened_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


class SessionsOut(msgspec.Struct):
    """A user's living sessions, the newest first."""

    sessions: list[SessionOut]


class MeOut(msgspec.Struct):
    """Who is signed in, and on which session."""

    user: UserOut
    session: SessionOut


class JWKSOut(msgspec.Struct):
    """The public keys (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]


class RevocationOut(msgspec.Struct):
    """A session, the older tokens of a user, or a key that must be refused until `until`."""

    kind: Literal["session", "user", "key"]
    subject: str
    reason: str
    at: datetime
    until: datetime
    version: int


class RevocationsOut(msgspec.Struct):
    """What was revoked after a cursor, the cursor after it, and whether there is more already."""

    revocations: list[RevocationOut]
    cursor: str
    more: bool


class HealthOut(msgspec.Struct):
    """The server is there; `degraded` is what it does without for now."""

    status: Literal["ok"] = "ok"
    degraded: list[str] | msgspec.UnsetType = msgspec.UNSET


def user_out(user: User) -> UserOut:
    """The user as the wire shows them."""
    return UserOut(
        id=user.id,
        email=user.email,
        username=user.username,
        roles=user.roles,
        email_verified=user.email_verified,
        created_at=_utc(user.created_at),
    )


def session_out(session: Session, *, current: str) -> SessionOut:
    """The session as the wire shows it; `current` is the id of the caller's own."""
    return SessionOut(
        id=session.id,
        current=session.id == current,
        opened_at=_utc(session.opened_at),
        last_seen_at=_utc(session.rotated_at),
        expires_at=_utc(session.expires_at),
        ip=session.ip,
        user_agent=session.user_agent,
    )


def tokens_out(tokens: Tokens, delivery: Delivery) -> TokensOut:
    """The tokens as the wire shows them: with cookie delivery, no refresh token."""
    out = TokensOut(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        user=user_out(tokens.user),
    )
    if delivery == "body":
        out.refresh_token = tokens.refresh_token
        out.refresh_expires_in = tokens.refresh_expires_in
    return out


def revocations_out(page: Page) -> RevocationsOut:
    """A page of the feed as the wire shows it. `until` is rounded up: it must not end early."""
    listed = [
        RevocationOut(
            kind=each.kind,
            subject=each.subject,
            reason=each.reason,
            at=_utc(each.at),
            until=_utc(ceil(each.until)),
            version=each.version,
        )
        for each in page.entries
    ]
    return RevocationsOut(revocations=listed, cursor=str(page.cursor), more=page.more)


def answer(body: msgspec.Struct, status: int = 200) -> Response:
    """The answer with this body as JSON."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


async def read(request: Request, type_: type[Body]) -> Body:
    """The request's body as this type; an absent body is an empty object.

    Raises:
        UnsupportedMediaType: there is a body, or a content type, that isn't JSON.
        TooLarge: it is over 64 KiB.
        Malformed: it isn't JSON, or names a key twice.
        InvalidInput: with what each field wants.
    """
    content_type = request.headers.get("content-type")
    if content_type is not None and not _is_json(content_type):
        raise UnsupportedMediaType
    raw = await _bytes(request)
    if raw and content_type is None:
        raise UnsupportedMediaType
    return _convert(_parse(raw) if raw else {}, type_)


async def _bytes(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal():
        raise Malformed("Content-Length must be a number.")
    if len(announced) > len(str(LARGEST)) or int(announced) > LARGEST:
        raise TooLarge
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST:
            raise TooLarge
    return bytes(raw)


def _is_json(content_type: str) -> bool:
    essence, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    return essence.strip().lower() == "application/json" and charset in {"", "charset=utf-8"}


def _parse(raw: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON.") from error
    if not isinstance(parsed, dict):
        raise Malformed("The body must be a JSON object.")
    return parsed


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two parsers that read a doubled key differently are a way around a check."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    for each in (*made.keys(), *made.values()):
        if isinstance(each, str):
            each.encode()  # a lone surrogate is no text: UnicodeEncodeError is a ValueError
    return made


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _convert(raw: dict[str, object], type_: type[Body]) -> Body:
    """The struct, or every field that is wrong at once."""
    known = _fields(type_)
    unknown = sorted(raw.keys() - known.keys())[:MOST_UNKNOWN]
    fields = {name[:64]: "unknown: leave it out" for name in unknown}
    values = {}
    for name, field in known.items():
        if name in raw:
            try:
                values[name] = msgspec.convert(raw[name], field.type)
            except msgspec.ValidationError as error:
                fields[name] = _wants(str(error))
        elif field.required:
            fields[name] = "required"
    if fields:
        raise InvalidInput(fields=fields)
    return type_(**values)


def _wants(error: str) -> str:
    """What msgspec missed, as a person would say it."""
    for pattern, wants in WANTS.items():
        if match := re.match(pattern, error):
            return wants.format(*match.groups())
    return error


@cache
def _fields(type_: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(type_)}


def _utc(instant: float) -> datetime:
    return datetime.fromtimestamp(int(instant), UTC)
