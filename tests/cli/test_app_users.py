"""The command beside an app that has the users: it shows them, and changes none of them."""

import pytest

from admit.testing import samples
from admit.users import AppUser
from admit.users.shadow import shadow_of

from .conftest import PASSWORD

NOW = 1_700_000_000.0


@pytest.fixture
def seen(engine):
    """A user of the app who signed in once, and one who has the same address by now."""
    users = [AppUser(id=name, email=f"{name}@example.com") for name in ("17", "18")]

    async def work(auth):
        for each in users:
            made = shadow_of(each, roles=("writer",), now=NOW)
            await auth.store.add_user(made, event=samples.event("user_registered"))
        first = samples.session(user="x", user_id="17", expires_at=4e9, ends_at=4e9)
        await auth.store.open_session(
            first, password_version=0, event=samples.event("signed_in"), replaces=None
        )

    engine(work)


def test_users_of_the_app_are_shown_by_id_and_address(seen, answer):
    listed = answer("user", "list")["users"]
    assert [each["email"] for each in listed] == ["17@example.com", "18@example.com"]
    assert answer("user", "list", "--search", "18@")["users"] == listed[1:]
    for who in ("17", "17@Example.com"):
        shown = answer("user", "show", who)
        assert (shown["id"], shown["roles"], shown["sessions"]) == ("17", ["writer"], 1)
    (session,) = answer("session", "list", "17")["sessions"]
    assert answer("session", "list", "18")["sessions"] == []
    assert session["id"] == "session-one"


@pytest.mark.parametrize(
    "words",
    [
        ("add", "new@example.com"),
        ("disable", "17"),
        ("enable", "17@example.com"),
        ("role", "17", "--add", "admin"),
        ("password", "17"),
    ],
)
def test_what_is_the_apps_to_change_is_refused_with_a_sentence(seen, run, words):
    """Nobody is asked for a new password before."""
    typed = PASSWORD + "\n" if words[0] == "add" else ""
    said = run("user", *words, stdin=typed, code=1).stderr
    assert said.startswith("Error: The users of this installation live in the app")


def test_an_export_has_none_of_them(seen, run):
    assert run("export").stdout == ""
