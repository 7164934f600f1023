"""The store is locked, damaged or gone: 503 and a new try later, never 500, and nobody is out."""

import asyncio
import logging
import shutil
import sqlite3

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio


NOBODYS = "x" * 22


async def everything(service, tokens):
    """Every route once, at the same time; the answers by route."""
    bearer = {"bearer": tokens["access_token"]}
    requests = {
        "register": ("POST", "/register", {"json": {"email": "b@c.de", "password": PASSWORD}}),
        "login": ("POST", "/login", {"json": {"login": EMAIL, "password": PASSWORD}}),
        "wrong login": ("POST", "/login", {"json": {"login": EMAIL, "password": "wrong one"}}),
        "refresh": ("POST", "/refresh", {"json": {"refresh_token": tokens["refresh_token"]}}),
        "logout": ("POST", "/logout", bearer),
        "logout all": ("POST", "/logout/all", bearer),
        "end": ("DELETE", f"/sessions/{NOBODYS}", bearer),
        "me": ("GET", "/me", bearer),
        "sessions": ("GET", "/sessions", bearer),
        "jwks": ("GET", "/.well-known/jwks.json", {}),
    }
    answers = await asyncio.gather(
        *(service.send(method, path, **more) for method, path, more in requests.values()),
        service.send_to_root("GET", "/readyz"),
        service.send_to_root("GET", "/healthz"),
    )
    return dict(zip((*requests, "readyz", "healthz"), answers, strict=True))


def unexpected(caplog):
    """What was logged as an error of ours: an outage is none."""
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def impatient(monkeypatch):
    """Whoever finds the lock held does not wait long for it."""
    monkeypatch.setattr("admit.stores.patience.SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_while_another_program_holds_the_lock_writing_is_503(service, tmp_path, caplog):
    """Reading and verifying go on; afterwards the very same refresh token works."""
    await service.register()
    tokens = await service.sign_in()
    other = sqlite3.connect(tmp_path / "admit.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answers = await everything(service, tokens)
    finally:
        other.close()
    for name in ("me", "sessions", "jwks", "healthz"):
        assert answers.pop(name).status_code == 200, name
    for answer in answers.values():
        refused(answer, 503, "unavailable")
    assert not unexpected(caplog)
    assert await service.me(tokens["access_token"]) == 200
    assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def test_with_a_damaged_file_nothing_is_500(service, tmp_path):
    """Every answer is 503, or still good: what writes has pages in memory."""
    await service.register()
    tokens = await service.sign_in()
    # Or what it copies between the two would put the damage right.
    service.auth.store._connections._checkpoints.close()
    for name in ("admit.db", "admit.db-wal"):
        size = (tmp_path / name).stat().st_size
        with (tmp_path / name).open("r+b") as file:
            file.write(b"\xa5" * size)
    answers = await everything(service, tokens)
    assert answers["readyz"].status_code == 503
    assert answers["me"].status_code == 503
    assert {each.status_code for each in answers.values()} <= {200, 201, 204, 404, 503}
    assert answers["healthz"].status_code == 200


@pytest.mark.usefixtures("impatient")
async def test_with_a_read_only_database_writing_is_503(service, caplog):
    """As on a disk that was remounted after an error."""
    await service.register()
    tokens = await service.sign_in()
    service.auth.store._connections._commits._connection.execute("PRAGMA query_only = ON")
    answers = await everything(service, tokens)
    for name in ("login", "refresh", "logout", "register", "readyz"):
        refused(answers[name], 503, "unavailable")
    assert answers["me"].status_code == 200
    assert not unexpected(caplog)


async def test_without_a_store_nothing_is_let_in(service, tmp_path):
    """Closed and taken away while requests come: 503, not a way round."""
    await service.register()
    tokens = await service.sign_in()
    await service.auth.store.close()
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    answers = await everything(service, tokens)
    for name in ("login", "wrong login", "refresh", "logout", "me", "sessions", "readyz"):
        refused(answers[name], 503, "unavailable")


@pytest.mark.hurried
async def test_a_start_that_finds_the_store_locked_is_503_until_it_can(serve, tmp_path):
    """An app that is mounted without a lifespan starts at its first request, and tries again."""
    import httpx

    from admit import Admit

    async with serve() as service:
        await service.register()
    other = sqlite3.connect(tmp_path / "admit.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    auth = Admit(data_dir=tmp_path, clock=service.clock)
    transport = httpx.ASGITransport(auth.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        try:
            refused(await client.get("/auth/me"), 503, "unavailable")
        finally:
            other.close()
        refused(await client.get("/auth/me"), 401, "unauthenticated")
    await auth.close()
