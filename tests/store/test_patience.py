"""A store out of order is told in time, however many steps a request has."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from contextvars import Context

import psycopg
import pytest

from admit.errors import Unavailable
from admit.revocation import Revoked
from admit.stores import patience
from admit.stores.base import Feed
from admit.stores.patience import Patience, Step
from admit.stores.postgres import PostgresStore
from admit.telemetry.logs import request_id
from admit.testing import samples
from admit.testing.http_caller import EMAIL, PASSWORD, refused
from admit.testing.samples import NOW
from admit.testing.store_rotation import rotate

pytestmark = [pytest.mark.anyio, pytest.mark.hurried]


@pytest.fixture
def passes(monkeypatch):
    """Lets seconds pass, and nothing else does."""
    now = 0.0
    monkeypatch.setattr("admit.stores.patience.monotonic", lambda: now)

    def pass_by(seconds):
        nonlocal now
        now += seconds

    return pass_by


def test_all_steps_of_a_request_share_one_time(passes):
    with Patience():
        for left in (1.5, 1.0, 0.5):
            with Step() as given:
                assert given == left
                passes(0.5)
            passes(60)  # a password is hashed
        with pytest.raises(Unavailable, match="in time"), Step():
            pytest.fail("nothing is left")
    with Patience(), Step() as given:
        assert given == 1.5


def test_a_step_that_fails_has_taken_its_time_too(passes):
    with Patience():
        with suppress(Unavailable), Step():
            passes(1.25)
            raise Unavailable
        with Step() as given:
            assert given == 0.25


def test_outside_a_request_every_step_has_the_whole_time(passes):
    for _ in range(3):
        with Step() as given:
            assert given == 1.5
            passes(60)


async def test_what_a_request_began_and_others_share_outlives_it(passes):
    go = asyncio.Event()

    async def look():
        with Step() as before:
            passes(2)
        await go.wait()
        with Step() as after:
            return before, after

    with Patience():
        looking = asyncio.create_task(look())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable), Step():
            pytest.fail("nothing is left")
    go.set()
    assert await looking == (1.5, 1.5)


async def test_a_request_whose_time_is_up_is_503(serve, either_store, monkeypatch):
    """Over HTTP, with each of the stores that may keep a caller waiting."""
    async with serve(store=either_store) as service:
        await service.register()
        tokens = await service.sign_in()
        monkeypatch.setattr(Patience, "__init__", lambda self: setattr(self, "left", 0.0))
        for path, body in (
            ("/refresh", {"refresh_token": tokens["refresh_token"]}),
            ("/login", {"login": EMAIL, "password": PASSWORD}),
        ):
            refused(await service.send("POST", path, json=body), 503, "unavailable")
        monkeypatch.undo()
        assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def test_what_a_request_no_longer_waits_for_still_happens(tmp_path, opened, patient_sqlite):
    """The end of a thief's session is not dropped because the step before was slow."""
    async with opened(tmp_path / "admit.db") as store:
        made = await samples.opened(store)
        with closing(sqlite3.connect(store.path, isolation_level=None)) as somebody:
            somebody.execute("BEGIN EXCLUSIVE")
            await given_up(store, made)
            somebody.execute("ROLLBACK")
        await ends(store, made)


async def test_what_a_request_no_longer_waits_for_still_happens_in_postgresql(
    database_url, patient_postgres
):
    store = PostgresStore(database_url)
    await store.start()
    try:
        made = await samples.opened(store)
        async with await psycopg.AsyncConnection.connect(database_url) as somebody:
            await somebody.execute("SELECT id FROM admit.sessions FOR UPDATE")
            await given_up(store, made)
        await ends(store, made)
    finally:
        await store.close()


async def given_up(store, session):
    """Its end is asked for by a request that has nearly nothing left."""
    hurried = Patience()
    with hurried:
        hurried.left = 0.01
        with pytest.raises(Unavailable, match="in time"):
            await store.end_sessions(samples.ending(session_id=session.id), now=NOW)
    await asyncio.sleep(0.2)  # were it called off, it would be by now


async def ends(store, session):
    async with asyncio.timeout(30):
        while (await samples.found(store, session.id)).ended_at is None:  # noqa: ASYNC110  nobody is told
            await asyncio.sleep(0.01)


async def test_who_shares_a_statement_with_an_impatient_one_has_its_own_time(database_url):
    """The statement goes on in the context of whoever came first."""
    store = PostgresStore(database_url)
    await store.start()
    try:
        impatient = Patience()
        one, two = [await samples.opened(store, each, user=each) for each in ("ada", "bob")]
        with impatient:
            first = asyncio.create_task(rotate(store, one.id))
            await asyncio.sleep(0)
            second = asyncio.create_task(rotate(store, two.id), context=Context())
            impatient.left = 0.0
            for each in (first, second):
                moved = await each
                assert moved is not None
                assert moved.won
    finally:
        await store.close()


class Held:
    """A feed that is read once it is let go."""

    def __init__(self):
        self.go = asyncio.Event()
        self.go.set()

    async def revocations(self, *, after, now):
        with Step() as left:
            try:
                async with asyncio.timeout(left):
                    await self.go.wait()
            except TimeoutError as error:
                raise Unavailable from error
        return Feed(entries=[], head=after)


async def test_a_look_that_a_request_begins_is_not_cut_off_for_those_who_share_it():
    """Or one request without time would fail the others, and blind the watch."""
    store = Held()
    revoked = Revoked(store, max_age=10)  # type: ignore[arg-type]
    store.go.clear()
    looks = [asyncio.create_task(revoked.look(1.0))]
    impatient = Patience()
    with impatient:
        looks.append(asyncio.create_task(revoked.changed(2.0)))
        looks.append(asyncio.create_task(revoked.look(2.0), context=Context()))  # of the watch
        await asyncio.sleep(0)
        impatient.left = 0.0
        await asyncio.sleep(0)
        store.go.set()
        await asyncio.gather(*looks)
    assert not revoked.behind
    assert revoked.age(2.0) == 0


async def test_a_request_waits_for_others_looks_in_its_own_time():
    store = Held()
    revoked = Revoked(store, max_age=10)  # type: ignore[arg-type]
    store.go.clear()
    others = asyncio.create_task(revoked.look(1.0))
    await asyncio.sleep(0)
    impatient = Patience()
    with impatient:
        impatient.left = 0.01
        with pytest.raises(Unavailable, match="in time"):
            await revoked.look(2.0)
    assert not others.done()
    store.go.set()
    await asyncio.gather(others, *patience._apart)
    assert revoked.age(2.0) == 0


async def test_what_a_start_takes_is_not_there_for_the_request(serve, passes, monkeypatch):
    """Or the first one after a start would wait twice."""
    async with serve() as service:
        await service.register()
        tokens = await service.sign_in()
        await service.auth.close()
        read = service.auth._life._read

        async def slowly():
            await read()
            passes(60)

        monkeypatch.setattr(service.auth._life, "_read", slowly)
        refused(await service.refresh(tokens["refresh_token"]), 503, "unavailable")
        assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_start_by_a_request_is_not_in_its_context(serve, monkeypatch):
    """The watch would have the request's id in every line of its log."""
    async with serve() as service:
        await service.auth.close()
        seen = []
        read = service.auth._life._read

        async def reading():
            with Step() as left:
                seen.append((left, request_id.get()))
            await read()

        monkeypatch.setattr(service.auth._life, "_read", reading)
        assert (await service.send_to_root("GET", "/healthz")).status_code == 200
        assert seen == [(patience.SECONDS, "")]
