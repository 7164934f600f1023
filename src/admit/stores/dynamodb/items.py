"""Values as items of the table, and back; and under which key each kind of item lies.

    what                    pk               sk
    an account              user#ID          -
    its sessions            user#ID          s#SESSION     points there: one query lists them
    a session               session#ID       -             what a refresh writes, and nothing else
    an address              emails           its key       in one partition: listed in their order
    a username              username#KEY     -
    the feed's head         feed             head
    older revocations       feed             b#SEQ
    an event                events           its id
    the signing keys        keys             -
    which schema this is    schema           -
    attempts                count#LIMIT KEY  -

An instant is a number of DynamoDB, written as Python writes the float: 17 digits at most of the 38
that it keeps, so what is read is what was written, to the bit.
"""

from __future__ import annotations

import hashlib
from math import ceil
from typing import Any

import msgspec

from admit.events import Event
from admit.model import Account, Session, User
from admit.stores.base import Revocation, SigningKey

Item = dict[str, Any]
"""An item, or a key of one, in DynamoDB's own form: each value with its type."""

ONE = "-"
"""The sort key where a partition has one item."""
SESSIONS = "s#"
LONGEST = 1_000
"""Bytes of a key that are kept as they are; DynamoDB takes 1,024 in a sort key."""
USER_AGENT_BYTES = 512
"""What is kept of a user agent: more would make a refresh write two units. What a header holds
always fits: 256 characters of at most two bytes."""
GRACE_SECONDS = 3_600
"""How long after its end DynamoDB may delete an item: before `purge`, which would cost something,
gets to it after a day."""

_texts = msgspec.json.Decoder(tuple[str, ...])
_revocations = msgspec.json.Decoder(list[Revocation])
_keys = msgspec.json.Decoder(list[SigningKey])
_rest = msgspec.json.Decoder(
    tuple[str | None, str | None, str | None, str | None, dict[str, str]],
)


def text(value: str) -> Item:
    """A text of DynamoDB."""
    return {"S": value}


def number(value: float) -> Item:
    """A number of DynamoDB, which it keeps to the last digit."""
    return {"N": repr(value)}


def json(value: object) -> Item:
    """A text of DynamoDB that holds JSON."""
    return {"S": msgspec.json.encode(value).decode()}


def key(partition: str, sort: str = ONE) -> Item:
    """The key of an item."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def bounded(given: str) -> str:
    """The text as part of a key: itself, or what stands for one that DynamoDB can't hold.

    That is an empty one, one that is too long and one that is not Unicode. All of them come from
    outside, and have to be found to be nobody's.
    """
    encoded = given.encode(errors="surrogatepass")
    try:
        encoded.decode()
    except UnicodeDecodeError:
        pass
    else:
        if 0 < len(encoded) <= LONGEST:
            return given
    return f"#{hashlib.sha256(encoded).hexdigest()}"


KEYS = key("keys")
"""Where the signing keys are: few, changed together and read together."""


def user_key(user_id: str) -> Item:
    """Where an account is."""
    return key(f"user#{bounded(user_id)}")


def session_key(session_id: str) -> Item:
    """Where a session is."""
    return key(f"session#{bounded(session_id)}")


def pointer_key(user_id: str, session_id: str) -> Item:
    """Where it is noted that a session is this user's."""
    return key(f"user#{bounded(user_id)}", SESSIONS + bounded(session_id))


def email_key(given: str) -> Item:
    """Where it is noted whose an address is."""
    return key("emails", bounded(given))


def username_key(given: str) -> Item:
    """Where it is noted whose a username is."""
    return key(f"username#{bounded(given)}")


def account_values(value: Account) -> dict[str, Item | None]:
    """What an account's item says of it; None for what it must not have."""
    user = value.user
    return {
        "id": text(user.id),
        "em": text(user.email),
        "ek": text(value.email_key),
        "us": _maybe(text, user.username),
        "uk": _maybe(text, value.username_key),
        "ro": json(user.roles),
        "ev": {"BOOL": user.email_verified},
        "cr": number(user.created_at),
        "pw": text(value.password_hash),
        "pv": number(value.password_version),
        "v": number(value.version),
        "da": _maybe(number, value.disabled_at),
    }


def account(item: Item) -> Account:
    """The account in its item."""
    return Account(
        user=User(
            id=item["id"]["S"],
            email=item["em"]["S"],
            username=_text(item, "us"),
            roles=_texts.decode(item["ro"]["S"]),
            email_verified=item["ev"]["BOOL"],
            created_at=float(item["cr"]["N"]),
        ),
        email_key=item["ek"]["S"],
        username_key=_text(item, "uk"),
        password_hash=item["pw"]["S"],
        password_version=int(item["pv"]["N"]),
        version=int(item["v"]["N"]),
        disabled_at=_instant(item, "da"),
    )


