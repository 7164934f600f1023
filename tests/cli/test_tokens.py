"""`admit token inspect`."""

import base64
import json

import pytest

from .conftest import ADA, PASSWORD


@pytest.fixture
def inspect(run):
    """What `admit token inspect` says of a token, which it never repeats."""

    def call(token, code=0):
        table = run("token", "inspect", stdin=token + "\n", code=code)
        document = run("token", "inspect", "--json", stdin=token, code=code)
        for said in (table.output, document.output):
            assert token not in said
            assert token.rpartition(".")[2] not in said
        assert (table.stderr, document.stderr) == ("", "")
        return json.loads(document.stdout)

    return call


@pytest.fixture
def tokens(ada, signed_in):
    """The tokens of a sign-in just now."""
    return signed_in()


@pytest.fixture
def refresh(engine):
    def call(token, **options):
        return engine(lambda auth: auth.sessions.refresh(token, now=auth.clock()), **options)

    return call


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(each + "==")) for each in token.split(".")[:2]]


def made_of(header, claims, signature):
    encoded = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
        for each in (header, claims)
    ]
    return ".".join([*encoded, signature])


def test_a_good_access_token_is_accepted(inspect, ada, tokens):
    said = inspect(tokens.access_token)

    header, claims = parts(tokens.access_token)
    assert said == {
        "kind": "access",
        "header": header,
        "claims": claims,
        "signature": "good",
        "expired": False,
        "revoked": None,
        "session": "living",
        "refused": None,
    }
    assert claims["sub"] == ada["id"]


def test_people_read_its_instants(run, tokens):
    said = run("token", "inspect", stdin=tokens.access_token).stdout

    lines = dict(line.split(None, 1) for line in said.splitlines())
    assert lines["verdict"] == "accepted"
    assert lines["claims.exp"].endswith(" UTC)")
    assert lines["claims.roles"] == "[]"
    assert lines["header.typ"] == "at+jwt"


def test_an_expired_access_token_is_genuine_and_refused(inspect, ada, signed_in):
    said = inspect(signed_in(ago=1_000.0).access_token, code=1)

    assert (said["signature"], said["expired"], said["refused"]) == ("good", True, "expired")
    assert said["session"] == "living"


def test_a_revoked_access_token_says_why(inspect, run, tokens):
    run("session", "end", tokens.session_id)

    said = inspect(tokens.access_token, code=1)

    assert (said["revoked"], said["refused"]) == ("revoked", "revoked")
    assert said["session"] == "ended (revoked)"
    assert said["signature"] == "good"


def test_an_access_token_with_a_role_too_many_says_so(inspect, run, ada, signed_in):
    run("user", "role", ADA, "--add", "admin")
    token = signed_in(ago=1.0).access_token
    run("user", "role", ADA, "--remove", "admin")

    said = inspect(token, code=1)

    assert (said["refused"], said["session"]) == ("revoked", "living")


def test_a_damaged_access_token_is_bad_and_nothing_in_it_is_believed(inspect, tokens):
    header, claims = parts(tokens.access_token)
    forged = made_of(header, claims | {"sub": "somebody else"}, tokens.access_token.split(".")[2])

    said = inspect(forged, code=1)

    assert (said["signature"], said["refused"]) == ("bad", "invalid")
    assert (said["session"], said["revoked"]) == ("unknown", None)


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384"])
def test_a_token_that_names_another_algorithm_is_bad(inspect, tokens, alg):
    header, claims = parts(tokens.access_token)

    assert inspect(made_of(header | {"alg": alg}, claims, "AAAA"), code=1)["signature"] == "bad"


def test_a_token_of_a_withdrawn_key_has_no_key(inspect, run, tokens):
    run("keys", "withdraw", parts(tokens.access_token)[0]["kid"])

    said = inspect(tokens.access_token, code=1)

    assert (said["signature"], said["refused"]) == ("unknown_key", "invalid")


def test_a_token_of_another_issuer_says_so(inspect, ada, signed_in, monkeypatch):
    token = signed_in(base_url="https://elsewhere.example").access_token

    said = inspect(token, code=1)

    assert (said["signature"], said["refused"]) == ("good", "other_issuer")


def test_with_no_base_url_set_it_follows_the_port_as_the_server_s_does(
    inspect, ada, signed_in, monkeypatch
):
    token = signed_in(base_url="http://localhost:8123").access_token

    assert inspect(token)["refused"] is None
    monkeypatch.setenv("ADMIT_BASE_URL", "http://localhost:8000")
    assert inspect(token, code=1)["refused"] == "other_issuer"


