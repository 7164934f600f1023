"""Fields that are not the caller's to set."""

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused

pytestmark = pytest.mark.anyio
PRIVILEGES = {
    "roles": ["admin"],
    "role": "admin",
    "id": "1",
    "user_id": "1",
    "email_verified": True,
    "is_admin": True,
    "admin": True,
    "created_at": "2000-01-01T00:00:00Z",
    "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    "disabled_at": None,
    "password_version": 0,
    "amr": ["mfa"],
    "__proto__": {"roles": ["admin"]},
    "Email": EMAIL,
}


@pytest.mark.parametrize("path", ["/register", "/login", "/password", "/refresh", "/logout"])
async def test_a_field_that_is_not_known_refuses_the_whole_request(service, path):
    """422 names it; nothing is silently dropped, and nothing happens."""
    await service.register("bob@example.com")
    tokens = await service.sign_in("bob@example.com")
    bodies = {
        "/register": {"email": EMAIL, "password": PASSWORD},
        "/login": {"login": "bob@example.com", "password": PASSWORD},
        "/password": {"current_password": PASSWORD, "new_password": "another horse battery"},
        "/refresh": {"refresh_token": tokens["refresh_token"]},
        "/logout": {"refresh_token": tokens["refresh_token"]},
    }
    for name, value in PRIVILEGES.items():
        body = {**bodies[path], name: value}
        answer = await service.send("POST", path, json=body, bearer=tokens["access_token"])
        refused(answer, 422, "invalid_input")
        assert set(answer.json()["fields"]) == {name}
    assert await service.auth.accounts.find(EMAIL) is None
    assert (await service.refresh(tokens["refresh_token"])).status_code == 200


async def test_nobody_starts_with_a_role(service):
    """Roles come from whoever runs the service."""
    assert (await service.register())["roles"] == []
    me = await service.send("GET", "/me", bearer=(await service.sign_in())["access_token"])
    assert me.json()["user"]["roles"] == []
