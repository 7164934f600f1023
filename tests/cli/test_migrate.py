"""`admit migrate`, and the other commands on PostgreSQL."""

import json
import shutil
import sqlite3
from contextlib import closing

import psycopg
import pytest

from admit.stores.postgres import schema as of_postgres
from admit.stores.sqlite import schema as of_sqlite
from tests.cli.conftest import ADA, PASSWORD

SECRET = "a secret of the commands' own tests 0123456789"


@pytest.fixture
def on_postgres(monkeypatch, database_url):
    monkeypatch.setenv("ADMIT_DATABASE_URL", database_url)
    monkeypatch.setenv("ADMIT_SECRET", SECRET)
    return database_url


def test_a_new_database_is_made_ready_once(on_postgres, run, answer):
    assert "0001_initial.sql" in run("migrate").stdout
    again = answer("migrate")
    assert again == {"ran": [], "granted": None}


def test_a_file_is_made_ready_too(run, place):
    assert "Ran 0001_initial.sql." in run("migrate").stdout
    assert (place / "admit-data" / "admit.db").exists()


def test_a_file_knows_no_roles(run):
    assert "knows no roles" in run("migrate", "--grant", "clerk", code=1).stderr


def test_a_role_that_is_not_there_is_named(on_postgres, run):
    assert "'nobody-here'" in run("migrate", "--grant", "nobody-here", code=1).stderr


def test_the_password_in_the_url_is_never_shown(monkeypatch, run, postgres):
    """Not where all is well, nor where it isn't."""
    url = postgres.create().replace("://app@", "://app:hunter2hunter2@")
    monkeypatch.setenv("ADMIT_DATABASE_URL", url)
    monkeypatch.setenv("ADMIT_SECRET", SECRET)
    assert "hunter2" not in run("migrate").output
    monkeypatch.setenv("ADMIT_DATABASE_URL", url.replace("/test_", "/none_"))
    refused = run("migrate", code=1).output
    assert "hunter2" not in refused
    assert "does not exist" in refused


def test_a_server_that_is_not_there_is_one_sentence(monkeypatch, run):
    monkeypatch.setenv("ADMIT_DATABASE_URL", "postgresql://app@127.0.0.1:1/none")
    monkeypatch.setenv("ADMIT_SECRET", SECRET)
    for command in (["serve", "--port", "0"], ["user", "list"], ["migrate"]):
        assert "The store cannot be reached" in run(*command, code=1).stderr


def test_the_doctor_looks_at_postgresql(on_postgres, run, answer):
    run("user", "add", ADA, stdin=PASSWORD)
    found = {each["check"]: each for each in answer("doctor")["checks"]}
    assert found["store"]["state"] == "ok"
    assert "PostgreSQL" in found["store"]["says"]


def test_a_server_on_postgresql_serves_and_the_command_works_beside_it(
    on_postgres, serving, run, answer
):
    server = serving(
        "--workers",
        "2",
        environment={"ADMIT_DATABASE_URL": on_postgres, "ADMIT_SECRET": SECRET},
    )
    assert "PostgreSQL at 127.0.0.1" in server.banner
    server.register()
    tokens = server.login()
    refreshed = server.refresh(tokens["refresh_token"])
    assert refreshed.status_code == 200
    assert [each["email"] for each in answer("user", "list")["users"]] == [ADA]
    run("session", "end", "--user", ADA)
    refused = server.refresh(refreshed.json()["refresh_token"])
    assert refused.json()["reason"] == "revoked"


LOOKING = (["user", "list"], ["doctor"], ["import", "users.jsonl", "--dry-run"])
"""Commands that are not asked to make anything."""


def looked_at(run, place):
    """What each of them says of a database that is not up to date."""
    line = {"email": ADA, "hash": "$2b$04$" + "a" * 53}
    (place / "users.jsonl").write_text(json.dumps(line))
    return [" ".join(run(*command, code=1).output.split()) for command in LOOKING]


@pytest.fixture
def one_more(monkeypatch, tmp_path_factory):
    """A version of Admit that knows one migration more than the database has seen."""

    def upgrade(schema):
        later = tmp_path_factory.mktemp("later") / "migrations"
        shutil.copytree(schema.MIGRATIONS, later)
        (later / "0002_later.sql").write_text("CREATE TABLE later (id integer);")
        monkeypatch.setattr(schema, "MIGRATIONS", later)

    return upgrade


def test_a_command_makes_no_schema_in_an_empty_database(on_postgres, run, place):
    """Its URL may be the wrong one."""
    for said in looked_at(run, place):
        assert "is it the right one? Then run `admit migrate`" in said
    with psycopg.connect(on_postgres) as db:
        assert db.execute("SELECT to_regnamespace('admit')").fetchone() == (None,)


def test_a_command_brings_no_database_up_to_date(on_postgres, run, place, one_more):
    """Servers of the version before may run on it."""
    run("migrate")
    one_more(of_postgres)
    for said in looked_at(run, place):
        assert "Then run `admit migrate`" in said
    with psycopg.connect(on_postgres) as db:
        assert db.execute("SELECT max(version) FROM admit.migrations").fetchone() == (1,)
    assert "Ran 0002_later.sql." in run("migrate").stdout
    assert run("user", "list")


def test_a_command_brings_no_file_up_to_date(run, place, monkeypatch, one_more):
    monkeypatch.setenv("ADMIT_SECRET", SECRET)
    run("migrate")
    one_more(of_sqlite)
    for said in looked_at(run, place):
        assert "Then run `admit migrate`" in said
    with closing(sqlite3.connect(place / "admit-data" / "admit.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert "Ran 0002_later.sql." in run("migrate").stdout
    assert run("user", "list")
