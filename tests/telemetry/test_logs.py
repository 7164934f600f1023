"""The log: a line for each request with its id, JSON or text, and no secret in it."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from admit.telemetry.logs import JSONLines, TextLines, redacted, request_id
from admit.testing.http_caller import EMAIL, PASSWORD
from tests.cli.conftest import COMMAND, no_settings, soon
from tests.log_search import Search

from .conftest import KEY

pytestmark = pytest.mark.anyio
WRONG = "a wrong guess 4711"
SECRET = "Zx9-correct-secret-0123456789-abcdefghij"
GIVEN = "proxys-request.id_0123"
HEX = re.compile(r"[0-9a-f]{32}")


def record(message, *args, exc_info=None):
    return logging.LogRecord("admit.test", logging.WARNING, __file__, 1, message, args, exc_info)


def caught(error):
    try:
        raise error
    except type(error):
        return sys.exc_info()


async def test_a_json_line_has_the_time_in_utc_the_request_and_what_belongs_to_it():
    current = request_id.set("0123456789abcdef")
    try:
        one = record("a %s\nof two lines", "story", exc_info=caught(ValueError("why")))
        one.created = 1_800_000_000.25
        one.fields = {"status": 200}
        line = JSONLines().format(one)
    finally:
        request_id.reset(current)

    assert "\n" not in line
    read = json.loads(line)
    assert read.pop("exc").endswith("ValueError: why")
    assert read == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "logger": "admit.test",
        "message": "a story\nof two lines",
        "request_id": "0123456789abcdef",
        "status": 200,
    }


async def test_a_text_line_ends_with_the_request_and_shows_the_traceback():
    current = request_id.set("0123456789abcdef")
    try:
        text = TextLines().format(record("a story", exc_info=caught(ValueError("why"))))
    finally:
        request_id.reset(current)
    first, *rest = text.splitlines()
    assert first.endswith("WARNING admit.test: a story [0123456789abcdef]")
    assert rest[-1] == "ValueError: why"
    assert "request_id" not in json.loads(JSONLines().format(record("outside of a request")))


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJoIjoiYSJ9.c2lnbmF0dXJl",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
        "$2b$12$abcdefghijklmnopqrstuvwxyzABCDEF",
        "pbkdf2_sha256$720000$salt$aGFzaA=",
        "$scrypt$ln=16,r=8,p=1$c2FsdA$aGFzaA",
        "ada.lovelace+test@mail.example.com",
        "pass:word@127.0.0.1",
        "ada:pw@db.example.com",
        "bRPyrd0-p8Tkc9hPOLZkYR4IoZSy1GvnHxuPNxGb3Tk",
    ],
)
@pytest.mark.parametrize("lines", [JSONLines, TextLines])
async def test_what_looks_like_a_secret_is_taken_out_of_message_and_traceback(lines, secret):
    shown = secret.rpartition("@")[0] if ":" in secret else secret
    url = f"postgresql://{secret}/admit" if ":" in secret else f"at {secret!r}, or <{secret}>."
    line = lines().format(record("x %s", url, exc_info=caught(ValueError(url))))
    assert shown not in line
    assert shown not in redacted(f"{url} {url}")


async def test_what_postgresql_tells_of_a_row_is_taken_out():
    said = 'duplicate key\nDETAIL:  Key (name)=(x y) already exists.\nCONTEXT:  $1 = "x y"'
    assert "x y" not in redacted(said)
    assert "duplicate key" in redacted(said)


async def test_ordinary_lines_and_traces_stay_as_they_are():
    plain = (
        "unavailable: The store cannot be reached. session 3q2-7wEjRWeJq83v7wEjRQ is ended;"
        " postgresql://127.0.0.1:5432/admit, /src/admit/http/app.py:12 @cached"
        " test_a_name_of_a_test_that_is_longer_than_any_handle_would_ever_be"
    )
    assert redacted(plain) == plain


@pytest.mark.parametrize("text", ["a" * 200_000, "a@" * 100_000, "eyJ" * 70_000, "://:" * 50_000])
async def test_a_long_line_is_searched_in_time_that_grows_with_its_length(text):
    redacted(text)  # a search that went back and forth would take hours


@pytest.fixture
async def service(serve):
    async with serve(trusted_proxies="127.0.0.1") as service:
        yield service


async def test_every_answer_has_an_id_of_its_own(serve):
    async with serve() as service:
        paths = ("/auth/me", "/healthz", "/nothing")
        answers = [await service.send_to_root("GET", path) for path in paths]
        headers = {"X-Request-Id": GIVEN}
        answers.append(await service.send_to_root("GET", "/healthz", headers=headers))
        large = await service.send_to_root("GET", "/healthz", headers={"X": "x" * 70_000})
    ids = [each.headers["x-request-id"] for each in (*answers, large)]
    assert all(HEX.fullmatch(each) for each in ids)  # nobody but a proxy of ours gives one
    assert len(set(ids)) == len(ids)


async def test_a_trusted_proxys_id_is_taken_where_it_is_well_formed(service):
    for good in (GIVEN, "a" * 16, "Z" * 64):
        answer = await service.send("GET", "/me", headers={"X-Request-Id": good})
        assert answer.headers.get_list("x-request-id") == [good]
    for bad in ("a" * 15, "a" * 65, "a b" * 10, "a" * 20 + "\t", "<script>" * 3, ""):
        answer = await service.send("GET", "/me", headers={"X-Request-Id": bad})
        assert HEX.fullmatch(answer.headers["x-request-id"])
    twice = [("X-Request-Id", GIVEN), ("X-Request-Id", "another-request-id")]
    answer = await service.send("GET", "/me", headers=twice)
    assert HEX.fullmatch(answer.headers["x-request-id"])


async def test_a_request_is_one_line_with_its_template_and_nothing_that_was_sent(service, caplog):
    caplog.set_level(logging.INFO, "admit")
    caplog.handler.setFormatter(JSONLines())
    await service.register()
    bearer = (await service.sign_in())["access_token"]
    caplog.clear()
    headers = {"X-Request-Id": GIVEN}
    path = "/sessions/marker-1?marker-2=marker-3"
    await service.send("DELETE", path, bearer=bearer, headers=headers)
    await service.send_to_root("GET", "/marker-4", headers=headers)
    await service.refresh("marker-5")
    lines = [json.loads(line) for line in caplog.text.splitlines()]

    assert "marker" not in caplog.text
    assert [line["route"] for line in lines] == [
        "/auth/sessions/{id}",
        "unmatched",
        "/auth/refresh",
    ]
    assert [line["request_id"] for line in lines][:2] == [GIVEN, GIVEN]
    for line in lines:
        assert line.pop("milliseconds") > 0
    assert lines[2]["message"].startswith("POST /auth/refresh 401 refresh_refused malformed in ")
    assert (lines[2]["status"], lines[2]["code"]) == (401, "refresh_refused")
    assert lines[2]["reason"] == "malformed"


async def test_every_line_that_is_written_meanwhile_has_the_id(service, caplog, monkeypatch):
    async def broken(*_, **__):
        raise RuntimeError("internal detail")

    monkeypatch.setattr(service.auth.store, "find_user", broken)
    caplog.set_level(logging.INFO, "admit")
    caplog.handler.setFormatter(JSONLines())
    body = {"login": EMAIL, "password": PASSWORD}
    await service.send("POST", "/login", json=body, headers={"X-Request-Id": GIVEN})
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert [line["level"] for line in lines] == ["error", "info"]
    assert {line["request_id"] for line in lines} == {GIVEN}
    assert lines[0]["exc"].endswith("RuntimeError: internal detail")
    assert lines[1]["code"] == "unavailable"
    assert request_id.get() == ""


def everything(server):
    """Every route, with good and with bad input; what was said that must never be logged."""
    client = server.client
    server.register(EMAIL)
    tokens = server.login(EMAIL)
    said = {PASSWORD, WRONG, EMAIL, tokens["access_token"], tokens["refresh_token"]}
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for path in ("/me", "/sessions", "/.well-known/jwks.json", "/openapi.json", "/revocations"):
        for headers in (bearer, {"Authorization": f"Bearer {KEY}"}, {}):
            client.get(f"{path}?password={WRONG}&mail={EMAIL}", headers=headers)
    for body in (
        {"login": EMAIL, "password": WRONG},
        {"login": EMAIL, "password": WRONG, "unknown": WRONG},
        {"email": EMAIL, "password": PASSWORD},
        {"refresh_token": tokens["access_token"]},
        {"current_password": WRONG, "new_password": PASSWORD},
        [WRONG],
        WRONG,
    ):
        for path in ("/login", "/register", "/refresh", "/logout", "/password", f"/{EMAIL}"):
            client.post(path, json=body, headers=bearer if path == "/password" else {})
            client.post(path, content=json.dumps(body).encode() + b"{", headers=bearer)
    new = server.refresh(tokens["refresh_token"], **{"Idempotency-Key": WRONG}).json()
    newest = server.refresh(new["refresh_token"]).json()
    said |= {new["refresh_token"], newest["refresh_token"], newest["access_token"]}
    server.refresh(tokens["refresh_token"])
    client.delete(f"/sessions/{tokens['refresh_token']}", headers=bearer)
    client.post("/logout/all", headers=bearer)
    client.post(
        "/login",
        json={"login": EMAIL, "password": PASSWORD},
        headers={"Origin": "https://x.example"},
    )
    for path in ("/healthz", "/readyz", "/metrics", f"/{WRONG}"):
        client.get(f"{server.address}{path}", headers={"Authorization": f"Bearer {KEY}"})
    return said


async def test_a_whole_server_at_level_debug_logs_no_secret(server, tmp_path):
    """Every route, good and bad, and a database that is taken away: every byte is searched."""
    secrets = {"ADMIT_SECRET": SECRET, "ADMIT_METRICS_KEYS": KEY, "ADMIT_VERIFIER_KEYS": KEY[::-1]}
    secrets["ADMIT_LEEWAY"] = "0"  # or the chain of `everything` would rest, and show no theft
    serving = server("--log-level", "debug", "--workers", "2", "--log-format", "text", **secrets)
    said = everything(serving) | {SECRET, KEY, KEY[::-1]}
    (tmp_path / "admit-data" / "admit.db").rename(tmp_path / "gone")
    soon(lambda: serving.client.get(f"{serving.address}/readyz").status_code == 503)
    failed = serving.client.post("/login", json={"login": EMAIL, "password": WRONG})
    logged = serving.banner.partition("\n")[0] + serving.stop()[0]

    assert failed.status_code in {429, 503}
    assert logged.count("INFO admit.http: ") > 80
    search = Search()
    search.look_at(logged)
    search.learn(*said)
    assert search.found() == []
    for secret in said:
        for part in secret.split("."):
            assert part not in logged or len(part) < 12


def told(tmp_path, *args):
    """What `admit serve` says on a standard error that is no terminal, until it listens."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *args],
        cwd=tmp_path,
        env=no_settings() | {"ADMIT_THROTTLE": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "throttle=off" in line:
            break
    process.terminate()
    process.communicate(timeout=60)
    process.stderr.close()
    return lines


async def test_where_stderr_is_no_terminal_every_line_is_json_the_first_too(tmp_path):
    first, second = (json.loads(line) for line in told(tmp_path))
    assert re.fullmatch(r"Admit [\d.]+ listens on http://127\.0\.0\.1:\d+", first["message"])
    assert first["secret"] == str(Path("admit-data/secret"))
    assert (second["level"], first["level"]) == ("warning", "info")
    assert second["message"].startswith("throttle=off: ")


async def test_the_format_can_be_chosen(tmp_path):
    assert told(tmp_path, "--log-format", "text")[0].startswith("Admit ")


def test_a_found_secret_fails_the_run():
    """The search that stands behind the whole suite finds what it is there for."""
    search = Search()
    search.learn(WRONG, "short")
    for line in ("nothing here", "short", "POST /auth/login 200 in 3.5 ms"):
        search.look_at(line)
    assert search.found() == []
    for line in (
        f"the password is {WRONG}",
        "the token is eyJhbGciOiJIUzI1NiJ9.eyJoIjoiYSJ9.c2lnbmF0dXJl",
        "for ada@example.com",
        "the hash is $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
    ):
        search.look_at(line)
    assert len(search.found()) == 4
