"""The file of the embedded store: its rights, its version, and what is wrong with some."""

import asyncio
import os
import sqlite3
import stat
import tempfile
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from admit.errors import SettingsError, Unavailable
from admit.stores import patience
from admit.stores.sqlite import SQLiteStore
from admit.testing import samples
from admit.testing.store_rotation import rotate, won

pytestmark = pytest.mark.anyio
NOBODY = 65_534


async def refused(path):
    """The sentence with which a store on this path stops the start."""
    with pytest.raises(SettingsError) as raised:
        await SQLiteStore(f"sqlite:///{path}").start()
    assert raised.value.setting == "database_url"
    text = str(raised.value)
    assert text.startswith("ADMIT_DATABASE_URL (database_url) ")
    assert "\n" not in text
    return text


@contextmanager
def without_privileges():
    """Rights count for nothing where root asks."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def allow(path, mode):
    Path(path).chmod(mode)


async def test_only_the_owner_may_read_the_files(tmp_path, opened):
    before = os.umask(0)
    try:
        async with opened(tmp_path / "new" / "admit.db") as store:
            await samples.opened(store)
            files = list(store.path.parent.iterdir())
            assert {each.name for each in files} == {"admit.db", "admit.db-wal", "admit.db-shm"}
            assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    finally:
        os.umask(before)


async def test_a_directory_that_cannot_be_written_stops_the_start():
    with tempfile.TemporaryDirectory() as directory:
        allow(directory, 0o555)
        with without_privileges():
            assert "correct it, or the rights" in await refused(f"{directory}/admit.db")


async def test_a_file_that_cannot_be_written_stops_the_start(opened):
    with tempfile.TemporaryDirectory() as directory:
        allow(directory, 0o777)
        path = Path(directory, "admit.db")
        async with opened(path):
            pass
        allow(path, 0o444)
        with without_privileges():
            assert "correct it, or the rights" in await refused(path)


async def test_a_path_that_is_no_file_stops_the_start(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "admit.db"):
        assert str(path) in await refused(path)


async def test_a_file_that_is_no_database_stops_the_start_and_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"These are my notes.\n" * 100)
    assert "not a database" in await refused(path)
    assert path.read_bytes() == b"These are my notes.\n" * 100


async def test_a_database_of_a_newer_version_stops_the_start_and_is_left_alone(tmp_path, opened):
    path = tmp_path / "admit.db"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    assert "a newer version of Admit" in await refused(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


async def test_a_migration_that_fails_leaves_nothing_half_done(tmp_path, opened, monkeypatch):
    """And the next start finishes it."""
    from admit.stores.sqlite import schema

    broken = tmp_path / "migrations"
    broken.mkdir()
    script = (schema.MIGRATIONS / "0001_initial.sql").read_text(encoding="utf-8")
    (broken / "0001_initial.sql").write_text(script + "\nCREATE TABLE users (id TEXT);\n")
    path = tmp_path / "admit.db"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        with pytest.raises(SettingsError, match="table users already exists"):
            await SQLiteStore(f"sqlite:///{path}").start()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    async with opened(path) as store:
        await store.check()


async def test_a_second_migration_runs_on_what_the_first_left(tmp_path, opened, monkeypatch):
    from admit.stores.sqlite import schema

    path = tmp_path / "admit.db"
    async with opened(path) as store:
        made = await samples.opened(store)
    later = tmp_path / "migrations"
    later.mkdir()
    script = (schema.MIGRATIONS / "0001_initial.sql").read_text(encoding="utf-8")
    (later / "0001_initial.sql").write_text(script)
    (later / "0002_more.sql").write_text(
        "-- A comment; with a semicolon.\nCREATE TABLE more (id TEXT); -- one more\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    async with opened(path) as store:
        assert await store.find_session(made.id) == made
        more = await store._connections.read(lambda db: db.execute("SELECT * FROM more").fetchall())
        assert more == []


async def test_a_database_that_somebody_holds_is_unavailable_until_they_let_go(
    tmp_path, opened, monkeypatch
):
    """Writing says so after the bounded wait; reading goes on; nothing is lost or stuck."""
    monkeypatch.setattr(patience, "SECONDS", 0.02)
    async with opened(tmp_path / "admit.db") as store:
        await samples.opened(store)
        with closing(sqlite3.connect(store.path, isolation_level=None)) as somebody:
            somebody.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Unavailable):
                await rotate(store)
            with pytest.raises(Unavailable):
                await store.check()
            assert await samples.found(store, "session-one") == samples.session()
            somebody.execute("ROLLBACK")
        await won(store)


async def test_a_new_database_that_somebody_holds_is_unavailable(tmp_path, monkeypatch):
    """Nothing is wrong with the setting: the next try may succeed."""
    monkeypatch.setattr(patience, "SECONDS", 0.02)
    path = tmp_path / "admit.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable):
            await SQLiteStore(f"sqlite:///{path}").start()


@pytest.mark.usefixtures("patient_sqlite")
async def test_a_new_file_that_many_open_at_once_serves_them_all(tmp_path):
    """Somebody makes it a WAL database while somebody else migrates it; often enough to meet."""
    for turn in range(30):
        url = f"sqlite:///{tmp_path / str(turn)}.db"
        stores = [SQLiteStore(url) for _ in range(10)]
        started = await asyncio.gather(*(each.start() for each in stores), return_exceptions=True)
        for each in stores:
            await each.close()
        assert started == [None] * len(stores)


async def test_a_relative_path_names_one_file_wherever_the_process_goes(
    tmp_path, opened, monkeypatch
):
    """Connections are made when they are first needed, and the process may have moved by then."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    async with opened("admit.db") as store:
        monkeypatch.chdir(tmp_path / "elsewhere")
        await samples.opened(store)
        assert await samples.found(store, "session-one") == samples.session()
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_the_name_says_which_file(store):
    assert store.name == f"SQLite at {store.path}"


