"""`admit user`."""

import sqlite3

import pytest

from admit.errors import InvalidCredentials

from .conftest import ADA, PASSWORD

NEW = "nine slow harbours wake"


def check(login, password):
    return lambda auth: auth.accounts.check(login=login, password=password, now=auth.clock())


def test_a_user_is_added_and_can_sign_in(run, answer, engine):
    said = run("user", "add", "Ada@Example.com", "--role", "editor", stdin=PASSWORD + "\n").stdout

    assert said == "Ada@example.com is added to SQLite at admit-data/admit.db.\n"
    assert engine(check(ADA, PASSWORD)).user.roles == ("editor",)


def test_a_user_as_json_is_the_contract_s_user_and_when_it_was_disabled(ada, answer, run):
    assert set(ada) == {
        "id",
        "email",
        "username",
        "roles",
        "email_verified",
        "created_at",
        "disabled_at",
    }
    assert (ada["email"], ada["username"], ada["roles"]) == (ADA, "ada", [])
    assert ada["created_at"].endswith("Z")
    assert ada["disabled_at"] is None
    assert answer("user", "show", ADA) == ada | {"sessions": 0}
    assert answer("user", "disable", ADA)["disabled_at"].endswith("Z")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nanother line\n"])
def test_the_first_line_of_stdin_is_the_password_exactly_as_it_is(run, engine, ending):
    password = "  spaces around stay  "
    run("user", "add", ADA, stdin=password + ending)

    assert engine(check(ADA, password))


@pytest.mark.parametrize("stdin", ["", "\n", b"\r\n"])
def test_no_password_is_refused(run, stdin):
    assert run("user", "add", ADA, stdin=stdin, code=1).stderr.startswith("Error: No password was")


def test_a_password_is_never_an_argument(run, ada):
    run("user", "add", "bob@example.com", "--password", NEW, code=2)
    run("user", "add", "bob@example.com", NEW, code=2)
    run("user", "password", ADA, NEW, code=2)


def test_bytes_that_are_no_text_are_no_password(run):
    said = run("user", "add", ADA, stdin=b"seven pale lanterns \xff\n", code=1).stderr

    assert "password wants valid Unicode text" in said


def test_a_refusal_names_every_field_and_what_it_wants(run):
    said = run("user", "add", "nobody", "--username", "a b", stdin="short", code=1).stderr

    assert said == (
        "Error: Some fields need another value: email wants an e-mail address such as"
        " ada@example.com; username wants 3 to 64 of letters, digits, '.', '_' and '-';"
        " password wants at least 8 characters.\n"
    )


@pytest.mark.parametrize(
    ("args", "taken"), [(("ADA@example.com",), "email"), (("b@example.com", "Ada"), "username")]
)
def test_what_is_taken_is_said_before_a_password_is_asked_for(run, ada, args, taken):
    email, *username = args
    more = ("--username", *username) if username else ()

    said = run("user", "add", email, *more, stdin="", code=1).stderr

    assert said == f"Error: This {taken} is taken already.\n"


def test_a_role_that_a_log_could_not_hold_is_refused(run, ada):
    said = run("user", "role", ADA, "--add", "two words", code=1).stderr

    assert "roles wants 1 to 64 of letters" in said


def test_a_user_is_found_by_address_username_and_id(answer, ada):
    for who in (ADA, "ADA@EXAMPLE.COM", "ada", "Ada", ada["id"]):
        assert answer("user", "show", who)["id"] == ada["id"]


def test_an_id_comes_before_a_username_that_looks_like_it(answer, ada):
    mallory = "mallory@example.com"
    answer("user", "add", mallory, "--username", ada["id"], stdin=PASSWORD)

    assert answer("user", "show", ada["id"])["email"] == ADA


@pytest.mark.parametrize("who", ["bob@example.com", "bob", "0" * 32, "no such user", ""])
@pytest.mark.parametrize("command", ["show", "disable", "enable", "password"])
def test_nobody_is_not_found(run, ada, command, who):
    said = run("user", command, who, stdin=NEW, code=1).stderr

    assert said == f"Error: There is no account {who!r}.\n"


def test_users_are_listed_page_by_page_in_the_order_of_their_addresses(answer, run, ada):
    for name in ("dora", "Bob", "carl"):
        run("user", "add", f"{name}@example.com", stdin=PASSWORD)

    first = answer("user", "list", "--limit", "3")
    second = answer("user", "list", "--limit", "3", "--after", first["next"])

    assert [each["email"] for each in first["users"]] == [
        ADA,
        "Bob@example.com",
        "carl@example.com",
    ]
    assert [each["email"] for each in second["users"]] == ["dora@example.com"]
    assert (first["next"], second["next"]) == ("carl@example.com", None)
    assert "--after carl@example.com" in run("user", "list", "--limit", "3").stderr
    assert run("user", "list", "--limit", "4").stderr == ""


