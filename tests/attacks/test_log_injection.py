"""A user agent, a path or a name that writes lines or colours into a terminal or a log."""

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD

pytestmark = pytest.mark.anyio
AGENTS = (
    b"\x1b[2J\x1b[31mpwned",
    b"\x1b]0;title\x07",
    b"a\r\nSet-Cookie: x=y",
    b"\x00\x08\x7f\x9b31m",
    "\u202ereversed".encode(),
    b"\xc2\x85next line",
    b"x" * 10_000,
)


async def test_a_user_agent_is_kept_printable_and_short(unthrottled, caplog):
    """In events, in the list of sessions, and in the log."""
    await unthrottled.register()
    bearer = (await unthrottled.sign_in())["access_token"]
    for agent in AGENTS:
        for password in ("wrong one", PASSWORD):
            body = {"login": EMAIL, "password": password, "delivery": "body"}
            await unthrottled.client.request(
                "POST", "/auth/login", json=body, headers=[(b"User-Agent", agent)]
            )
    events = await unthrottled.auth.store.events()
    assert len([event for event in events if event.user_agent]) >= 2 * len(AGENTS)
    listed = await unthrottled.send("GET", "/sessions", bearer=bearer)
    seen = [event.user_agent or "" for event in events]
    seen += [each["user_agent"] for each in listed.json()["sessions"]]
    assert all(agent.isprintable() and len(agent) <= 256 for agent in seen)
    assert all("\x1b" not in record.getMessage() for record in caplog.records)


async def test_no_header_of_an_answer_holds_what_was_sent(service):
    """Nothing of a request is written into a header, so none can be split."""
    await service.register()
    evil = "evil%0d%0aSet-Cookie:%20x=y"
    for answer in (
        await service.send("GET", f"/{evil}"),
        await service.send("POST", f"/login?{evil}", json={"login": evil, "password": evil}),
        await service.send("POST", "/refresh", headers={"Refresh-Token": evil}),
        await service.send("POST", "/refresh", headers={"Idempotency-Key": evil}),
        await service.send("DELETE", f"/sessions/{evil}", bearer=evil),
        await service.send("GET", "/me", headers={"Host": "evil.example"}),
    ):
        assert "evil" not in str(answer.headers).lower()
        assert "set-cookie" not in answer.headers


async def test_an_unexpected_error_says_nothing_to_the_caller(service, caplog, monkeypatch):
    """503 and no more; the log has the whole of it."""

    async def broken(*_, **__):
        raise RuntimeError("internal detail")

    monkeypatch.setattr(service.auth.store, "find_user", broken)
    body = {"login": EMAIL, "password": PASSWORD}
    answer = await service.send("POST", "/login", json=body)
    assert answer.status_code == 503
    assert "internal" not in answer.text
    assert any("internal detail" in str(record.exc_info) for record in caplog.records)


async def test_a_path_is_quoted_in_the_log(service, caplog, monkeypatch):
    """Servers decode it, so it may hold line breaks and escape sequences."""

    def broken(_):
        raise RuntimeError

    await service.register()
    token = (await service.sign_in())["access_token"]
    monkeypatch.setattr("admit.http.routes.is_session_id", broken)
    await service.send("DELETE", "/sessions/x%0a%1b%5b31mfake%20line", bearer=token)
    assert caplog.records
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert "\x1b" not in record.getMessage()
