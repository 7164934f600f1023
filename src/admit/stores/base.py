"""What a store promises: each verb with its law, and the race that the law is about.

No store reads a clock for a decision: `now` is always handed in. Every verb that writes is one
atomic step, and has reached the disk when it returns. A store that can't be reached, or can't
write, raises `Unavailable`; it never guesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from admit.events import Event, Kind
from admit.model import Account, EndedBecause, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEHIND = (
    "ADMIT_DATABASE_URL (database_url) names a database that this version of Admit has not made or"
    " brought up to date: is it the right one? Then run `admit migrate`, or start the server."
)
Taken = Literal["email", "username"]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Which living sessions to end, and why: one by its id, or a user's, all but `keep`.

    `until` is when the last access token of these sessions is dead: the revocation is of use up
    to then. `event` is recorded once for each session that was really ended.
    """

    because: EndedBecause
    until: float
    event: Event
    session_id: str | None = None
    user_id: str | None = None
    keep: str | None = None


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """What every process must know within a second: a session, a user's tokens or a key is off.

    `seq` is given by the store and grows in the order of commits. For a user, tokens that were
    minted before the account had `version` are off; for a session or a key, all of them.
    """

    kind: Literal["session", "user", "key"]
    subject: str
    reason: str
    at: float
    until: float
    version: int = 0
    seq: int = 0


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """Revocations in the order of `seq`, and the newest `seq` that the store ever gave."""

    entries: list[Revocation]
    head: int


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of `rotate`: whether it wrote, and the row and its user as they now stand."""

    won: bool
    session: Session
    account: Account


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of one kind and reason there were in one step, counted from 0."""

    step: int
    kind: Kind
    reason: str | None
    events: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Every count above zero, and from which instant on everything is counted."""

    counts: list[Count]
    since: float


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key for access tokens. `public` is a JWK (RFC 7517), empty for HS256; `private` a JWE.

    It signs from `signs_from` until a newer one does, verifies until `retires_at`, and does
    neither once `withdrawn_at` is set.
    """

    kid: str
    algorithm: str
    public: str
    private: str
    created_at: float
    signs_from: float
    retires_at: float | None = None
    withdrawn_at: float | None = None


