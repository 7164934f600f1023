"""What `Store.rotate` owes: the one conditional write that the session law stands on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from admit.testing import samples
from admit.testing.samples import ABSOLUTE, DAY, IDLE, NOW

if TYPE_CHECKING:
    from admit.stores.base import Rotation, Store

CALLERS = 200
ROUNDS = 10
"""A race is run this often: one run may happen to go well."""
LATER = NOW + 900.0
KEY = bytes(range(16))
NO_REST = (LATER, LATER)
"""Nothing lies between."""


async def rotate(
    store: Store,
    session_id: str = "session-one",
    *,
    generation: int = 0,
    retry_key: bytes | None = None,
    deadline: float = LATER + 7 * DAY,
    now: float = LATER,
    rest: tuple[float, float] = NO_REST,
) -> Rotation | None:
    """Present a token of this generation, which does not rest unless the test says so."""
    return await store.rotate(
        session_id,
        generation=generation,
        retry_key=retry_key,
        deadline=deadline,
        now=now,
        rest=rest,
    )


async def won(store: Store, session_id: str = "session-one", *, generation: int = 0) -> Rotation:
    """Present a token that must win."""
    rotation = await rotate(store, session_id, generation=generation)
    assert rotation is not None
    assert rotation.won
    return rotation


class RotationContract:
    """A refresh moves a living session by one conditional write, whoever else tries."""

    async def test_a_rotation_changes_four_fields_and_no_other(self, store: Store) -> None:
        """Generation, instant, retry key and idle deadline move; the row is otherwise the same."""
        before = await samples.opened(store)
        rotation = await rotate(store, retry_key=KEY)
        expected = msgspec.structs.replace(
            before, generation=1, rotated_at=LATER, retry_key=KEY, expires_at=LATER + 7 * DAY
        )
        assert rotation is not None
        assert rotation.won
        assert rotation.session == expected
        assert rotation.account == samples.account()
        assert await samples.found(store, before.id) == expected

    async def test_a_rotation_writes_no_row_and_no_event(self, store: Store) -> None:
        """However often a session is refreshed, nothing grows."""
        await samples.opened(store)
        events = await store.events()
        for generation in range(20):
            await won(store, generation=generation)
        assert await store.events() == events
        assert (await store.revocations(after=0, now=NOW)).entries == []
        assert len(await store.list_sessions("id-ada", now=LATER)) == 1

    async def test_of_200_callers_with_one_token_exactly_one_wins(
        self, store: Store, other: Store
    ) -> None:
        """Every caller, in either process, sees the row as the winner left it."""
        await samples.opened(store)
        keys = [index.to_bytes(16, "big") for index in range(CALLERS)]
        handles = (store, other)
        rotations = await asyncio.gather(
            *(rotate(handles[index % 2], retry_key=key) for index, key in enumerate(keys))
        )
        winners = [index for index, each in enumerate(rotations) if each and each.won]
        assert len(winners) == 1
        rows = {each.session if each else None for each in rotations}
        assert rows == {await samples.found(store, "session-one")}
        row = rows.pop()
        assert row is not None
        assert (row.generation, row.retry_key) == (1, keys[winners[0]])

    async def test_callers_who_go_on_from_each_other_never_fork_the_chain(
        self, store: Store, other: Store
    ) -> None:
        """Each generation is won exactly once, however many push at it from two processes."""
        await samples.opened(store)
        wins: list[int] = []

        async def push(handle: Store) -> None:
            generation = 0
            while generation < ROUNDS:
                rotation = await rotate(handle, generation=generation)
                assert rotation is not None
                if rotation.won:
                    wins.append(rotation.session.generation)
                generation = rotation.session.generation

        await asyncio.gather(*(push(handle) for handle in (store, other) * 8))
        assert sorted(wins) == list(range(1, ROUNDS + 1))

    async def test_two_sessions_do_not_wait_for_or_touch_each_other(self, store: Store) -> None:
        """A rotation moves the one session it names."""
        await samples.opened(store, "one")
        other_session = await samples.opened(store, "two")
        await won(store, "session-one")
        assert await samples.found(store, "session-two") == other_session

    async def test_a_token_of_no_session_finds_nothing(self, store: Store) -> None:
        """Neither a win nor a row."""
        await samples.opened(store)
        assert await rotate(store, "session-of-nobody") is None

    async def test_at_exactly_the_idle_deadline_a_session_is_over(self, store: Store) -> None:
        """`expires_at > now` and not `>=`."""
        before = await samples.opened(store)
        late = await rotate(store, now=IDLE, deadline=IDLE + DAY)
        assert late is not None
        assert not late.won
        assert late.session == before
        in_time = await rotate(store, now=IDLE - 0.25, deadline=IDLE + DAY)
        assert in_time is not None
        assert in_time.won

    async def test_the_idle_deadline_never_passes_the_absolute_one(self, store: Store) -> None:
        """`expires_at = min(deadline, ends_at)`, and at `ends_at` nothing helps any more."""
        await samples.opened(store, expires_at=ABSOLUTE)
        rotation = await rotate(store, now=ABSOLUTE - 0.25, deadline=ABSOLUTE + DAY)
        assert rotation is not None
        assert rotation.won
        assert rotation.session.expires_at == ABSOLUTE
        assert rotation.session.ends_at == ABSOLUTE
        over = await rotate(store, generation=1, now=ABSOLUTE, deadline=ABSOLUTE + DAY)
        assert over is not None
        assert not over.won

    async def test_an_ended_session_is_shown_with_its_reason_and_never_moves(
        self, store: Store
    ) -> None:
        """The loser is told what the row says; the row stays as it ended."""
        await samples.opened(store)
        await store.end_sessions(samples.ending(session_id="session-one"), now=NOW + 5)
        rotation = await rotate(store)
        assert rotation is not None
        assert not rotation.won
        assert rotation.session.ended_because == "signed_out"
        assert rotation.session.ended_at == NOW + 5
        assert rotation.session.generation == 0

    async def test_parent_and_grandparent_write_nothing(self, store: Store) -> None:
        """They see the row as it stands, to be judged; not even its retry key changes."""
        await samples.opened(store)
        await won(store, generation=0)
        rotation = await rotate(store, generation=1, retry_key=KEY)
        assert rotation is not None
        stands = rotation.session
        for generation in (0, 1):
            again = await rotate(store, generation=generation, retry_key=b"x" * 16, now=LATER + 60)
            assert again is not None
            assert not again.won
            assert again.session == stands
        assert await samples.found(store, "session-one") == stands

    async def test_the_next_rotation_replaces_the_retry_key(self, store: Store) -> None:
        """A key belongs to one rotation; one without a key leaves none behind."""
        await samples.opened(store)
        for generation, key in enumerate((KEY, None, b"y" * 16)):
            rotation = await rotate(store, generation=generation, retry_key=key)
            assert rotation is not None
            assert rotation.session.retry_key == key

    async def test_a_token_that_rests_is_not_exchanged(self, store: Store) -> None:
        """Born between the two instants, it writes nothing; at either of them it does."""
        born = LATER
        for name, rest, rests in (
            ("inside", (born - 0.25, born + 0.25), True),
            ("at the first", (born, born + 10), False),
            ("at the second", (born - 10, born), False),
            ("of the past", (born + 1, born + 11), False),
            ("of the future", (born - 21, born - 1), False),
        ):
            await samples.opened(store, name, generation=4, rotated_at=born)
            before = await samples.found(store, f"session-{name}")
            rotation = await rotate(
                store, before.id, generation=4, retry_key=KEY, now=born + 1, rest=rest
            )
            assert rotation is not None
            assert rotation.won is not rests, name
            assert (rotation.session == before) is rests
            assert await samples.found(store, before.id) == rotation.session

    async def test_rest_is_no_reason_not_to_heal_forward(self, store: Store) -> None:
        """Nor does it show anything of what is older: only the row's own token rests."""
        rest = (LATER - 10, LATER + 10)
        await samples.opened(store, generation=3, rotated_at=LATER)
        for generation, wins in ((2, False), (3, False), (4, True)):
            rotation = await rotate(store, generation=generation, rest=rest)
            assert rotation is not None
            assert rotation.won is wins
        after = await samples.found(store, "session-one")
        assert (after.generation, after.rotated_at) == (5, LATER)

    async def test_callers_at_the_end_of_a_rest_get_one_successor(
        self, store: Store, other: Store
    ) -> None:
        """Some find that it rests still, some that it is over: one wins, however they come."""
        await samples.add(store, "ada")
        for index in range(ROUNDS):
            row = await samples.opened(store, str(index), generation=1, rotated_at=LATER)
            still, over = (LATER - 0.25, LATER + 20), (LATER, LATER + 20.25)
            rotations = await asyncio.gather(
                *(
                    rotate(handle, row.id, generation=1, now=LATER + 10, rest=rest)
                    for handle in (store, other) * 4
                    for rest in (still, over)
                )
            )
            assert [each.won for each in rotations if each].count(True) == 1
            assert {each.session.generation for each in rotations if each} <= {1, 2}
            assert (await samples.found(store, row.id)).generation == 2

    async def test_a_row_behind_the_token_heals_forward(self, store: Store) -> None:
        """A store that lost its latest writes follows the client: `generation <= n` wins."""
        await samples.opened(store, generation=3)
        ahead = 7
        rotation = await won(store, generation=ahead)
        assert rotation.session.generation == ahead + 1
        behind = await rotate(store, generation=5)
        assert behind is not None
        assert not behind.won

    async def test_only_the_instants_that_are_handed_in_decide(self, store: Store) -> None:
        """A store with a clock of its own would find these sessions long over, or not begun."""
        for name, start in (("past", 1_000.5), ("future", 4_000_000_000.5)):
            await samples.opened(
                store, name, opened_at=start, expires_at=start + DAY, ends_at=start + 2 * DAY
            )
            rotation = await rotate(
                store, f"session-{name}", now=start + DAY - 1, deadline=start + 8 * DAY
            )
            assert rotation is not None
            assert rotation.won
            assert rotation.session.rotated_at == start + DAY - 1
            assert rotation.session.expires_at == start + 2 * DAY

    async def test_a_clock_that_goes_backwards_is_written_as_it_is(self, store: Store) -> None:
        """`rotated_at = now`, whatever stood there: the law deals with the rest."""
        await samples.opened(store)
        await won(store)
        rotation = await rotate(store, generation=1, now=LATER - 600.5)
        assert rotation is not None
        assert rotation.won
        assert rotation.session.rotated_at == LATER - 600.5

    async def test_a_rotation_shows_the_account_as_it_now_stands(self, store: Store) -> None:
        """The access token that follows carries the roles of this moment."""
        await samples.opened(store)
        user = msgspec.structs.replace(samples.account().user, roles=())
        assert await store.save_user(samples.account(user=user, password_version=7))
        rotation = await won(store)
        assert rotation.account == samples.account(user=user, password_version=7, version=1)

    async def test_a_rotation_that_races_the_end_never_revives_the_session(
        self, store: Store, other: Store
    ) -> None:
        """Whichever comes first, the session is over afterwards, once, and stays so."""
        await samples.add(store, "ada")
        for index in range(ROUNDS):
            row = await samples.opened(store, str(index))
            tries = (rotate(handle, row.id) for handle in (store, other) * 4)
            end = other.end_sessions(samples.ending(session_id=row.id), now=LATER)
            ended, *_ = await asyncio.gather(end, *tries)
            assert ended == [row.id]
            after = await samples.found(store, row.id)
            assert after.ended_because == "signed_out"
            last = await rotate(store, row.id, generation=after.generation)
            assert last is not None
            assert not last.won
