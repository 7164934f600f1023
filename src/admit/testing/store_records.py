"""What a store owes for revocations, keys and events, and where it cleans up."""

from __future__ import annotations

import asyncio
from time import time
from typing import TYPE_CHECKING, Any

import msgspec

from admit.testing import samples
from admit.testing.samples import ABSOLUTE, DAY, NOW
from admit.testing.store_rotation import ROUNDS
from admit.testing.store_sessions import history

if TYPE_CHECKING:
    from admit.events import Kind
    from admit.stores.base import SigningKey, Store

CALLERS = 20


async def end(store: Store, name: str) -> None:
    """End this session, which must live."""
    ended = await store.end_sessions(samples.ending(session_id=f"session-{name}"), now=NOW)
    assert ended == [f"session-{name}"]


async def save(store: Store, kid: str, *, seen: list[SigningKey], signs_from: float = NOW) -> bool:
    """Save a key of this name, with an event."""
    key = samples.signing_key(kid, signs_from=signs_from)
    return await store.save_keys([key], seen=seen, event=samples.event("key_published"))


class RevocationsContract:
    """A process that follows the cursor misses nothing and sees nothing twice."""

    async def test_a_revocation_is_seen_by_the_next_look_in_every_process(
        self, store: Store, other: Store
    ) -> None:
        """Committed before the call means in its answer."""
        cursor = 0
        for index in range(ROUNDS):
            name = str(index)
            await samples.opened(store, name)
            await end(store, name)
            entries = (await other.revocations(after=cursor, now=NOW)).entries
            assert [each.subject for each in entries] == [f"session-{name}"]
            assert entries[0].seq > cursor
            cursor = entries[0].seq
        assert (await other.revocations(after=cursor, now=NOW)).entries == []
        everything = (await store.revocations(after=0, now=NOW)).entries
        assert [each.subject for each in everything] == [f"session-{i}" for i in range(ROUNDS)]

    async def test_a_cursor_passes_by_nothing_while_others_write(
        self, store: Store, other: Store
    ) -> None:
        """A follower beside 40 concurrent endings sees each exactly once, in the order of seq."""
        names = [str(index) for index in range(2 * CALLERS)]
        for name in names:
            await samples.opened(store, name)
        seen: list[str] = []
        cursor = 0
        writing = asyncio.gather(
            *(end((store, other)[index % 2], name) for index, name in enumerate(names))
        )
        finished = False
        while not finished:
            finished = writing.done()  # asked before the look, so that one look follows the end
            entries = (await other.revocations(after=cursor, now=NOW)).entries
            assert [each.seq for each in entries] == sorted({each.seq for each in entries})
            seen += [each.subject for each in entries]
            cursor = max([cursor, *(each.seq for each in entries)])
            await asyncio.sleep(0)
        await writing
        assert sorted(seen) == sorted(f"session-{name}" for name in names)

    async def test_at_exactly_until_a_revocation_matters_no_more(self, store: Store) -> None:
        """The last token that it concerns is dead then."""
        await samples.opened(store)
        await end(store, "one")
        assert len((await store.revocations(after=0, now=NOW + 3599)).entries) == 1
        assert (await store.revocations(after=0, now=NOW + 3600)).entries == []

    async def test_revocations_are_kept_exactly_as_given(self, store: Store) -> None:
        """Of a user and of a key; only `seq` is the store's own."""
        await samples.add(store, "ada")
        assert await store.save_user(samples.account(), revocation=samples.revocation())
        of_key = samples.revocation("a-key", kind="key", version=0)
        assert await store.save_keys([], seen=[], revocation=of_key)
        entries = (await store.revocations(after=0, now=NOW)).entries
        plain = [msgspec.structs.replace(each, seq=0) for each in entries]
        assert plain == [samples.revocation(), of_key]
        assert 0 < entries[0].seq < entries[1].seq

    async def test_a_seq_is_never_given_twice(self, store: Store) -> None:
        """Not even once everything was purged: a cursor that is out would pass by the next one."""
        await samples.opened(store, "one")
        await samples.opened(store, "two")
        await end(store, "one")
        (first,) = (await store.revocations(after=0, now=NOW)).entries
        await store.purge(now=NOW + DAY, events_before=0.0, limit=100)
        await end(store, "two")
        (second,) = (await store.revocations(after=first.seq, now=NOW)).entries
        assert second.subject == "session-two"