async def test_a_commit_that_does_not_wait_for_the_disk_is_told(tmp_path, opened):
    async with opened(tmp_path / "admit.db") as store:
        await store._connections.write(lambda db: None)
        store._connections._commits._connection.execute("PRAGMA synchronous = NORMAL")
        assert await store.durability() == "journal_mode is wal and synchronous 1"


async def test_a_file_that_is_removed_under_the_server_is_not_written_any_more(tmp_path, opened):
    """What is written to a file without a name is gone with the process."""
    path = tmp_path / "admit.db"
    async with opened(path) as store:
        path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(Unavailable, match="removed or replaced"):
            await store.revocations(after=0, now=samples.NOW)  # the watch asks twice a second
        with pytest.raises(Unavailable, match="removed or replaced"):
            await store.check()
        (tmp_path / "elsewhere.db").rename(path)
        assert (await store.revocations(after=0, now=samples.NOW)).entries == []
        await store.check()


async def test_what_is_committed_gets_into_the_file_beside_the_writing(tmp_path, opened):
    """No commit has to do it: the log is far from as long as that."""
    async with opened(tmp_path / "admit.db") as store:
        made = await samples.opened(store)
        copy = tmp_path / "copy.db"

        def is_there():
            copy.write_bytes(store.path.read_bytes())  # without the log beside it
            with closing(sqlite3.connect(copy)) as db, suppress(sqlite3.Error):
                return bool(
                    db.execute("SELECT 1 FROM sessions WHERE id = ?", (made.id,)).fetchone()
                )
            return False

        async with asyncio.timeout(60):
            while not await asyncio.to_thread(is_there):  # noqa: ASYNC110  a thread tells nobody
                await asyncio.sleep(0.01)


async def test_what_is_not_to_be_made_is_not_made(tmp_path):
    """Neither the file nor its directory."""
    path = tmp_path / "elsewhere" / "admit.db"
    with pytest.raises(SettingsError, match="admit migrate"):
        await SQLiteStore(f"sqlite:///{path}").start(migrate=False)
    assert not path.parent.exists()
