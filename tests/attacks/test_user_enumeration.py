"""Asking whether somebody has an account: sign-in doesn't tell, not even by its time."""

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio


@pytest.fixture
async def unthrottled(serve):
    """At the real price, which is what the answer's time is made of."""
    async with serve(throttle="off", argon2_memory=19_456, argon2_time=2) as service:
        yield service


@pytest.fixture
def hashes(unthrottled, monkeypatch):
    """How often a stored hash was really computed against, and with which parameters."""
    [argon2] = unthrottled.auth.passwords._hashes.hashers
    seen = []
    real = argon2.verify

    def counted(password, hashed):
        seen.append(hashed.rsplit("$", 2)[0])
        return real(password, hashed)

    monkeypatch.setattr(argon2, "verify", counted)
    return seen


async def test_an_unknown_login_costs_one_hash_of_the_same_cost(unthrottled, hashes):
    """As a wrong password does, and a disabled account: counted, since a stop watch can't prove."""
    user = await unthrottled.register(EMAIL, "ada")
    await unthrottled.register("bob@example.com")
    bob = await unthrottled.auth.accounts.find("bob@example.com")
    await unthrottled.auth.accounts.set_enabled(bob.user.id, enabled=False, now=unthrottled.clock())
    costs = []
    for login, password in (
        (EMAIL, "wrong one"),
        ("ada", "wrong one"),
        ("bob@example.com", "wrong one"),
        ("bob@example.com", PASSWORD),
        ("unknown@example.com", "wrong one"),
        ("unknown", "wrong one"),
        ("not a login at all", "wrong one"),
        ("@", "x"),
        ("x\0@example.com", "x" * 1_024),
    ):
        hashes.clear()
        body = {"login": login, "password": password}
        answer = await unthrottled.send("POST", "/login", json=body)
        refused(answer, 401, "invalid_credentials")
        costs.append(list(hashes))
    assert costs[0] == ["$argon2id$v=19$m=19456,t=2,p=1"]
    assert costs == [costs[0]] * len(costs)
    assert user["email"] == EMAIL


async def test_too_many_attempts_look_alike_for_an_unknown_login(service):
    """The sixth guess is refused with the same answer, account or none."""
    await service.register()
    answers = {}
    for login in (EMAIL, "unknown@example.com"):
        body = {"login": login, "password": "wrong one"}
        tries = [await service.send("POST", "/login", json=body) for _ in range(7)]
        for each in tries:
            del each.headers["x-request-id"]  # each request has its own
        answers[login] = [(each.status_code, each.content, each.headers) for each in tries]
    assert answers[EMAIL] == answers["unknown@example.com"]
    assert [status for status, _, _ in answers[EMAIL]] == [401] * 5 + [429] * 2


async def test_another_spelling_of_one_address_is_one_login(service):
    """Or each spelling would give five more guesses, for an account and for none alike."""
    await service.register()
    for login in (EMAIL, "unknown@example.com"):
        statuses = []
        for spelling in (login, login.upper(), login.title(), f"{login[0].upper()}{login[1:]}") * 2:
            body = {"login": spelling, "password": "wrong one"}
            statuses.append((await service.send("POST", "/login", json=body)).status_code)
        assert statuses == [401] * 5 + [429] * 3


async def test_the_audit_trail_knows_what_the_caller_does_not(service):
    """For whoever operates the service, unknown and wrong are two reasons."""
    await service.register()
    for login in (EMAIL, "unknown@example.com"):
        await service.send("POST", "/login", json={"login": login, "password": "wrong one"})
    events = await service.auth.store.events(kind="sign_in_failed")
    assert [event.reason for event in events] == ["unknown_login", "wrong_password"]
    assert all(event.ip == "127.0.0.1" and event.at == service.clock.now for event in events)
