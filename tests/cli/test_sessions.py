"""`admit session`."""

import msgspec
import pytest

from admit.events import event

from .conftest import ADA

LONG_AGO = 8 * 86_400
"""Longer than a session may lie idle."""


@pytest.fixture
def session_named(engine, signed_in):
    """Gives one session of Ada's another id."""

    def call(name):
        session = signed_in().session_id

        async def rename(auth):
            row = await auth.store.find_session(session)
            await auth.store._connections.write(
                lambda db: db.execute("UPDATE sessions SET id = ? WHERE id = ?", (name, row.id))
            )

        engine(rename)
        return name

    return call


def test_the_living_sessions_of_a_user_are_listed_the_newest_first(answer, run, ada, signed_in):
    signed_in(ago=LONG_AGO)
    older, newer = signed_in(ago=60.0).session_id, signed_in().session_id

    listed = answer("session", "list", ADA)["sessions"]

    assert [each["id"] for each in listed] == [newer, older]
    assert set(listed[0]) == {
        "id",
        "user_id",
        "opened_at",
        "last_seen_at",
        "expires_at",
        "ends_at",
        "ended_at",
        "ended_because",
        "ip",
        "user_agent",
    }
    head, first, second = run("session", "list", "ada").stdout.splitlines()
    assert head.startswith("ID ")
    assert first.startswith(newer)
    assert second.startswith(older)


def test_nobody_signed_in_is_said_on_stderr(run, ada):
    result = run("session", "list", ADA)

    assert (result.stdout, result.stderr) == ("", "There are no living sessions.\n")


def test_one_session_is_ended_and_the_others_live(answer, run, ada, signed_in, engine):
    first, second = signed_in().session_id, signed_in().session_id

    assert run("session", "end", first).stdout == f"Session {first} is ended.\n"
    assert run("session", "end", first).stdout == f"Session {first} was over already.\n"

    assert [each["id"] for each in answer("session", "list", ADA)["sessions"]] == [second]
    ended = engine(lambda auth: auth.store.find_session(first))
    assert ended.ended_because == "revoked"


def test_every_session_of_a_user_is_ended(answer, run, ada, signed_in):
    ids = {signed_in().session_id for _ in range(3)}

    assert set(answer("session", "end", "--user", "ada")["ended"]) == ids
    assert run("session", "end", "--user", "ada").stdout == "0 sessions ended.\n"
    signed_in()
    assert run("session", "end", "--user", ADA).stdout == "1 session ended.\n"


def test_an_expired_session_was_over_already(run, answer, ada, signed_in):
    session = signed_in(ago=LONG_AGO).session_id

    assert "was over already" in run("session", "end", session).stdout
    assert answer("session", "end", session) == {"ended": []}


@pytest.mark.parametrize("start", ["-", "--", "-h", "--help", "--json", "--user"])
def test_an_id_that_starts_like_an_option_is_an_id(run, ada, session_named, start):
    name = session_named((start + "aZ09_-aZ09_-aZ09_-aZ09_-")[:22])

    assert run("session", "end", name).stdout == f"Session {name} is ended.\n"


@pytest.mark.parametrize("name", ["-abcdefghijklmnopqrstu", "x", ""])
def test_a_session_that_never_was_is_not_found(run, ada, name):
    assert run("session", "end", name, code=1).stderr == f"Error: There is no session {name!r}.\n"


def test_the_session_of_nobody_is_not_found(run, ada):
    run("session", "list", "bob", code=1)
    run("session", "end", "--user", "bob", code=1)


def test_what_a_browser_calls_itself_is_shown(run, ada, engine, signed_in):
    session = signed_in().session_id

    async def another(auth):
        row = await auth.store.find_session(session)
        worn = msgspec.structs.replace(row, id="another", user_agent="Fire\x1bfox", ip="192.0.2.7")
        signed_in = event("signed_in", now=row.opened_at)
        await auth.store.open_session(worn, password_version=0, event=signed_in, replaces=None)

    engine(another)

    assert "192.0.2.7  Fire?fox" in run("session", "list", ADA).stdout
