"""What may have to look at every row of the file: nobody waits for it, and it ends in time."""

import asyncio
import threading

import pytest

from admit.errors import Unavailable
from admit.stores.patience import Patience
from admit.testing import samples
from admit.testing.samples import NOW

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_sqlite")]
ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
SURVEYS = {
    "a search": lambda store: store.list_users(search="a", after="", limit=1),
    "the trail": lambda store: store.events(kind="signed_in"),
    "a count": lambda store: store.count_events(
        kinds=["signed_in"], since=NOW, until=NOW + 1, step=1
    ),
}


@pytest.mark.parametrize("survey", SURVEYS)
async def test_nobody_waits_for_it_but_the_next_of_its_kind(store, survey):
    begun, go = threading.Event(), threading.Event()

    def work(_):
        begun.set()
        go.wait()

    first = asyncio.create_task(store._connections.survey(work))
    second = asyncio.create_task(SURVEYS[survey](store))
    try:
        await asyncio.to_thread(begun.wait)
        session = await samples.opened(store)
        assert await store.find_session(session.id) == session
        assert len(await store.list_users(search="", after="", limit=9)) == 1
        assert not second.done()
    finally:
        go.set()
    await asyncio.gather(first, second)


async def test_it_is_called_off_when_the_request_may_wait_no_longer(store):
    """And the thread is free for the next."""
    patience = Patience()
    patience.left = 0.05
    with patience, pytest.raises(Unavailable, match="in time"):
        await store._connections.survey(lambda db: db.execute(ENDLESS).fetchone())
    with Patience():
        assert await store.events() == []


async def test_a_command_waits_as_long_as_it_takes(store, monkeypatch):
    """It is no request, and has no time of one."""
    monkeypatch.setattr("admit.stores.sqlite.connections.PROGRESS", 1)
    monkeypatch.setattr("admit.stores.patience.SECONDS", 0.0)
    await samples.opened(store)
    assert len(await store.events()) == 2
