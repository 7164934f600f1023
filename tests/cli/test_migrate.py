"""`admit migrate`, and the other commands on PostgreSQL."""

import pytest

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
