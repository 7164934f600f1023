"""Refreshing for ever: the disk doesn't fill."""

import sqlite3

import pytest

pytestmark = pytest.mark.anyio


def rows(path):
    """How many rows each table of the file has."""
    with sqlite3.connect(path) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        counts = {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for (name,) in tables
        }
    database.close()
    return counts


@pytest.mark.no_cover  # 1000 times the same
async def test_1000_refreshes_add_no_row_in_any_table(service, tmp_path):
    """No event either; nor do retries, with or without a key."""
    await service.register()
    token = (await service.sign_in())["refresh_token"]
    before = rows(tmp_path / "admit.db")
    assert before["sessions"] == 1
    assert before["events"] > 0
    for turn in range(500):
        answer = await service.refresh(token, key=f"key {turn}")
        assert answer.status_code == 200
        again = await service.refresh(token, key=f"key {turn}")
        assert again.json()["refresh_token"] == answer.json()["refresh_token"]
        token = answer.json()["refresh_token"]
        service.clock.advance(30)
    for turn in range(500):
        token = (await service.refresh(token)).json()["refresh_token"]
        service.clock.advance(30 if turn % 2 else 5)  # every second one finds that it rests
    assert rows(tmp_path / "admit.db") == before


async def test_forged_tokens_add_no_row_in_any_table(unthrottled, tmp_path):
    """Nor do refused requests of other kinds that anybody can send."""
    await unthrottled.register()
    before = rows(tmp_path / "admit.db")
    for _ in range(20):
        await unthrottled.refresh("a.b.c")
        await unthrottled.send("POST", "/logout", headers={"Refresh-Token": "a.b.c"})
        await unthrottled.send("GET", "/me", bearer="a.b.c")
        await unthrottled.send("POST", "/login", json={"login": 1})
    assert rows(tmp_path / "admit.db") == before
