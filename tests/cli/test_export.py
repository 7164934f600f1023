"""`admit export`: every account comes out, and back in as it was."""

import csv
import json
import stat
from pathlib import Path

import msgspec
import pytest

from admit.errors import InvalidCredentials
from admit.testing import samples

from .conftest import ADA, COMMAND, PASSWORD, no_settings

FOREIGN = "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c="


@pytest.fixture
def full(ada, engine):
    """A store with every kind of account, as it stands in it."""
    made = [
        samples.account("bob", user=user("b" * 32, "bob"), password_hash=FOREIGN),
        samples.account(
            "ádá",
            user=user("c" * 32, 'x,"y"\n', email="Ádá+1@bücher.example"),
            email_key="ádá+1@bücher.example",
            password_hash="!",
        ),
        samples.account(
            "dora",
            user=user("d" * 32, "dora"),
            disabled_at=1_700_000_000.123456,
            password_hash=FOREIGN,
        ),
    ]

    async def work(auth):
        for each in made:
            registered = samples.event("user_registered", user_id=each.user.id)
            assert await auth.store.add_user(each, event=registered) is None
        return await auth.store.list_users(search="", after="", limit=100)

    return engine(work)


def user(id_, name, **more):
    values = {
        "id": id_,
        "username": name if name.isalpha() else None,
        "email": f"{name}@example.com",
        "roles": ("a:b", "admin"),
        "email_verified": True,
        "created_at": 1_600_000_000.123456,
    }
    return msgspec.structs.replace(samples.account().user, **(values | more))


def fields(account):
    """What has to survive exactly."""
    return (
        account.user.id,
        account.user.email,
        account.email_key,
        account.user.username,
        account.user.roles,
        account.user.email_verified,
        account.password_hash,
    )


def dates(accounts):
    """What has to survive to the microsecond."""
    return [at for each in accounts for at in (each.user.created_at, each.disabled_at or 0.0)]


@pytest.mark.parametrize("name", ["users.jsonl", "users.csv"])
def test_an_export_that_is_imported_gives_the_same_accounts(run, full, engine, monkeypatch, name):
    run("export", name)
    monkeypatch.setenv("ADMIT_DATA_DIR", "elsewhere")

    run("import", name, "--allow-no-hash")
    run("export", "again-" + name)

    there = engine(lambda auth: auth.store.list_users(search="", after="", limit=100))
    assert [*map(fields, there)] == [*map(fields, full)]
    assert dates(there) == pytest.approx(dates(full), abs=1e-6)
    assert Path(name).read_bytes() == Path(f"again-{name}").read_bytes()
    assert engine(check(ADA, PASSWORD))
    assert engine(check("bob", "lètmein"))
    with pytest.raises(InvalidCredentials):
        engine(check("dora", "lètmein"))


def check(login, password):
    return lambda auth: auth.accounts.check(login=login, password=password, now=auth.clock())


def test_an_export_that_is_imported_where_it_came_from_changes_nothing(run, answer, full):
    run("export", "users.jsonl")

    again = answer("import", "users.jsonl", "--allow-no-hash")

    assert again == {"added": 0, "there": 4, "refused": 0, "dry_run": False}


def test_every_account_is_in_it_in_the_order_of_the_addresses(run, full, monkeypatch):
    from admit.cli.moving import take

    monkeypatch.setattr(take, "PAGE", 3)
    result = run("export")

    emails = [json.loads(line)["email"] for line in result.stdout.splitlines()]
    assert emails == [each.user.email for each in full]
    assert result.stderr == "4 accounts exported.\n"


def test_hashes_can_be_left_out(run, full):
    for form in ("json", "csv"):
        said = run("export", "--without-hashes", "--format", form).stdout
        assert "$argon2id$" not in said
        assert "pbkdf2" not in said
        assert ADA in said


def test_comma_separated_values_have_a_line_of_names(run, ada):
    rows = list(csv.DictReader(run("export", "--format", "csv").stdout.splitlines()))

    assert rows[0]["email"] == ADA
    assert rows[0]["disabled"] == "false"


def test_the_file_is_for_its_owner_and_replaces_none_unasked(run, full, place):
    run("export", "users.jsonl")
    before = (place / "users.jsonl").read_bytes()
    assert stat.S_IMODE((place / "users.jsonl").stat().st_mode) == 0o600
    run("user", "add", "eve@example.com", stdin=PASSWORD)

    said = run("export", "users.jsonl", code=1).stderr

    assert said.startswith("Error: users.jsonl is there already: ")
    assert (place / "users.jsonl").read_bytes() == before
    run("export", "users.jsonl", "--force")
    assert b"eve@example.com" in (place / "users.jsonl").read_bytes()


def test_one_that_fails_leaves_nothing_behind(run, ada, place, monkeypatch):
    from admit.cli.moving import take

    monkeypatch.setattr(take, "_fields", lambda *_, **__: 1 / 0)
    run("export", "users.jsonl", code=1)

    assert [each.name for each in place.iterdir()] == ["admit-data"]


def test_a_terminal_s_encoding_loses_no_letter(full, place):
    import subprocess

    said = subprocess.check_output(
        [*COMMAND, "export", "--format", "csv"],
        env=no_settings() | {"PYTHONIOENCODING": "latin-1"},
        stderr=subprocess.DEVNULL,
    )

    assert "Ádá+1@bücher.example" in said.decode()


def test_without_a_database_nothing_is_written(run, place):
    assert run("export", "users.jsonl", code=1).stderr.startswith("Error: There is no database")
    assert not list(place.iterdir())
