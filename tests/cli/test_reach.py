"""What the command does reaches a server that runs, within about a second and by itself."""

import pytest

from .conftest import PASSWORD, Server, soon

NEW = "nine slow harbours wake"


@pytest.fixture(scope="module")
def server(directory):
    """One server for all of these; each test has a user of its own."""
    server = Server("--port", "0", cwd=directory)
    yield server
    said, _ = server.stop()
    assert said == ""


@pytest.fixture(autouse=True)
def beside(server, directory, place, monkeypatch):
    """The command runs where the server runs."""
    monkeypatch.chdir(directory)


@pytest.fixture
def email(request, server):
    address = f"{request.node.name[5:].replace('_', '-')[:40]}@example.com"
    server.register(address)
    return address


def refused(server, tokens):
    """Why the access token is refused, as soon as it is."""

    def look():
        answered = server.me(tokens["access_token"])
        return answered.status_code == 401 and (answered.json().get("reason") or "no reason")

    return soon(look)


def test_a_disabled_user_is_out(run, server, email):
    tokens = server.login(email)

    run("user", "disable", email)

    assert refused(server, tokens) == "revoked"
    assert server.refresh(tokens["refresh_token"]).json()["reason"] == "revoked"
    body = {"login": email, "password": PASSWORD}
    assert server.client.post("/login", json=body).json()["code"] == "invalid_credentials"


def test_an_ended_session_is_out_and_the_others_are_not(run, answer, server, email):
    out, stays = server.login(email), server.login(email)
    _, session = answer("session", "list", email)["sessions"]  # the older one

    run("session", "end", session["id"])

    assert refused(server, out) == "revoked"
    assert server.refresh(out["refresh_token"]).json()["reason"] == "revoked"
    assert server.me(stays["access_token"]).status_code == 200


def test_a_new_password_ends_every_session(run, server, email):
    tokens = [server.login(email) for _ in range(2)]

    run("user", "password", email, stdin=NEW)

    for each in tokens:
        assert refused(server, each) == "password_changed"
        assert server.refresh(each["refresh_token"]).json()["reason"] == "password_changed"


def test_a_role_that_is_taken_away_is_gone_and_the_session_goes_on(run, server, email):
    run("user", "role", email, "--add", "admin", "--add", "cook")
    tokens = server.login(email)
    assert server.me(tokens["access_token"]).json()["user"]["roles"] == ["admin", "cook"]

    run("user", "role", email, "--remove", "admin")

    assert refused(server, tokens) == "revoked"
    tokens = server.refresh(tokens["refresh_token"]).raise_for_status().json()
    assert tokens["user"]["roles"] == ["cook"]
    assert server.me(tokens["access_token"]).status_code == 200


def test_a_role_that_is_given_signs_nobody_out(run, server, email):
    tokens = server.login(email)
    run("user", "role", email, "--add", "admin")
    # Once something later has arrived, this would have, too.
    other = server.login(email)
    run("session", "end", sid(other))
    refused(server, other)

    assert server.me(tokens["access_token"]).status_code == 200
    refreshed = server.refresh(tokens["refresh_token"]).json()
    assert refreshed["user"]["roles"] == ["admin"]


def test_a_withdrawn_key_s_tokens_are_refused_and_refreshing_gives_good_ones(
    run, answer, server, email
):
    tokens = server.login(email)
    (signing,) = (key for key in answer("keys", "list")["keys"] if key["state"] == "signing")

    run("keys", "withdraw", signing["kid"])

    assert refused(server, tokens) == "no reason"  # nobody knows any more who signed it
    fresh = server.refresh(tokens["refresh_token"]).raise_for_status().json()
    assert server.me(fresh["access_token"]).status_code == 200
    kids = {key["kid"] for key in server.client.get("/.well-known/jwks.json").json()["keys"]}
    assert signing["kid"] not in kids


def test_a_rotated_key_is_published(answer, server):
    made = answer("keys", "rotate")["kid"]

    def published():
        keys = server.client.get("/.well-known/jwks.json").json()["keys"]
        return made in {key["kid"] for key in keys}

    assert soon(published)


def test_a_user_whom_the_command_added_signs_in(run, server):
    run("user", "add", "added@example.com", "--role", "cook", stdin=PASSWORD)

    assert server.login("added@example.com")["user"]["roles"] == ["cook"]


def test_the_command_reads_what_the_server_wrote(run, answer, server, email):
    tokens = server.login(email)

    (session,) = answer("session", "list", email)["sessions"]
    kinds = [each["kind"] for each in answer("events", "--user", email)["events"]]
    inspected = answer("token", "inspect", stdin=tokens["access_token"])

    assert session["user_agent"].startswith("python-httpx/")
    assert kinds == ["signed_in", "user_registered"]
    assert (inspected["refused"], inspected["claims"]["sid"]) == (None, session["id"])
    assert run("doctor").stdout


def sid(tokens):
    """The id of the tokens' session."""
    import base64
    import json

    payload = tokens["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["sid"]
