"""`admit backup`: a whole copy from under servers that write, and what a restore means."""

import errno
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from admit.cli import backup
from admit.cli.written import written
from admit.settings import Settings

from .conftest import ADA, no_settings

DATABASE = "admit-data/admit.db"
HASH = "$2b$04$" + "a" * 53


def count(path, table="users"):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_backup_is_the_database_in_one_private_file(run, answer, ada, place):
    result = run("backup", "copy.db")

    assert result.stdout.startswith(f"{DATABASE} is copied to copy.db (")
    assert "The secret is not in it" in result.stderr
    assert stat.S_IMODE((place / "copy.db").stat().st_mode) == 0o600
    assert sorted(each.name for each in place.iterdir()) == ["admit-data", "copy.db"]
    assert count("copy.db") == 1
    secret = (place / "admit-data" / "secret").read_bytes().strip()
    assert secret not in (place / "copy.db").read_bytes()
    size = (place / "copy.db").stat().st_size
    assert answer("backup", "another.db") == {"file": "another.db", "bytes": size}


def test_a_backup_replaces_none_unasked(run, ada, place):
    (place / "copy.db").write_text("the only good one")

    assert run("backup", "copy.db", code=1).stderr.startswith("Error: copy.db is there already: ")

    assert (place / "copy.db").read_text() == "the only good one"
    run("backup", "copy.db", "--force")
    assert count("copy.db") == 1


def test_a_backup_of_what_is_not_there_makes_nothing(run, place):
    assert run("backup", "copy.db", code=1).stderr.startswith("Error: There is no database at ")
    assert not list(place.iterdir())


def test_a_backup_into_a_directory_that_is_not_there_is_one_sentence(run, ada):
    assert "No such file or directory" in run("backup", "nowhere/copy.db", code=1).stderr


def test_a_damaged_database_is_told_and_gives_no_backup(run, ada, place):
    run("backup", "whole.db")
    path = place / DATABASE
    with path.open("r+b") as file:
        file.seek(8 * 4_096)
        file.write(os.urandom(path.stat().st_size - 10 * 4_096))

    said = run("backup", "copy.db", code=1).stderr

    assert said.startswith(
        ("Error: The database is damaged", "Error: The database can't be copied")
    )
    assert sorted(each.name for each in place.iterdir()) == ["admit-data", "whole.db"]


def test_a_file_that_is_no_database_gives_no_backup(run, place, monkeypatch):
    (place / "admit.db").write_text("no database " * 1_000)
    monkeypatch.setenv("ADMIT_DATABASE_URL", "sqlite:///admit.db")

    assert "can't be copied" in run("backup", "copy.db", code=1).stderr
    assert [each.name for each in place.iterdir()] == ["admit.db"]


def test_postgresql_has_its_own_tools(run, place, monkeypatch):
    monkeypatch.setenv("ADMIT_DATABASE_URL", "postgresql://admit:hidden@127.0.0.1/admit")

    said = run("backup", "copy.db", code=1).stderr

    assert "pg_dump" in said
    assert "hidden" not in said
    assert not list(place.iterdir())


class Load:
    """Clients that refresh without a pause, as fast as the server lets them."""

    def __init__(self, server, tokens):
        self.stop = threading.Event()
        self.statuses = []
        self.tokens = list(tokens)
        self._threads = [
            threading.Thread(target=self._refresh, args=(server.address, index))
            for index in range(len(self.tokens))
        ]

    def _refresh(self, address, index):
        with httpx.Client(base_url=f"{address}/auth", timeout=30) as client:
            while not self.stop.is_set():
                answer = client.post("/refresh", json={"refresh_token": self.tokens[index]})
                self.statuses.append(answer.status_code)
                if answer.status_code == 200:
                    self.tokens[index] = answer.json()["refresh_token"]

    def __enter__(self):
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for each in self._threads:
            each.join()


@pytest.fixture
def restored(place):
    """Puts a backup in the place of the database, as docs/operations.md says."""

    def restore(server, copy):
        server.stop()
        shutil.copy(place / copy, place / DATABASE)
        for end in ("-wal", "-shm"):
            (place / f"{DATABASE}{end}").unlink(missing_ok=True)
        return server.port

    return restore


def test_backups_under_load_are_whole_and_after_a_restore_honest_clients_go_on(
    run, answer, ada, serving, restored
):
    """Who refreshed since then notices nothing, who signed in since then signs in again."""
    # No leeway: each refresh moves its row, so that the clients are far ahead of the copy.
    environment = {"ADMIT_LEEWAY": "0"}
    server = serving(environment=environment)
    tokens = [server.login()["refresh_token"] for _ in range(3)]
    with Load(server, tokens) as load:
        for number in range(3):
            run("backup", f"{number}.db")
            assert count(f"{number}.db", "sessions") == 3
            written = len(load.statuses)
            while len(load.statuses) < written + 20:  # the server goes on between two copies
                assert not load.stop.wait(0.01)
    assert set(load.statuses) == {200}
    since = server.login()["refresh_token"]

    serving_again = serving(port=restored(server, "0.db"), environment=environment)

    for token in load.tokens:
        answered = serving_again.refresh(token)
        assert answered.status_code == 200
        again = serving_again.refresh(answered.json()["refresh_token"])
        assert again.status_code == 200
    unknown = serving_again.refresh(since)
    assert (unknown.status_code, unknown.json()["reason"]) == (401, "unknown")
    assert serving_again.login()
    assert answer("events", "--kind", "reuse_detected")["events"] == []