def session_item(value: Session) -> Item:
    """A session's item; its names are short, for it has to stay under 1,024 bytes.

    `d` is the idle deadline before it is bounded by `e`, the absolute end.
    """
    agent = value.user_agent and _cut(value.user_agent, USER_AGENT_BYTES)
    values: dict[str, Item | None] = {
        **session_key(value.id),
        "u": text(value.user_id),
        "n": number(value.generation),
        "r": number(value.rotated_at),
        "k": None if value.retry_key is None else {"B": value.retry_key},
        "o": number(value.opened_at),
        "d": number(value.expires_at),
        "e": number(value.ends_at),
        "x": _maybe(number, value.ended_at),
        "w": _maybe(text, value.ended_because),
        "t": number(value.auth_time),
        "m": json(value.amr),
        "a": _maybe(text, agent),
        "i": _maybe(text, value.ip),
        "g": text(DUE),
        "h": text(f"{due(value.ends_at)}#{bounded(value.user_id)}"),
        "ttl": ttl(value.ends_at),
    }
    return present(values)


def session(item: Item) -> Session:
    """The session in its item."""
    because: Any = _text(item, "w")
    ends_at = float(item["e"]["N"])
    return Session(
        id=item["pk"]["S"].removeprefix("session#"),
        user_id=item["u"]["S"],
        generation=int(item["n"]["N"]),
        rotated_at=float(item["r"]["N"]),
        retry_key=item["k"]["B"] if "k" in item else None,
        opened_at=float(item["o"]["N"]),
        expires_at=min(float(item["d"]["N"]), ends_at),
        ends_at=ends_at,
        ended_at=_instant(item, "x"),
        ended_because=because,
        auth_time=float(item["t"]["N"]),
        amr=_texts.decode(item["m"]["S"]),
        user_agent=_text(item, "a"),
        ip=_text(item, "i"),
    )


def pointer_item(value: Session) -> Item:
    """What notes that a session is its user's, and until when it could live."""
    return {
        **pointer_key(value.user_id, value.id),
        "o": number(value.opened_at),
        "e": number(value.ends_at),
        "ttl": ttl(value.ends_at),
    }


def event_item(value: Event, *, kept: float) -> Item:
    """An event's item; `kept` says for how many seconds."""
    user: Item = {}
    if value.user_id:
        user = {"u": text(value.user_id), "g": text(trail_of(value.user_id))}
        user["h"] = text(event_sort(value.id))
    rest = (value.session_id, value.reason, value.ip, value.user_agent, value.detail)
    return {
        **key("events", event_sort(value.id)),
        **user,
        "b": number(value.at),
        "w": text(value.kind),
        "j": json(rest),
        "ttl": ttl(value.at + kept),
    }


def event(item: Item) -> Event:
    """The event in its item."""
    session_id, reason, ip, user_agent, detail = _rest.decode(item["j"]["S"])
    kind: Any = item["w"]["S"]
    return Event(
        id=int(item["sk"]["S"]),
        at=float(item["b"]["N"]),
        kind=kind,
        user_id=_text(item, "u"),
        session_id=session_id,
        reason=reason,
        ip=ip,
        user_agent=user_agent,
        detail=detail,
    )


def event_sort(event_id: int) -> str:
    """The id so that texts are in the order of numbers."""
    return f"{max(0, event_id):020}"


def trail_of(user_id: str) -> str:
    """Under what the index has a user's events."""
    return f"user#{bounded(user_id)}"


DUE = "due"
"""Under what the index has sessions, in the order of their absolute ends."""


def due(instant: float) -> str:
    """The instant so that texts are in the order of time, to the microsecond."""
    return f"{max(0.0, instant):021.6f}"


def revocations(item: Item | None) -> list[Revocation]:
    """The revocations in an item of the feed."""
    return _revocations.decode(item["j"]["S"]) if item and "j" in item else []


def signing_keys(item: Item | None) -> list[SigningKey]:
    """The signing keys in their item, the oldest first."""
    found = _keys.decode(item["j"]["S"]) if item else []
    return sorted(found, key=lambda each: (each.signs_from, each.created_at, each.kid))


def ttl(end: float) -> Item:
    """When DynamoDB may delete the item, in whole seconds; only for cleaning up."""
    return {"N": str(ceil(end) + GRACE_SECONDS)}


def present(values: dict[str, Item | None]) -> Item:
    """Those that are there."""
    return {name: value for name, value in values.items() if value is not None}


def _maybe(make: Any, value: Any) -> Item | None:  # noqa: ANN401  either of the two above
    return None if value is None else make(value)


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _instant(item: Item, name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None


def _cut(given: str, most: int) -> str:
    """The beginning of it that has so many bytes."""
    return given.encode()[:most].decode(errors="ignore")
