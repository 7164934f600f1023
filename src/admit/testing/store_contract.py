"""The store contract: one suite for every store, with real races.

A store's own test is a subclass and a fixture:

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self, tmp_path):
            store = MyStore(...)
            await store.start()
            yield store
            await store.close()

`store` is started and empty. Override `other` as well where the data can be opened twice: it is
what another process would hold, and half of every race runs through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from admit.errors import Unavailable
from admit.testing import samples
from admit.testing.samples import NOW
from admit.testing.store_accounts import AccountsContract
from admit.testing.store_records import (
    EventsContract,
    KeysContract,
    PurgeContract,
    RevocationsContract,
)
from admit.testing.store_rotation import RotationContract
from admit.testing.store_sessions import SessionsContract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from admit.stores.base import Store

VERBS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "check": lambda store: store.check(),
    "durability": lambda store: store.durability(),
    "add_user": lambda store: store.add_user(samples.account("new"), event=samples.event()),
    "add_users": lambda store: store.add_users([samples.account("newer")], event=samples.event()),
    "find_user": lambda store: store.find_user("id", "id-ada"),
    "list_users": lambda store: store.list_users(search="", after="", limit=1),
    "save_user": lambda store: store.save_user(samples.account()),
    "open_session": lambda store: store.open_session(
        samples.session("new"), password_version=0, event=samples.event(), replaces=None
    ),
    "rotate": lambda store: store.rotate(
        "session-one", generation=0, retry_key=None, deadline=NOW + 9, now=NOW, rest=(NOW, NOW)
    ),
    "end_sessions": lambda store: store.end_sessions(samples.ending(user_id="id-ada"), now=NOW),
    "list_sessions": lambda store: store.list_sessions("id-ada", now=NOW),
    "find_session": lambda store: store.find_session("session-one"),
    "revocations": lambda store: store.revocations(after=0, now=NOW),
    "keys": lambda store: store.keys(),
    "save_keys": lambda store: store.save_keys([samples.signing_key("kid")], seen=[]),
    "record": lambda store: store.record(samples.event()),
    "events": lambda store: store.events(),
    "count_events": lambda store: store.count_events(
        kinds=["signed_in"], since=NOW, until=NOW + 1, step=1
    ),
    "purge": lambda store: store.purge(now=NOW, events_before=NOW, limit=1),
}
"""Every verb that asks or writes, with arguments that a store with one session takes."""


class StoreContract(
    RotationContract,
    SessionsContract,
    AccountsContract,
    RevocationsContract,
    KeysContract,
    EventsContract,
    PurgeContract,
):
    """Every law and every race of `admit.stores.base.Store`."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The loop that the engine runs on."""
        return "asyncio"

    @pytest.fixture
    def other(self, store: Store) -> Store:
        """A second handle on the same data; the same one where a store can't have two."""
        return store

    async def test_what_it_answers_survives_a_power_cut(self, store: Store) -> None:
        """By its own word, from the connection that writes."""
        assert await store.durability() is None

    async def test_a_store_that_is_open_can_be_written(self, store: Store, other: Store) -> None:
        """`check` returns; starting once more changes nothing."""
        await samples.add(store, "ada")
        await store.start()
        await store.start(migrate=False)
        await store.check()
        await other.check()
        assert await store.find_user("id", "id-ada") == samples.account()
        assert store.name

    async def test_what_one_process_wrote_the_other_sees_at_once(
        self, store: Store, other: Store
    ) -> None:
        """There is no replica behind a read that could lag."""
        await samples.add(store, "ada")
        assert await other.find_user("email", "ada@example.com") == samples.account()
        made = await samples.opened(other)
        assert await store.find_session(made.id) == made

    @pytest.mark.parametrize("verb", VERBS)
    async def test_a_closed_store_is_unavailable(self, store: Store, verb: str) -> None:
        """Every verb says so; none guesses, and none waits. Closing twice is closing once."""
        await samples.opened(store)
        await VERBS[verb](store)
        await store.close()
        with pytest.raises(Unavailable):
            await VERBS[verb](store)
        await store.close()

    async def test_a_store_that_is_opened_again_has_everything(self, store: Store) -> None:
        """Closing loses nothing."""
        made = await samples.opened(store)
        await store.close()
        await store.start()
        assert await store.find_session(made.id) == made