def test_what_was_ended_since_the_backup_is_alive_after_the_restore(run, ada, serving, restored):
    """As docs/operations.md warns; ending every session is the way out of it."""
    server = serving()
    token = server.login()["refresh_token"]
    run("backup", "copy.db")
    server.client.post("/logout", json={"refresh_token": token}).raise_for_status()
    assert server.refresh(token).json()["reason"] == "signed_out"

    server = serving(port=restored(server, "copy.db"))

    alive = server.refresh(token).raise_for_status().json()["refresh_token"]
    run("session", "end", "--user", ADA)
    assert server.refresh(alive).json()["reason"] == "revoked"
    assert server.login()


def test_a_copy_is_one_state_however_long_it_takes(ada, place, monkeypatch):
    """Others commit between any two steps: it neither waits for them nor begins anew."""
    monkeypatch.setattr(backup, "STEP", 10)
    path = place / DATABASE
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE pairs (a INTEGER, filling BLOB)")
        db.executemany("INSERT INTO pairs VALUES (0, ?)", [(os.urandom(4_000),)] * 300)
    left = []

    with closing(sqlite3.connect(path)) as other:

        def commit(_, remaining, pages):
            left.append(remaining)
            if len(left) < 100:
                with other:
                    other.execute("UPDATE pairs SET a = a + 1 WHERE rowid IN (1, 300)")

        backup._copy(path, place / "copy.db", commit)

    assert left == sorted(left, reverse=True)
    assert 30 < len(left) < 100
    with closing(sqlite3.connect(place / "copy.db")) as db:
        assert db.execute("SELECT a FROM pairs WHERE rowid IN (1, 300)").fetchall() == [(0,), (0,)]


@pytest.mark.parametrize("name", ["admit.db", "admit.db-wal", "admit.db-shm"])
def test_the_database_itself_is_never_written_over(ada, run, place, name):
    """Not by a backup, nor by an export: servers work on it."""
    target = f"admit-data/{name}"
    before = (place / "admit-data" / "admit.db").read_bytes()
    for command in (["backup", "--force", target], ["export", "--force", target]):
        assert "is the database itself" in run(*command, code=1).stderr
    assert (place / "admit-data" / "admit.db").read_bytes() == before


def test_an_index_that_lacks_a_row_is_no_whole_copy(run, ada, place):
    """The table is whole, and who looks through the index misses what stands there."""
    path = place / DATABASE
    with closing(sqlite3.connect(path)) as db, db:
        (index,) = db.execute(
            "SELECT * FROM sqlite_schema WHERE name = 'events_by_time'"
        ).fetchall()
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_schema WHERE name = ?", [index[1]])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE events SET at = at + 1")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", index)

    assert "The database is damaged" in run("backup", "copy.db", code=1).stderr
    assert not (place / "copy.db").exists()


STOPPED = """
import os, signal, sys
from admit.cli import main
from admit.cli.moving import landing, take
from admit.cli import backup

copy = backup._copy

def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)

backup._copy = lambda source, draft, _: copy(source, draft, stop)
take._fields = landing.Rehearsal.add = stop
sys.argv = ["admit", *sys.argv[1:]]
main()
"""
"""The command, which is told to end in the middle of what it does."""


@pytest.mark.parametrize(
    "command", ["backup copy.db", "export users.jsonl", "import new.jsonl --dry-run"]
)
def test_a_command_that_is_told_to_end_leaves_no_draft(ada, place, command):
    (place / "new.jsonl").write_text("{}\n" + json.dumps({"email": "b@example.com", "hash": HASH}))
    scratch = place / "scratch"
    scratch.mkdir()
    before = sorted(each.name for each in place.iterdir())

    done = subprocess.run(
        [sys.executable, "-c", STOPPED, *command.split()],
        env=no_settings() | {"TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (143, "")
    assert sorted(each.name for each in place.iterdir()) == before
    assert not list(scratch.iterdir())


def test_what_sqlite_wrote_beside_a_draft_goes(place):
    with written(place / "copy.db", Settings(), force=False) as draft:
        draft.with_name(f"{draft.name}-journal").touch()
    assert [each.name for each in place.iterdir()] == ["copy.db"]


def test_the_secret_is_never_written_over(ada, run, place):
    """Without it the keys in the database can't be opened."""
    (place / "users.jsonl").write_text("{}")
    target, secret = "admit-data/secret", (place / "admit-data" / "secret").read_bytes()
    for command in ("backup", "export", "import users.jsonl --report"):
        said = run(*command.split(), target, "--force", code=1).stderr
        assert said == f"Error: {target} is the secret itself: choose another name.\n"
    assert (place / "admit-data" / "secret").read_bytes() == secret


@pytest.mark.parametrize("target", [".", "..", "/", "admit-data", "pipe"])
def test_what_is_no_file_is_not_replaced(ada, run, target):
    """Nor is a pipe or a device, though root could put a file in its place."""
    os.mkfifo("pipe")
    for command in ("backup", "export"):
        said = run(command, "--force", target, code=1).stderr
        assert said == (
            f"Error: {target} is there and is no file: name the file that is to be written.\n"
        )


def test_a_draft_without_room_is_named(place):
    """A write that fails does not know its file."""
    full = OSError(errno.ENOSPC, "No space left on device")

    target = written(Path("copy.db"), Settings(), force=False)
    with pytest.raises(OSError, match="copy") as raised, target:
        raise full
    assert raised.value.filename == "copy.db"