def test_users_are_searched_in_address_and_name_without_case(answer, run, ada):
    run("user", "add", "bob@example.org", stdin=PASSWORD)

    def found(text):
        return [each["email"] for each in answer("user", "list", "--search", text)["users"]]

    assert found("EXAMPLE.ORG") == ["bob@example.org"]
    assert found("Ada") == [ADA]
    assert found("nobody") == []
    assert run("user", "list", "--search", "nobody").stderr == "There are no such accounts.\n"


def test_the_table_of_users_is_aligned_and_has_no_colour_in_a_pipe(run, ada):
    run("user", "add", "bob@example.com", "--role", "admin", "--role", "cook", stdin=PASSWORD)
    run("user", "disable", "bob@example.com")

    head, first, second = run("user", "list").stdout.splitlines()

    assert head.split("  ")[0] == "EMAIL"
    at = head.index("STATE")
    assert (first[at:].split()[0], second[at:].split()[0]) == ("enabled", "disabled")
    assert second[head.index("ROLES") :].startswith("admin cook  ")
    assert first[head.index("ID") :].startswith(ada["id"])
    assert "\x1b" not in head + first + second


def test_a_user_is_shown_with_its_sessions(run, ada, signed_in):
    signed_in(ago=8 * 86_400)  # that one is over
    signed_in()

    shown = dict(line.split(None, 1) for line in run("user", "show", "ada").stdout.splitlines())

    assert shown["email"] == ADA
    assert shown["state"] == "enabled"
    assert shown["sessions"] == "1"


def test_a_disabled_user_can_t_sign_in_until_enabled(run, ada, engine, signed_in):
    session = signed_in().session_id

    assert run("user", "disable", "ada").stdout == (
        f"{ADA} is disabled, and its sessions have ended.\n"
    )
    assert run("user", "disable", "ada").stdout == f"{ADA} was disabled already.\n"
    assert "disabled since " in run("user", "show", "ada").stdout
    with pytest.raises(InvalidCredentials):
        engine(check(ADA, PASSWORD))
    assert engine(lambda auth: auth.store.find_session(session)).ended_because == "revoked"

    assert run("user", "enable", "ada").stdout == f"{ADA} is enabled.\n"
    assert run("user", "enable", "ada").stdout == f"{ADA} was enabled already.\n"
    assert engine(check(ADA, PASSWORD))


def test_roles_are_given_and_taken(answer, run, ada):
    assert answer("user", "role", ADA, "--add", "admin", "--add", "editor")["roles"] == [
        "admin",
        "editor",
    ]
    assert answer("user", "role", ADA, "--add", "cook", "--remove", "admin")["roles"] == [
        "cook",
        "editor",
    ]
    assert run("user", "role", ADA, "--remove", "cook").stdout == f"{ADA} has editor.\n"
    assert run("user", "role", ADA, "--remove", "editor").stdout == f"{ADA} has no role.\n"


def test_a_new_password_replaces_the_old_one_and_ends_the_sessions(run, ada, engine, signed_in):
    session = signed_in().session_id

    said = run("user", "password", "ada", stdin=NEW).stdout

    assert said == f"{ADA} has a new password, and its sessions have ended.\n"
    assert engine(check(ADA, NEW))
    with pytest.raises(InvalidCredentials):
        engine(check(ADA, PASSWORD))
    ended = engine(lambda auth: auth.store.find_session(session)).ended_because
    assert ended == "password_changed"


def test_a_common_password_is_not_set(run, ada, engine):
    said = run("user", "password", "ada", stdin="password1234", code=1).stderr

    assert "password wants" in said
    assert engine(check(ADA, PASSWORD))


def test_nothing_that_was_stored_moves_the_cursor_of_a_terminal(run, ada, place):
    db = sqlite3.connect(place / "admit-data" / "admit.db")
    with db:
        db.execute("UPDATE users SET email = ?", ("\x1b[2Jada\u202e\r\n@example.com",))
    db.close()

    for args in (("list",), ("show", "ada"), ("disable", "ada")):
        said = run("user", *args).stdout
        assert "?[2Jada???@example.com" in said
        assert not set("\x1b\u202e\r") & set(said)