@pytest.mark.parametrize("issuer", ["http://localhost:99999/auth", "http://localhost:/auth", 7])
def test_an_issuer_that_is_none_is_no_setting(inspect, tokens, issuer):
    header, claims = parts(tokens.access_token)

    said = inspect(made_of(header, claims | {"iss": issuer}, "AAAA"), code=1)

    assert said["refused"] == "other_issuer"


@pytest.mark.parametrize("exp", [1e300, -1e300, "soon", None, [], True])
def test_whatever_somebody_wrote_into_it_is_shown(inspect, tokens, exp):
    header, claims = parts(tokens.access_token)

    said = inspect(made_of(header, claims | {"exp": exp, "x\x1b": "\u202e"}, "AAAA"), code=1)

    assert said["claims"]["exp"] == exp


def test_a_good_refresh_token_is_accepted_and_its_handle_not_shown(inspect, run, tokens):
    said = inspect(tokens.refresh_token)

    handle = parts(tokens.refresh_token)[1]["h"]
    assert said["claims"].keys() == {"session", "generation", "exp"}
    assert said["claims"]["session"] == tokens.session_id
    assert said["claims"]["generation"] == 0
    assert (said["kind"], said["signature"], said["session"]) == ("refresh", "good", "living")
    assert handle not in run("token", "inspect", stdin=tokens.refresh_token).output
    assert handle not in json.dumps(said)


def test_inspecting_changes_nothing(inspect, refresh, tokens):
    for _ in range(2):
        inspect(tokens.refresh_token)

    assert refresh(tokens.refresh_token).refresh_token


def test_a_refreshed_token_is_accepted_within_the_leeway_and_theft_after_it(
    inspect, refresh, signed_in, monkeypatch, answer
):
    answer("user", "add", ADA, stdin=PASSWORD)
    parent = signed_in(ago=20.0).refresh_token
    refresh(parent, ago=15.0)
    monkeypatch.setenv("ADMIT_LEEWAY", "1m")
    assert inspect(parent)["refused"] is None

    monkeypatch.setenv("ADMIT_LEEWAY", "10s")
    assert inspect(parent, code=1)["refused"] == "reuse_detected"
    assert len(answer("session", "list", ADA)["sessions"]) == 1  # nothing was ended by looking


def test_a_refresh_token_of_a_session_that_ended_says_why(inspect, run, tokens):
    run("user", "password", ADA, stdin="nine slow harbours wake")

    said = inspect(tokens.refresh_token, code=1)

    assert (said["revoked"], said["refused"]) == ("password_changed", "password_changed")
    assert said["session"] == "ended (password_changed)"


def test_a_refresh_token_that_lay_idle_too_long_is_expired(inspect, ada, signed_in):
    said = inspect(signed_in(ago=8 * 86_400).refresh_token, code=1)

    assert (said["expired"], said["refused"], said["session"]) == (True, "expired", "expired")


def test_a_refresh_token_whose_session_was_purged_is_expired(inspect, run, ada, signed_in):
    token = signed_in(ago=31 * 86_400).refresh_token
    run("purge")

    said = inspect(token, code=1)

    assert (said["refused"], said["session"]) == ("expired", "unknown")


def test_a_refresh_token_of_another_secret_is_bad(inspect, tokens, monkeypatch):
    header, claims = parts(tokens.refresh_token)

    said = inspect(made_of(header, claims | {"n": 7}, "AAAA"), code=1)

    assert (said["signature"], said["refused"], said["session"]) == ("bad", "malformed", "unknown")
    assert claims["h"] not in json.dumps(said)


def test_the_handle_stays_hidden_under_another_type(inspect, tokens):
    header, claims = parts(tokens.refresh_token)

    said = inspect(made_of(header | {"typ": "at+jwt"}, claims, "AAAA"), code=1)

    assert claims["h"] not in json.dumps(said)


@pytest.mark.parametrize(
    "text", ["hello", "a.b", "a.b.c", "..", "e30.e30", "e30.W10.e30", "bnVsbA.e30.x", "é.e30.x"]
)
def test_what_is_no_token_is_refused_without_being_repeated(run, ada, text):
    result = run("token", "inspect", stdin=text, code=1)

    assert result.stdout == ""
    assert result.stderr == (
        "Error: This is not a token: one has three parts of base64url with dots between.\n"
    )


def test_no_token_is_refused(run, ada):
    assert run("token", "inspect", stdin="", code=1).stderr.startswith("Error: No token was given")
    run("token", "inspect", PASSWORD, stdin="", code=2)


def test_a_secret_that_does_not_open_the_keys_is_named(run, tokens, monkeypatch):
    monkeypatch.setenv("ADMIT_SECRET", "another secret that nobody has seen before")

    said = run("token", "inspect", stdin=tokens.access_token, code=1).stderr

    assert said.startswith("Error: ADMIT_SECRET (secret) does not open the signing key ")
