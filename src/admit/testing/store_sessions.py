"""What a store owes where sessions begin, are listed and end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from admit.testing import samples
from admit.testing.samples import DAY, IDLE, NOW
from admit.testing.store_rotation import ROUNDS

if TYPE_CHECKING:
    from admit.model import Session
    from admit.stores.base import Ending, Store


async def sign_in(
    store: Store, made: Session, *, password_version: int = 0, replaces: Ending | None = None
) -> bool:
    """Open this session for whoever knew the password of that version."""
    return await store.open_session(
        made,
        password_version=password_version,
        event=samples.event("signed_in", session_id=made.id),
        replaces=replaces,
    )


async def history(store: Store) -> tuple[int, int]:
    """How many events and revocations there are: what an idle verb must not change."""
    return len(await store.events()), len((await store.revocations(after=0, now=NOW)).entries)


class SessionsContract:
    """A session begins only for an account that may have one, and ends exactly once."""

    async def test_a_session_is_kept_exactly_as_opened(self, store: Store) -> None:
        """Every field, fractions of a second and empty ones included."""
        made = await samples.opened(store)
        bare = await samples.opened(
            store, "bare", user_agent=None, ip=None, amr=(), retry_key=bytes(16), generation=2**40
        )
        assert await store.find_session(made.id) == made
        assert await store.find_session(bare.id) == bare
        assert await store.find_session("session-of-nobody") is None

    async def test_opening_records_its_event(self, store: Store) -> None:
        """In the same step."""
        made = await samples.opened(store)
        assert [each.session_id for each in await store.events(kind="signed_in")] == [made.id]

    async def test_no_session_opens_where_the_account_may_have_none(self, store: Store) -> None:
        """Another password, disabled, unknown: nothing is written, nothing is replaced."""
        held = await samples.opened(store, "held")
        await samples.add(store, "off")
        assert await store.save_user(samples.account("off", disabled_at=NOW))
        before = await history(store)
        replaces = samples.ending(session_id=held.id)
        for user, version in (("ada", 1), ("off", 0), ("nobody", 0)):
            made = samples.session("new", user=user)
            assert not await sign_in(store, made, password_version=version, replaces=replaces)
        assert await store.find_session("session-new") is None
        assert await store.find_session(held.id) == held
        assert await history(store) == before

    async def test_a_session_with_an_id_that_is_there_opens_nothing(self, store: Store) -> None:
        """Living or ended, the row stays as it is; nothing is replaced and nothing recorded."""
        held = await samples.opened(store, "held")
        made = await samples.opened(store, "made", generation=1)
        await store.end_sessions(samples.ending(session_id=made.id), now=NOW)
        ended = await samples.found(store, made.id)
        before = await history(store)
        replaces = samples.ending(session_id=held.id)
        assert not await sign_in(store, samples.session("held", generation=7))
        assert not await sign_in(store, samples.session("made", generation=7), replaces=replaces)
        assert await store.find_session(held.id) == held
        assert await store.find_session(made.id) == ended
        assert await history(store) == before

    async def test_of_many_sessions_with_one_id_exactly_one_opens(
        self, store: Store, other: Store
    ) -> None:
        """Each of two processes takes a token of a former system for the first time."""
        await samples.add(store, "ada")
        for round_ in range(3):
            made = [samples.session(f"r{round_}", ip=f"192.0.2.{each}") for each in range(8)]
            wins = await asyncio.gather(
                *(sign_in((store, other)[each % 2], made[each]) for each in range(8))
            )
            assert sorted(wins) == [False] * 7 + [True]
            assert await store.find_session(made[0].id) == made[wins.index(True)]
        assert len(await store.events(kind="signed_in")) == 3

    async def test_the_replaced_session_ends_in_the_same_step(self, store: Store) -> None:
        """With its reason, its revocation and its event, at the instant of the new one."""
        held = await samples.opened(store, "held")
        made = samples.session("new", opened_at=NOW + 9)
        assert await sign_in(store, made, replaces=samples.ending(session_id=held.id))
        row = await samples.found(store, held.id)
        assert (row.ended_because, row.ended_at) == ("signed_out", NOW + 9)
        assert [each.subject for each in (await store.revocations(after=0, now=NOW)).entries] == [
            held.id
        ]
        assert [each.session_id for each in await store.events(kind="session_ended")] == [held.id]
        assert await store.find_session(made.id) == made

    async def test_replacing_what_is_over_or_unknown_records_nothing(self, store: Store) -> None:
        """The new session opens all the same."""
        held = await samples.opened(store, "held")
        await store.end_sessions(samples.ending(session_id=held.id, because="revoked"), now=NOW)
        _, revocations = await history(store)
        for index, replaced in enumerate((held.id, "session-of-nobody")):
            made = samples.session(f"new-{index}")
            assert await sign_in(store, made, replaces=samples.ending(session_id=replaced))
        assert (await samples.found(store, held.id)).ended_because == "revoked"
        assert (await history(store))[1] == revocations

    async def test_a_sign_in_that_races_a_password_change_leaves_no_living_session(
        self, store: Store, other: Store
    ) -> None:
        """It comes first and is ended by the change, or second and opens nothing."""
        account = samples.account()
        await samples.add(store, "ada")
        for index in range(ROUNDS):
            changed = msgspec.structs.replace(
                account, version=index, password_version=index + 1, password_hash=f"new {index}"
            )
            end = samples.ending(user_id="id-ada", because="password_changed")
            sign_ins = (
                sign_in(handle, samples.session(f"{index}-{number}"), password_version=index)
                for number, handle in enumerate((store, other) * 3)
            )
            saved, *_ = await asyncio.gather(other.save_user(changed, ending=end), *sign_ins)
            assert saved
            assert await store.list_sessions("id-ada", now=NOW) == []

    async def test_a_sign_in_that_races_a_disabling_leaves_no_living_session(
        self, store: Store, other: Store
    ) -> None:
        """The same for an account that is turned off, and on again for the next round."""
        await samples.add(store, "ada")
        for index in range(ROUNDS):
            off = samples.account(version=2 * index, disabled_at=NOW)
            end = samples.ending(user_id="id-ada", because="revoked")
            sign_ins = (
                sign_in(handle, samples.session(f"{index}-{number}"))
                for number, handle in enumerate((store, other) * 3)
            )
            saved, *_ = await asyncio.gather(other.save_user(off, ending=end), *sign_ins)
            assert saved
            assert await store.list_sessions("id-ada", now=NOW) == []
            assert await store.save_user(samples.account(version=2 * index + 1))

    async def test_the_list_holds_the_living_sessions_of_one_user_newest_first(
        self, store: Store
    ) -> None:
        """Neither an ended one, nor one whose deadline is exactly now, nor another user's."""
        old = await samples.opened(store, "old", opened_at=NOW - 9)
        new = await samples.opened(store, "new", opened_at=NOW + 9)
        await samples.opened(store, "over", expires_at=IDLE - 1)
        await samples.opened(store, "ended")
        await store.end_sessions(samples.ending(session_id="session-ended"), now=NOW)
        await samples.opened(store, "theirs", user="bob")
        assert await store.list_sessions("id-ada", now=IDLE - 1) == [new, old]
        assert await store.list_sessions("id-ada", now=IDLE) == []
        assert await store.list_sessions("id-nobody", now=NOW) == []

    async def test_ending_one_session_ends_that_one(self, store: Store) -> None:
        """Its reason and instant are in the row; the user's others live."""
        await samples.opened(store, "one")
        two = await samples.opened(store, "two")
        ended = await store.end_sessions(samples.ending(session_id="session-one"), now=NOW + 3)
        assert ended == ["session-one"]
        row = await samples.found(store, "session-one")
        assert row == samples.session("one", ended_at=NOW + 3, ended_because="signed_out")
        assert await store.list_sessions("id-ada", now=NOW) == [two]

    async def test_an_ending_brings_one_revocation_and_one_event(self, store: Store) -> None:
        """They name the session; the event names its user as well."""
        await samples.opened(store)
        await store.end_sessions(samples.ending(session_id="session-one"), now=NOW + 3)
        (entry,) = (await store.revocations(after=0, now=NOW)).entries
        assert (entry.kind, entry.subject, entry.reason) == ("session", "session-one", "signed_out")
        assert (entry.at, entry.until) == (NOW + 3, NOW + 3600)
        (line,) = await store.events(kind="session_ended")
        assert (line.session_id, line.user_id, line.reason) == (
            "session-one",
            "id-ada",
            "signed_out",
        )

    async def test_ending_twice_is_ending_once(self, store: Store) -> None:
        """The first reason stays; the second records nothing."""
        await samples.opened(store)
        first = samples.ending(session_id="session-one", because="reuse_detected")
        await store.end_sessions(first, now=NOW)
        before = await history(store)
        for second in (
            samples.ending(session_id="session-one", because="revoked"),
            samples.ending(user_id="id-ada", because="password_changed"),
        ):
            assert await store.end_sessions(second, now=NOW + 1) == []
        row = await samples.found(store, "session-one")
        assert (row.ended_because, row.ended_at) == ("reuse_detected", NOW)
        assert await history(store) == before

    async def test_of_50_callers_who_end_one_session_exactly_one_does(
        self, store: Store, other: Store
    ) -> None:
        """One returns its id; there is one revocation and one event."""
        await samples.opened(store)
        end = samples.ending(session_id="session-one")
        ended = await asyncio.gather(
            *(handle.end_sessions(end, now=NOW) for handle in (store, other) * 25)
        )
        assert sorted(ended)[-2:] == [[], ["session-one"]]
        assert len((await store.revocations(after=0, now=NOW)).entries) == 1
        assert len(await store.events(kind="session_ended")) == 1

    async def test_a_session_that_is_over_or_unknown_is_not_ended(self, store: Store) -> None:
        """At exactly its deadline it needs no ending any more."""
        made = await samples.opened(store)
        before = await history(store)
        assert await store.end_sessions(samples.ending(session_id=made.id), now=IDLE) == []
        assert await store.end_sessions(samples.ending(user_id="id-ada"), now=IDLE) == []
        assert await store.end_sessions(samples.ending(session_id="nobody"), now=NOW) == []
        assert await store.end_sessions(samples.ending(user_id="nobody"), now=NOW) == []
        assert await store.find_session(made.id) == made
        assert await history(store) == before

    async def test_nobody_ends_a_session_of_someone_else(self, store: Store) -> None:
        """Where both are named, the session has to be that user's."""
        made = await samples.opened(store)
        theirs = samples.ending(session_id=made.id, user_id="id-bob")
        assert await store.end_sessions(theirs, now=NOW) == []
        own = samples.ending(session_id=made.id, user_id="id-ada")
        assert await store.end_sessions(own, now=NOW) == [made.id]

    async def test_a_users_sessions_end_together_but_for_the_kept_one(self, store: Store) -> None:
        """Each with a revocation and an event; another user's live on."""
        for name in ("one", "two", "kept"):
            await samples.opened(store, name)
        await samples.opened(store, "over", expires_at=NOW + DAY)
        theirs = await samples.opened(store, "theirs", user="bob")
        end = samples.ending(user_id="id-ada", keep="session-kept")
        ended = await store.end_sessions(end, now=NOW + DAY)
        assert sorted(ended) == ["session-one", "session-two"]
        revoked = {each.subject for each in (await store.revocations(after=0, now=NOW)).entries}
        assert revoked == {"session-one", "session-two"}
        lines = await store.events(kind="session_ended")
        assert {each.session_id for each in lines} == revoked
        assert [each.id for each in await store.list_sessions("id-ada", now=NOW + DAY)] == [
            "session-kept"
        ]
        assert await store.list_sessions("id-bob", now=NOW) == [theirs]
