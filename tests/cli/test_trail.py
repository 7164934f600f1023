"""`admit events` and `admit purge`."""

import pytest

from admit.events import event

from .conftest import ADA, PASSWORD


@pytest.fixture
def happened(engine):
    """Records an event, `ago` seconds before now."""

    def call(kind, ago=0.0, **more):
        engine(lambda auth: auth.store.record(event(kind, now=auth.clock(), **more)), ago=ago)

    return call


def test_events_are_shown_the_newest_first(answer, ada, signed_in):
    session = signed_in().session_id
    answer("session", "end", session)

    found = answer("events", "--user", ADA)["events"]

    assert [each["kind"] for each in found] == ["session_ended", "signed_in", "user_registered"]
    assert set(found[0]) == {
        "id",
        "at",
        "kind",
        "user_id",
        "session_id",
        "reason",
        "ip",
        "user_agent",
        "detail",
    }
    assert (found[0]["reason"], found[0]["session_id"]) == ("revoked", session)
    assert found[0]["at"].endswith("Z")


def test_events_are_chosen_by_user_kind_time_and_number(answer, run, ada, happened):
    answer("user", "add", "bob@example.com", stdin=PASSWORD)
    happened("sign_in_failed", ago=7_200.0, user_id=ada["id"], reason="wrong_password")
    happened("sign_in_failed", ago=1_800.0, user_id=ada["id"], reason="disabled")

    def reasons(*args):
        return [each["reason"] for each in answer("events", *args)["events"]]

    assert reasons("--kind", "sign_in_failed") == ["disabled", "wrong_password"]
    assert reasons("--kind", "sign_in_failed", "--since", "1h") == ["disabled"]
    assert reasons("--kind", "sign_in_failed", "--limit", "1") == ["disabled"]
    assert reasons("--user", "bob@example.com", "--kind", "sign_in_failed") == []
    assert len(answer("events", "--user", "ada")["events"]) == 3
    run("events", "--user", "carl", code=1)


def test_the_table_of_events_names_users_by_their_addresses(run, ada, happened):
    happened("key_withdrawn", kid="k1")
    happened("sign_in_failed", user_id="0" * 32, reason="unknown_login")

    head, *lines = run("events").stdout.splitlines()

    at = head.index("USER")
    unknown, withdrawn, registered = (
        next(line for line in lines if kind in line)
        for kind in ("sign_in_failed", "key_withdrawn", "user_registered")
    )
    assert unknown[at:].startswith("0" * 32)
    assert withdrawn[at:].startswith("- ")
    assert withdrawn.endswith("kid=k1")
    assert registered[at:].startswith(ADA)


def test_no_events_is_said_on_stderr(run, ada):
    result = run("events", "--kind", "reuse_detected")

    assert (result.stdout, result.stderr) == ("", "There are no such events.\n")


def test_purging_takes_what_is_over_and_leaves_the_rest(run, answer, ada, signed_in, happened):
    happened("sign_in_failed", ago=91 * 86_400)
    for _ in range(3):
        signed_in(ago=31 * 86_400)
    living = signed_in().session_id

    assert answer("purge") == {"deleted": 5}  # with the event of the first key
    assert run("purge").stdout == "0 rows deleted.\n"
    assert [each["id"] for each in answer("session", "list", ADA)["sessions"]] == [living]


def test_purging_goes_on_until_nothing_is_left(answer, ada, engine):
    async def fill(auth):
        for number in range(600):  # more than one purge takes
            await auth.store.record(event("sign_in_failed", now=float(number)))

    engine(fill)

    assert answer("purge") == {"deleted": 600}


def test_what_an_administrator_did_through_the_api_is_shown_with_who_it_was(
    run, answer, ada, engine
):
    answer("user", "role", ADA, "--add", "writer")
    by = {"enabled": False, "by": "0" * 32}
    engine(lambda auth: auth.accounts.set_enabled(ada["id"], now=auth.clock(), **by))

    disabled, given = (
        answer("events", "--kind", kind)["events"][0] for kind in ("user_disabled", "roles_changed")
    )

    assert disabled["detail"] == {"by": "0" * 32}
    assert given["detail"] == {"roles": "writer"}  # whoever runs the command is no user
    assert f"by={'0' * 32}" in run("events", "--kind", "user_disabled").stdout
