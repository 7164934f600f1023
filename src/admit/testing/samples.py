"""Values for the store contract: whole ones, of which a test names only what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admit.events import Event, Kind
from admit.model import Account, EndedBecause, Session, User
from admit.stores.base import Ending, Revocation, SigningKey

if TYPE_CHECKING:
    from admit.stores.base import Store

NOW = 1_800_000_000.25
"""A fraction that every store can keep exactly, and must."""
MINUTE = 60.0
DAY = 86_400.0
IDLE = NOW + 7 * DAY
ABSOLUTE = NOW + 30 * DAY


def account(name: str = "ada", **changes: Any) -> Account:  # noqa: ANN401  any field
    """An account whose id, address and username follow from `name`."""
    values: dict[str, Any] = {
        "user": User(
            id=f"id-{name}",
            email=f"{name.title()}@example.com",
            username=name.title(),
            roles=("admin", "writer"),
            email_verified=False,
            created_at=NOW,
        ),
        "email_key": f"{name}@example.com",
        "username_key": name,
        "password_hash": "$argon2id$not-a-real-one",
    }
    return Account(**(values | changes))


def session(name: str = "one", *, user: str = "ada", **changes: Any) -> Session:  # noqa: ANN401
    """A living session of the account `user`, opened at NOW."""
    values: dict[str, Any] = {
        "id": f"session-{name}",
        "user_id": f"id-{user}",
        "generation": 0,
        "rotated_at": NOW,
        "retry_key": None,
        "opened_at": NOW,
        "expires_at": IDLE,
        "ends_at": ABSOLUTE,
        "ended_at": None,
        "ended_because": None,
        "auth_time": NOW,
        "amr": ("pwd",),
        "user_agent": "Browser/1.0",
        "ip": "2001:db8::1",
    }
    return Session(**(values | changes))


def event(kind: Kind = "session_ended", **changes: Any) -> Event:  # noqa: ANN401
    """An event at NOW."""
    values: dict[str, Any] = {"at": NOW, "kind": kind}
    return Event(**(values | changes))


def ending(
    *,
    because: EndedBecause = "signed_out",
    session_id: str | None = None,
    user_id: str | None = None,
    keep: str | None = None,
) -> Ending:
    """Sessions to end at NOW, with a revocation that matters for an hour."""
    return Ending(
        because=because,
        until=NOW + 60 * MINUTE,
        event=event(reason=because),
        session_id=session_id,
        user_id=user_id,
        keep=keep,
    )


def revocation(subject: str = "id-ada", **changes: Any) -> Revocation:  # noqa: ANN401
    """A user's tokens, revoked at NOW for an hour."""
    values: dict[str, Any] = {
        "kind": "user",
        "subject": subject,
        "reason": "revoked",
        "at": NOW,
        "until": NOW + 60 * MINUTE,
        "version": 1,
    }
    return Revocation(**(values | changes))


def signing_key(kid: str, *, signs_from: float = NOW, **changes: Any) -> SigningKey:  # noqa: ANN401
    """A key that signs from `signs_from`; its halves are opaque to a store."""
    values: dict[str, Any] = {
        "kid": kid,
        "algorithm": "ES256",
        "public": '{"kty":"EC"}',
        "private": "e30.e30.e30",
        "created_at": NOW,
        "signs_from": signs_from,
    }
    return SigningKey(**(values | changes))


async def add(store: Store, *names: str) -> None:
    """Add an account for each name."""
    for name in names:
        assert await store.add_user(account(name), event=event("user_registered")) is None


async def opened(store: Store, name: str = "one", *, user: str = "ada", **changes: Any) -> Session:  # noqa: ANN401
    """Open a session, and its account where there is none yet."""
    if await store.find_user("id", f"id-{user}") is None:
        await add(store, user)
    made = session(name, user=user, **changes)
    done = await store.open_session(
        made, password_version=0, event=event("signed_in", session_id=made.id), replaces=None
    )
    assert done
    return made


async def found(store: Store, session_id: str) -> Session:
    """The session, which must be there."""
    row = await store.find_session(session_id)
    assert row is not None
    return row
