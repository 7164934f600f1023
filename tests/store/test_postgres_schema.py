"""The schema in PostgreSQL: migrated once by whoever comes first, served by whoever may."""

import asyncio

import psycopg
import pytest

from admit.errors import SettingsError, Unavailable
from admit.stores.postgres import PostgresStore
from admit.testing import samples, store_rotation
from admit.testing.samples import NOW

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patient_postgres")]


async def rotate(store, *given, **named):
    """The outcome for a token of a session that is there."""
    rotation = await store_rotation.rotate(store, *given, **named)
    assert rotation is not None
    return rotation


@pytest.fixture
def clerk(postgres):
    """A role that may make nothing."""
    found = postgres.sql("SELECT 1 FROM pg_roles WHERE rolname = 'clerk'")
    if not found:
        postgres.sql("CREATE ROLE clerk LOGIN")
    return "clerk"


def as_role(url, role):
    return url.replace("://app@", f"://{role}@")


async def test_of_ten_that_start_at_once_one_migrates(database_url):
    stores = [PostgresStore(database_url) for _ in range(10)]
    ran = await asyncio.gather(*(store.migrate() for store in stores))
    assert sorted(map(len, ran)) == [0] * 9 + [1]
    await asyncio.gather(*(store.start() for store in stores))
    await samples.add(stores[0], "ada")
    assert await stores[9].find_user("id", "id-ada")
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_role_that_may_make_no_tables_serves(database_url, clerk):
    """It does all that a server does, and can't drop what it works on."""
    assert await PostgresStore(database_url).migrate(grant=clerk)
    store = PostgresStore(as_role(database_url, clerk))
    await store.start()
    made = await samples.opened(store)
    assert (await rotate(store)).won
    assert await store.end_sessions(samples.ending(session_id=made.id), now=NOW)
    assert await store.save_keys([samples.signing_key("kid")], seen=[])
    await store.purge(now=NOW, events_before=NOW, limit=10)
    await store.check()
    await store.close()
    async with await psycopg.AsyncConnection.connect(as_role(database_url, clerk)) as db:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await db.execute("DROP TABLE admit.events")


async def test_a_role_that_may_make_no_tables_is_told_who_has_to(postgres, clerk):
    url = postgres.create()
    with pytest.raises(SettingsError, match="admit migrate --grant clerk"):
        await PostgresStore(as_role(url, clerk)).start()


async def test_a_role_without_rights_is_told_so(database_url, clerk):
    """The tables are there, but not for this role."""
    await PostgresStore(database_url).migrate()
    with pytest.raises(SettingsError, match="database_url"):
        await PostgresStore(as_role(database_url, clerk)).start()


async def test_rights_that_cannot_be_handed_on_are_not_said_to_be(database_url, clerk, postgres):
    """PostgreSQL itself only warns of it."""
    await PostgresStore(database_url).migrate(grant=clerk)
    if not postgres.sql("SELECT 1 FROM pg_roles WHERE rolname = 'other_clerk'"):
        postgres.sql("CREATE ROLE other_clerk LOGIN")
    with pytest.raises(SettingsError, match="other_clerk"):
        await PostgresStore(as_role(database_url, clerk)).migrate(grant="other_clerk")


async def test_rights_for_a_role_that_is_not_there_are_refused(database_url):
    with pytest.raises(SettingsError, match=r"nobody-here.*nothing was changed"):
        await PostgresStore(database_url).migrate(grant="nobody-here")
    assert await PostgresStore(database_url).migrate()  # it is still to be done


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@h/db?nonsense=1",
        "postgresql://u:sec%ret@h/db",
        "postgresql://user:p/secret@host/db",
        "postgresql://user:p@secret@host/db",
        "postgresql://u:secret@[h/db",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url):
    with pytest.raises(SettingsError, match="database_url") as refusal:
        PostgresStore(url)
    assert "sec" not in str(refusal.value)


async def test_a_database_of_a_newer_version_is_left_alone(database_url, postgres):
    await PostgresStore(database_url).migrate()
    postgres.sql(
        "INSERT INTO admit.migrations (version) VALUES (999)", database_url.rpartition("/")[2]
    )
    with pytest.raises(SettingsError, match="newer version"):
        await PostgresStore(database_url).start()


async def test_an_application_s_own_tables_are_left_alone(database_url):
    """A table `users` is what every application has."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as db:
        await db.execute("CREATE TABLE users (id int); CREATE TABLE sessions (id int)")
    store = PostgresStore(database_url)
    await store.start()
    await samples.opened(store)
    await store.close()
    async with await psycopg.AsyncConnection.connect(database_url) as db:
        cursor = await db.execute("SELECT count(*) FROM users")
        assert await cursor.fetchone() == (0,)


async def test_a_refresh_touches_no_index(database_url, postgres):
    """Each is a HOT update: the row's new version stays on its page."""
    store = PostgresStore(database_url)
    await store.start()
    await samples.opened(store)
    for generation in range(200):
        assert (await rotate(store, generation=generation)).won
    await store.close()  # the server's counters come with the end of its processes
    updated = hot = 0
    asked = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'"
    for _ in range(100):
        ((updated, hot),) = postgres.sql(asked, database_url.rpartition("/")[2])
        if updated >= 200:
            break
        await asyncio.sleep(0.1)
    assert updated == 200
    assert hot >= 195  # now and then a page is full


async def test_a_schema_that_was_made_for_the_role_is_enough(postgres, clerk):
    """It may make tables in there, and no schema of its own."""
    url = postgres.create()
    database = url.rpartition("/")[2]
    postgres.sql(f"CREATE SCHEMA admit AUTHORIZATION {clerk}", database)
    store = PostgresStore(as_role(url, clerk))
    await store.start()
    await samples.opened(store)
    await store.close()


async def test_a_role_without_its_rights_is_unavailable(database_url, clerk, postgres):
    """Nothing comes out of a store but what its callers know."""
    await PostgresStore(database_url).migrate(grant=clerk)
    postgres.sql(f"REVOKE ALL ON admit.keys FROM {clerk}", database_url.rpartition("/")[2])
    store = PostgresStore(as_role(database_url, clerk))
    await store.start()
    with pytest.raises(Unavailable) as refusal:
        await store.keys()
    assert "keys" in str(refusal.value.__cause__)
    await store.close()
