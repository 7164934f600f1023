"""The command as a whole: what it is called, how it fails, what it never does."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from admit import __version__

from .conftest import ADA, COMMAND, PASSWORD, no_settings

pytestmark = pytest.mark.usefixtures("measured_processes")

WITHOUT = "import sys; sys.modules[{name!r}] = None; from admit.cli import main; main()"


def command(*args, **options):
    return subprocess.run(
        [*COMMAND, *args],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=no_settings(),
        **options,
    )


def test_the_version_is_the_package_s(run):
    assert run("--version").stdout == f"admit {__version__}\n"


def test_help_names_every_command(run):
    said = run("--help").stdout

    for name in (
        "serve",
        "user",
        "session",
        "keys",
        "events",
        "purge",
        "token",
        "doctor",
        "import",
        "export",
        "backup",
    ):
        assert f"\n  {name} " in said


@pytest.mark.parametrize("args", [(), ("user",), ("session",), ("keys",), ("token",)])
def test_without_a_command_it_shows_what_there_is(run, args):
    assert "Commands:" in run(*args, code=2).stderr


@pytest.mark.parametrize(
    "args",
    [
        ("nope",),
        ("user", "nope"),
        ("user", "show"),
        ("user", "list", "--nope"),
        ("user", "list", "--limit", "0"),
        ("user", "role", ADA),
        ("session", "end"),
        ("session", "end", "id", "--user", ADA),
        ("serve", "--port", "70000"),
        ("serve", "--workers", "0"),
        ("events", "--kind", "nope"),
        ("events", "--since", "yesterday"),
        ("user", "show", "\udcff"),
    ],
)
def test_a_wrong_use_is_2(run, place, args):
    result = run(*args, code=2)

    assert "Error: " in result.stderr
    assert result.stdout == ""
    assert not list(place.iterdir())


def test_a_setting_that_can_t_work_is_one_sentence_and_1(run, monkeypatch, place):
    monkeypatch.setenv("ADMIT_ACCESS_TTL", "soon")
    for args in (("user", "list"), ("serve", "--port", "0"), ("keys", "rotate"), ("purge",)):
        result = run(*args, code=1)

        assert result.stderr.startswith("Error: ADMIT_ACCESS_TTL (access_ttl) wants a span")
        assert len(result.stderr.splitlines()) == 1
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ("user", "list"),
        ("user", "show", ADA),
        ("session", "list", ADA),
        ("session", "end", "id"),
        ("keys", "list"),
        ("keys", "rotate"),
        ("keys", "withdraw", "kid"),
        ("events",),
        ("purge",),
        ("export", "users.jsonl"),
        ("backup", "copy.db"),
    ],
)
def test_in_the_wrong_directory_nothing_is_made(run, place, args):
    result = run(*args, code=1)

    assert result.stderr.startswith("Error: There is no database at admit-data/admit.db: ")
    assert not list(place.iterdir())


def test_a_database_without_its_secret_gets_no_new_one(run, ada, place):
    (place / "admit-data" / "secret").unlink()

    assert run("user", "list", code=1).stderr.startswith("Error: There is no secret: ")
    assert not (place / "admit-data" / "secret").exists()


def test_a_store_that_is_out_says_why(run, ada, place):
    path = place / "admit-data" / "admit.db"
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE events")
    db.close()

    said = run("events", code=1).stderr

    assert said == "Error: The store cannot be reached (no such table: events).\n"


def test_even_a_defect_is_one_line(run, ada, place):
    db = sqlite3.connect(place / "admit-data" / "admit.db")
    with db:
        db.execute("UPDATE users SET roles = 'no JSON'")
    db.close()

    said = run("user", "list", code=1).stderr

    assert said.startswith("Error: Admit failed in a way that it should not (DecodeError: ")
    assert len(said.splitlines()) == 1


def test_in_development_mode_a_defect_shows_where_it_is(run, ada, place):
    db = sqlite3.connect(place / "admit-data" / "admit.db")
    with db:
        db.execute("UPDATE users SET roles = 'no JSON'")
    db.close()

    done = subprocess.run(
        [sys.executable, "-X", "dev", *COMMAND[1:], "user", "list"],
        capture_output=True,
        text=True,
        check=False,
        env=no_settings(),
    )

    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_what_the_system_refuses_is_one_line(run, monkeypatch):
    monkeypatch.setenv("ADMIT_DATA_DIR", "x" * 5000)

    said = run("user", "list", code=1).stderr

    assert said.startswith("Error: File name too long: ")


def test_a_reader_of_a_pipe_that_had_enough_is_no_error(ada):
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [*COMMAND, "user", "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=no_settings(),
    )
    os.close(writing)
    _, said = process.communicate(timeout=60)

    assert said == ""
    assert process.returncode == 1


@pytest.mark.parametrize("name", ["typer", "uvicorn", "httptools"])
def test_without_the_extra_one_line_says_what_to_install(name):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(name=name), "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=no_settings(),
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'admit[server]'" in done.stderr


def test_importing_the_package_needs_no_extra():
    loads = "import sys, admit.cli; print('typer' in sys.modules, 'uvicorn' in sys.modules)"

    printed = subprocess.check_output([sys.executable, "-c", loads], text=True)

    assert printed == "False False\n"


def test_help_loads_neither_the_server_nor_cryptography():
    loads = (
        "import sys\nsys.argv = ['admit', '--help']\n"
        "from admit.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([each for each in ('uvicorn', 'joserfc', 'cryptography') if each in sys.modules])"
    )

    printed = subprocess.check_output([sys.executable, "-c", loads], text=True, env=no_settings())

    assert printed.endswith("\n[]\n")


def test_the_module_is_the_command(place):
    done = command("user", "list", "--json", cwd=place)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: There is no database")


def test_json_alone_stands_on_stdout(ada):
    done = command("user", "list", "--json")

    assert json.loads(done.stdout)["users"] == [ada]
    assert done.stderr == ""


def test_a_terminal_that_lacks_a_letter_shows_another(run):
    run("user", "add", "жук@example.com", stdin=PASSWORD)
    environment = no_settings() | {"PYTHONIOENCODING": "latin-1"}

    table, document = (
        subprocess.check_output([*COMMAND, "user", "list", *more], env=environment)
        for more in ((), ("--json",))
    )

    assert b"???@example.com" in table
    assert json.loads(document)["users"][0]["email"] == "жук@example.com"
