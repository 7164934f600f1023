"""What goes over the wire: the types that parse the bodies and describe them in OpenAPI."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

if TYPE_CHECKING:
    from admit.model import Session, Tokens, User
    from admit.revocation import Page

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
        created_at=utc(user.created_at),
    )


def session_out(session: Session, *, current: str) -> SessionOut:
    """The session as the wire shows it; `current` is the id of the caller's own."""
    return SessionOut(
        id=session.id,
        current=session.id == current,
        opened_at=utc(session.opened_at),
        last_seen_at=utc(session.rotated_at),
        expires_at=utc(session.expires_at),
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
            at=utc(each.at),
            until=utc(ceil(each.until)),
            version=each.version,
        )
        for each in page.entries
    ]
    return RevocationsOut(revocations=listed, cursor=str(page.cursor), more=page.more)


def answer(body: msgspec.Struct, status: int = 200) -> Response:
    """The answer with this body as JSON."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


def utc(instant: float) -> datetime:
    """The instant as JSON shows it, to the second (RFC 3339)."""
    return datetime.fromtimestamp(int(instant), UTC)
