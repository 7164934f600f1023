"""Whoever reads the log, a printed value or the database file learns no secret."""

import logging

import pytest

from admit import Settings, SettingsError
from admit.testing.http_caller import EMAIL, PASSWORD
from tests.attacks.forging import signing_key

pytestmark = pytest.mark.anyio
WRONG = "a wrong guess 4711"
ANOTHER = "another horse battery"
SECRET = "Zx9-correct-secret-0123456789-abcdefghij"
KEY = "an-idempotency-key-0815"


async def whole_story(service):
    """Everything that a session goes through; every secret that was on the wire."""
    said = {PASSWORD, WRONG, ANOTHER, KEY}
    await service.register(EMAIL, "ada")
    await service.send("POST", "/login", json={"login": EMAIL, "password": WRONG})
    await service.send("POST", "/login", json={"login": "unknown", "password": WRONG})
    tokens = await service.sign_in()
    old = tokens
    for key in (KEY, None):
        said |= {tokens["access_token"], tokens["refresh_token"]}
        tokens = (await service.refresh(tokens["refresh_token"], key=key)).json()
        service.clock.advance(10)
    said |= {tokens["access_token"], tokens["refresh_token"]}
    body = {"current_password": PASSWORD, "new_password": ANOTHER}
    await service.send("POST", "/password", bearer=tokens["access_token"], json=body)
    await service.refresh(old["refresh_token"])  # theft
    await service.refresh(tokens["refresh_token"])
    await service.send("GET", "/me", bearer=tokens["access_token"])
    await service.send("POST", "/logout", headers={"Refresh-Token": tokens["refresh_token"]})
    return said


def parts(secret):
    """A secret, and the parts of a token that make it one."""
    header, _, rest = secret.partition(".")
    return [secret, *rest.split(".")] if header and rest else [secret]


async def test_no_log_line_holds_a_password_or_a_token(serve, caplog):
    """At the most talkative level, tracebacks included, with the store failing in between."""
    caplog.set_level(logging.DEBUG)
    async with serve(secret=SECRET) as service:
        said = await whole_story(service)
        tokens = await sign_in_again(service)
        said |= {tokens["access_token"], tokens["refresh_token"], SECRET}
        await service.auth.store.close()
        await service.refresh(tokens["refresh_token"])
        await service.send("POST", "/login", json={"login": EMAIL, "password": ANOTHER})
    formatter = logging.Formatter()
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    assert "reuse" in logged
    for secret in said:
        for part in parts(secret):
            assert part not in logged


async def sign_in_again(service):
    body = {"login": EMAIL, "password": ANOTHER, "delivery": "body"}
    return (await service.send("POST", "/login", json=body)).json()


async def test_the_database_files_hold_no_password_and_no_token(serve, tmp_path):
    """Nor what a refresh token could be made of: the handle. Search every byte, the WAL's too."""
    async with serve(secret=SECRET) as service:
        said = await whole_story(service) | {SECRET}
        files = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    files |= {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert any(EMAIL.encode() in raw for raw in files.values())  # the search does find something
    for secret in said:
        for part in parts(secret):
            for name, raw in files.items():
                assert part.encode() not in raw, name


async def test_the_files_are_for_their_owner_only(serve, tmp_path):
    """0600, the secret and the database alike, whatever the umask."""
    async with serve() as service:
        await service.register()
        for path in tmp_path.iterdir():
            if path.is_file() and path.name != ".gitignore":
                assert path.stat().st_mode & 0o777 == 0o600, path.name


def test_settings_print_no_secret(tmp_path):
    """Not as text, not in the sentence about a bad one."""
    settings = Settings.load(environ={}, dotenv=None, secret=SECRET, data_dir=tmp_path)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    for bad in ("Zx9-too-short", f"{SECRET},Zx9-too-short"):
        with pytest.raises(SettingsError) as caught:
            Settings.load(environ={}, dotenv=None, secret=bad, data_dir=tmp_path)
        assert "Zx9" not in str(caught.value)


async def test_values_with_secrets_print_without_them(service):
    """They end up in a debugger, a traceback or a log sooner or later."""
    await service.register()
    auth = service.auth
    tokens = await auth.sessions.sign_in(login=EMAIL, password=PASSWORD, now=service.clock())
    account = await auth.accounts.find(EMAIL)
    printed = " ".join(repr(value) for value in (tokens, account, auth, auth.sessions, auth.keys))
    for secret in (tokens.access_token, tokens.refresh_token, account.password_hash):
        assert secret not in printed
    [key] = auth.keys.state
    assert signing_key(auth).as_dict(private=True)["d"] not in repr(key)


async def test_a_refresh_token_that_was_read_prints_without_its_handle(service):
    """The handle is what only its holder and the token know."""
    await service.register()
    token = (await service.sign_in())["refresh_token"]
    held = service.auth.sessions._tokens.read(token)
    assert held.h not in repr(held)


async def test_no_answer_holds_a_password_or_its_hash(service):
    """Not even one's own."""
    await service.register(EMAIL, "ada")
    tokens = await service.sign_in()
    account = await service.auth.accounts.find(EMAIL)
    bearer = tokens["access_token"]
    for answer in (
        await service.send("GET", "/me", bearer=bearer),
        await service.send("GET", "/sessions", bearer=bearer),
        await service.send("POST", "/login", json={"login": EMAIL, "password": WRONG}),
        await service.send("POST", "/register", json={"email": "x", "password": WRONG}),
        await service.send("POST", "/login", json={"login": [WRONG], "password": [WRONG]}),
    ):
        for secret in (PASSWORD, WRONG, account.password_hash, "argon2"):
            assert secret not in answer.text