class Push(Protocol):
    """Tells every process that something was revoked, before it looks by itself.

    A message may be lost and a connection cut: nothing depends on it but how soon.
    """

    name: str
    """What carries it, for people; holds no password."""

    kind: str
    """What carries it, in a word, for what is counted."""

    connected: bool
    """Whether what others tell would be heard now."""

    async def tell(self) -> None:
        """Tell the others. Never raises, and never waits for long."""

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` at every message and after every connection made, until cancelled.

        It connects again by itself: what was missed meanwhile, the look after it finds.
        """


class Store(Protocol):
    """Sessions, accounts, keys, revocations and events, in one place."""

    name: str
    """What kind of store and where, for people; holds no password."""

    push: Push | None
    """The store's own way to tell other processes, where it has one."""

    async def start(self, *, migrate: bool = True) -> None:
        """Connect, and bring the schema up to date. Any number of processes may start at once.

        Without `migrate` nothing is made or changed: what is not up to date is a `SettingsError`.
        """

    async def migrate(self, *, grant: str | None = None) -> list[str]:
        """Bring the schema up to date, and nothing else; return the names of what was run.

        `grant` names a role of the database that is to serve from now on: it gets the rights for
        that and no others. May run before `start`, and beside processes that serve.
        """

    async def close(self) -> None:
        """Let go of everything, after what was handed in is written."""

    async def check(self) -> None:
        """Return where a write would now be possible; raise `Unavailable` where not."""

    async def durability(self) -> str | None:
        """Why what was answered might not survive a power cut; None where it does."""

    async def add_user(self, account: Account, *, event: Event) -> Taken | None:
        """Add the account, or say which of its keys is taken.

        Of any number of callers with one address or username, exactly one adds it.
        """

    async def add_users(self, accounts: Sequence[Account], *, event: Event) -> list[Taken | None]:
        """Add these accounts in one step: for each None, or which of its keys is taken.

        As `add_user` for each, in their order: one that is taken keeps no other back, and of two
        with one key the first is added. `event` is recorded for each that was.
        """

    async def find_user(self, by: Literal["id", "email", "username"], key: str) -> Account | None:
        """The account with this id, e-mail key or username key, as last committed."""

    async def list_users(self, *, search: str, after: str, limit: int) -> list[Account]:
        """Accounts with `search` in a key, in the order of their e-mail keys, after `after`."""

    async def save_user(
        self,
        account: Account,
        *,
        event: Event | None = None,
        ending: Ending | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """Replace the account where its `version` is still the given one; the row's moves by one.

        The endings, the revocation and the event are part of the same step. Of concurrent
        callers with one version exactly one wins; the others write nothing and get False.
        """

    async def open_session(
        self, session: Session, *, password_version: int, event: Event, replaces: Ending | None
    ) -> bool:
        """Add the session where its user is enabled and the password is still that version.

        A sign-in that races a password change or a disabling opens nothing (False). Neither does
        one whose id is there already: of any number of callers with one id exactly one opens it.
        `replaces` ends the session that the same browser held, in the same step.
        """

    async def rotate(
        self,
        session_id: str,
        *,
        generation: int,
        retry_key: bytes | None,
        deadline: float,
        now: float,
        rest: tuple[float, float],
    ) -> Rotation | None:
        """Move a living session from any generation up to `generation` to the one after it.

        `set generation = generation + 1, rotated_at = now, retry_key, expires_at = min(deadline,
        ends_at) where id = … and generation <= … and ended_at is null and expires_at > now and
        (generation < … or rotated_at <= rest[0] or rotated_at >= rest[1])`, as one conditional
        write: a token that was born between the two instants of `rest` and is still the current
        one rests. Of any number of callers with one token at most one wins; every caller gets the
        row as it stands after it, or None where there is none.
        """

    async def end_sessions(self, ending: Ending, *, now: float) -> list[str]:
        """End the living sessions that are meant, with their revocations and events.

        Ending twice is ending once: the first reason stays, and only the first records anything.
        Returns the ids that this call ended.
        """

    async def list_sessions(self, user_id: str, *, now: float) -> list[Session]:
        """The user's living sessions, the newest first, the newest 1,000 at most."""

    async def find_session(self, session_id: str) -> Session | None:
        """The session as last committed, whether living or not."""

    async def revocations(self, *, after: int, now: float) -> Feed:
        """What was revoked after the cursor and still matters.

        A revocation that was committed before this call is never missing from it, and none ever
        appears behind a `head` that was handed out. Where the cursor lies beyond the head (a
        store that lost its latest writes in a failover), everything that still matters.
        """

    async def keys(self) -> list[SigningKey]:
        """Every key that is kept, the oldest first by `signs_from`."""

    async def save_keys(
        self,
        keys: list[SigningKey],
        *,
        seen: list[SigningKey],
        event: Event | None = None,
        revocation: Revocation | None = None,
    ) -> bool:
        """Add or replace these keys where all the keys are still as they were `seen`.

        Of any number of processes that change the keys at once exactly one wins; the others get
        False and have to look again. Or one that has not looked yet would bring a withdrawn key
        back by writing its old row.
        """

    async def record(self, event: Event) -> None:
        """Add one event to the audit trail."""

    async def events(
        self,
        *,
        user_id: str | None = None,
        kind: Kind | None = None,
        since: float = 0.0,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """Events, the newest first, with ids below `before`."""

    async def count_events(
        self, *, kinds: Sequence[Kind], since: float, until: float, step: float
    ) -> Counts:
        """How many events of these kinds there are in each step of `step` seconds, by reason.

        The first step begins at `since`, the last ends at `until`, which no longer counts. Where a
        store would have to look at too many, it counts the newest, and says since when that is all.
        What is recorded meanwhile may be counted or not. It may take long, and holds nobody up.
        """

    async def purge(self, *, now: float, events_before: float, limit: int) -> int:
        """Delete up to `limit` rows each of sessions past their absolute end, revocations that
        no longer matter, retired keys and old events; return how many went.

        Nothing that a judgement could still need is deleted.
        """  # noqa: D205