class KeysContract:
    """Keys are kept in the order in which they sign, and no rotation overwrites another."""

    async def test_keys_are_kept_as_given_the_oldest_first(self, store: Store) -> None:
        """By `signs_from`, not by when they came."""
        late = samples.signing_key("late", signs_from=NOW + 300, retires_at=NOW + DAY)
        early = samples.signing_key("early", algorithm="HS256", public="", withdrawn_at=NOW + 1.5)
        assert await store.keys() == []
        assert await store.save_keys([late, early], seen=[])
        assert await store.keys() == [early, late]

    async def test_a_key_that_is_there_is_replaced(self, store: Store) -> None:
        """And its neighbours are as they were."""
        assert await save(store, "one", seen=[])
        assert await save(store, "two", seen=await store.keys(), signs_from=NOW + 1)
        retired = samples.signing_key("one", retires_at=NOW + DAY)
        assert await store.save_keys([retired], seen=await store.keys())
        assert await store.keys() == [retired, samples.signing_key("two", signs_from=NOW + 1)]

    async def test_keys_are_saved_only_where_they_are_still_as_they_were_seen(
        self, store: Store
    ) -> None:
        """Otherwise nothing is written: no key, no event, no revocation."""
        assert not await save(store, "one", seen=[samples.signing_key("something")])
        assert await save(store, "one", seen=[])
        assert await save(store, "two", seen=await store.keys(), signs_from=NOW + 300)
        before = await store.keys(), await history(store)
        one, two = before[0]
        changed = msgspec.structs.replace(one, withdrawn_at=NOW)
        for seen in ([], [one], [two, one], [changed, two], [one, two, changed]):
            saved = await store.save_keys(
                [samples.signing_key("three", signs_from=NOW + 600)],
                seen=seen,
                event=samples.event("key_published"),
                revocation=samples.revocation("one", kind="key"),
            )
            assert not saved
        assert (await store.keys(), await history(store)) == before

    async def test_of_processes_that_rotate_at_once_exactly_one_wins(
        self, store: Store, other: Store
    ) -> None:
        """From the very first key on."""
        seen: list[SigningKey] = []
        for turn in range(ROUNDS):
            answers = await asyncio.gather(
                *(
                    save(handle, f"{turn}-{index}", seen=seen, signs_from=NOW + turn)
                    for index, handle in enumerate((store, other) * (CALLERS // 2))
                )
            )
            assert sum(answers) == 1
            seen = await store.keys()
            assert seen[-1].kid == f"{turn}-{answers.index(True)}"
        assert len(await store.keys()) == ROUNDS
        assert len(await store.events(kind="key_published")) == ROUNDS


class EventsContract:
    """The audit trail: what was recorded, newest first, a page at a time."""

    async def test_an_event_is_kept_exactly_as_recorded(self, store: Store) -> None:
        """Only `id` is the store's own."""
        full = samples.event(
            "sign_in_failed",
            at=NOW + 0.5,
            user_id="id-ada",
            session_id="session-one",
            reason="wrong_password",
            ip="192.0.2.1",
            user_agent="Browser/1.0 ☃",
            detail={"roles": "a b", "kid": "x"},
        )
        await store.record(full)
        await store.record(samples.event())
        newest, oldest = await store.events()
        assert msgspec.structs.replace(oldest, id=0) == full
        assert msgspec.structs.replace(newest, id=0) == samples.event()
        assert newest.id > oldest.id > 0

    async def test_events_are_paged_back_by_id(self, store: Store) -> None:
        """Each exactly once, though others are recorded meanwhile."""
        await asyncio.gather(*(store.record(samples.event(reason=str(i))) for i in range(25)))
        page = await store.events(limit=10)
        seen = page
        while page:
            await store.record(samples.event(reason="meanwhile"))
            page = await store.events(before=seen[-1].id, limit=10)
            seen = seen + page
        assert sorted(int(each.reason or "") for each in seen) == list(range(25))
        assert [each.id for each in seen] == sorted({each.id for each in seen}, reverse=True)

    async def test_events_are_asked_for_by_user_kind_and_time(self, store: Store) -> None:
        """Each alone and all together; `since` is the first instant that counts."""
        for each in (
            samples.event("signed_in", user_id="id-ada"),
            samples.event("signed_in", user_id="id-bob", at=NOW + 1),
            samples.event("session_ended", user_id="id-ada", at=NOW + 2),
            samples.event("signed_in", user_id="id-ada", at=NOW + 3),
        ):
            await store.record(each)

        async def instants(**wanted: Any) -> list[float]:  # noqa: ANN401  what `events` takes
            return [each.at - NOW for each in await store.events(**wanted)]

        assert await instants() == [3, 2, 1, 0]
        assert await instants(user_id="id-ada") == [3, 2, 0]
        assert await instants(kind="signed_in") == [3, 1, 0]
        assert await instants(since=NOW + 2) == [3, 2]
        assert await instants(user_id="id-ada", kind="signed_in", since=NOW + 1) == [3]
        assert await instants(limit=1) == [3]

    async def test_events_are_counted_by_step_kind_and_reason(
        self, store: Store, other: Store
    ) -> None:
        """From the first instant on and up to the last, which no longer counts.

        Ahead of the clock on the wall: a store may pass by what was recorded long after the span.
        """
        since = float(int(time()) + 3_600)
        recorded: tuple[tuple[float, Kind, str | None], ...] = (
            (-0.25, "signed_in", "pwd"),
            (0, "signed_in", "pwd"),
            (59.75, "signed_in", "pwd"),
            (60, "signed_in", "moved"),
            (60, "sign_in_failed", "wrong_password"),
            (61, "sign_in_failed", None),
            (62, "session_ended", "signed_out"),
            (149.75, "sign_in_failed", "wrong_password"),
            (150, "sign_in_failed", "wrong_password"),
        )
        for at, kind, reason in recorded:
            await store.record(samples.event(kind, at=since + at, reason=reason))
        wanted: tuple[Kind, ...] = ("signed_in", "sign_in_failed", "reuse_detected")
        found = await other.count_events(kinds=wanted, since=since, until=since + 150, step=60)
        counted = {(each.step, each.kind, each.reason): each.events for each in found.counts}
        assert counted == {
            (0, "signed_in", "pwd"): 2,
            (1, "signed_in", "moved"): 1,
            (1, "sign_in_failed", "wrong_password"): 1,
            (1, "sign_in_failed", None): 1,
            (2, "sign_in_failed", "wrong_password"): 1,
        }
        assert len(found.counts) == len(counted)
        assert found.since == since
        later = await other.count_events(kinds=wanted, since=since + 160, until=since + 161, step=1)
        assert later.counts == []


class PurgeContract:
    """Cleaning up deletes a little at a time, and nothing that a judgement could still need."""

    async def test_at_its_absolute_end_a_session_may_go_and_not_before(self, store: Store) -> None:
        """An ended or idle one stays up to then: its holder is still told why."""
        await samples.opened(store, "living")
        await samples.opened(store, "idle", expires_at=NOW + 1)
        await samples.opened(store, "ended")
        await end(store, "ended")
        names = ("living", "idle", "ended")
        await store.purge(now=ABSOLUTE - 0.25, events_before=0.0, limit=100)
        for name in names:
            assert await store.find_session(f"session-{name}") is not None
        assert await store.purge(now=ABSOLUTE, events_before=0.0, limit=100) == len(names)
        for name in names:
            assert await store.find_session(f"session-{name}") is None

    async def test_a_revocation_goes_when_it_matters_no_more(self, store: Store) -> None:
        """At exactly `until`, as `revocations` says."""
        await samples.opened(store)
        await end(store, "one")
        assert await store.purge(now=NOW + 3599, events_before=0.0, limit=100) == 0
        assert len((await store.revocations(after=0, now=NOW)).entries) == 1
        assert await store.purge(now=NOW + 3600, events_before=0.0, limit=100) == 1
        assert (await store.revocations(after=0, now=NOW)).entries == []

    async def test_a_key_goes_when_it_is_retired(self, store: Store) -> None:
        """One that has no such instant never goes."""
        kept = samples.signing_key("kept", signs_from=NOW + 1)
        gone = samples.signing_key("gone", retires_at=NOW + 900)
        assert await store.save_keys([kept, gone], seen=[])
        assert await store.purge(now=NOW + 899, events_before=0.0, limit=100) == 0
        assert await store.purge(now=NOW + 900, events_before=0.0, limit=100) == 1
        assert await store.keys() == [kept]

    async def test_old_events_go_and_the_rest_stays(self, store: Store) -> None:
        """Those before the instant, not the one at it; accounts are never purged."""
        await samples.add(store, "ada")
        await store.record(samples.event(at=NOW + 5))
        await store.record(samples.event(at=NOW + 4))
        assert await store.purge(now=NOW, events_before=NOW + 5, limit=100) == 2
        assert [each.at for each in await store.events()] == [NOW + 5]
        assert await store.find_user("id", "id-ada") == samples.account()

    async def test_a_purge_deletes_little_by_little(self, store: Store) -> None:
        """At most `limit` of each kind at once, until nothing is left to go."""
        for index in range(5):
            await samples.opened(store, str(index))
            await end(store, str(index))
        left = 5 + 5 + len(await store.events())
        purged = []
        while gone := await store.purge(now=ABSOLUTE, events_before=ABSOLUTE, limit=2):
            assert gone <= 2 * 3
            purged.append(gone)
        assert sum(purged) == left
        assert await store.events() == []

    async def test_a_purge_beside_rotations_disturbs_none(self, store: Store, other: Store) -> None:
        """Living sessions win as if nobody cleaned up."""
        for index in range(CALLERS):
            await samples.opened(store, f"old-{index}", ends_at=NOW + 1, expires_at=NOW + 1)
            await samples.opened(store, str(index))
        rotations = (
            store.rotate(
                f"session-{i}",
                generation=0,
                retry_key=None,
                deadline=NOW + DAY,
                now=NOW + 2,
                rest=(NOW, NOW),
            )
            for i in range(CALLERS)
        )
        purges = (other.purge(now=NOW + 2, events_before=0.0, limit=3) for _ in range(CALLERS))
        answers = await asyncio.gather(*rotations, *purges)
        assert all(each.won for each in answers[:CALLERS] if not isinstance(each, int | None))
        assert sum(each for each in answers[CALLERS:] if isinstance(each, int)) == CALLERS
