"""Administering without being an administrator, or no longer being one; locking everybody out."""

import msgspec
import pytest

from admit.http.admin import operations
from admit.testing.http_caller import EMAIL, PASSWORD, refused
from admit.testing.http_cookies import sign_in_with_cookie
from admit.testing.samples import ending

from .forging import encoded, opened, session_id, signed, signing_key

pytestmark = pytest.mark.anyio
BOB = "bob@example.com"
FRONT = "https://app.example.com"


@pytest.fixture
async def service(serve):
    """Ada administers, Bob is a user like any other."""
    given = {"admin_role": "admin", "access_cookie": True, "throttle": "off"}
    async with serve(**given, allowed_origins=FRONT) as service:
        await people(service)
        yield service


async def people(service):
    accounts, now = service.auth.accounts, service.clock()
    for name, email, roles in (("ada", EMAIL, ("admin",)), ("bob", BOB, ("admins", "Admin"))):
        user = await accounts.register(email=email, password=PASSWORD, roles=roles, now=now)
        token = (await service.sign_in(email))["access_token"]
        setattr(service, name, user.id)
        setattr(service, f"{name}_token", token)


def every(service):
    """Each route as it concerns Bob: its method and its path."""
    for each in operations(service.auth):
        is_session = each.path.startswith("/admin/sessions/")
        concerned = session_id(service.bob_token) if is_session else service.bob
        yield each.method, each.path.replace("{id}", concerned)


async def nothing_happened(service):
    account = await service.auth.store.find_user("id", service.bob)
    assert account.disabled_at is None
    assert account.user.roles == ("Admin", "admins")
    assert await service.me(service.bob_token) == 200


async def test_who_presents_no_token_or_none_that_is_good_is_told_nothing(service):
    payload = opened(service.bob_token)[1] | {"roles": ["admin"]}
    forged = f"{encoded({'typ': 'at+jwt', 'alg': 'none'})}.{encoded(payload)}."
    tampered = service.bob_token[:-4] + "AAAA"
    for method, path in every(service):
        refused(await service.send(method, path), 401, "unauthenticated")
        for token in (forged, tampered, "admin"):
            refused(await service.send(method, path, bearer=token), 401, "invalid_token")
    await nothing_happened(service)


async def test_a_cookie_counts_for_nothing(service):
    """Not the access cookie of an administrator, wherever the page is: a script has no token."""
    answer = await sign_in_with_cookie(service)
    cookies = dict(
        line.partition(";")[0].split("=", 1) for line in answer.headers.get_list("set-cookie")
    )
    assert service.access_cookie in cookies
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": FRONT}):
        for method, path in every(service):
            sent = await service.send(method, path, cookies=cookies, headers=headers)
            refused(sent, 401, "unauthenticated")
    await nothing_happened(service)


async def test_another_role_is_not_enough_and_learns_nothing(service):
    """A role that looks like it, in any case; who is there and who is not gets one answer."""
    for method, path in every(service):
        real = await service.send(method, path, bearer=service.bob_token)
        refused(real, 403, "forbidden")
        for nobody in ("0" * 32, "x" * 22):
            there = path.replace(service.bob, nobody)
            there = there.replace(session_id(service.bob_token), nobody)
            unknown = await service.send(method, f"{there}?x=1", bearer=service.bob_token)
            assert unknown.content == real.content
    await nothing_happened(service)


async def test_what_a_process_has_not_heard_of_yet_the_store_tells(service, monkeypatch):
    """For the rest of its life a token says what was true when it was minted."""
    auth, now = service.auth, service.clock()
    principal = auth.verify(service.ada_token)
    # As in a process that is not reached by the news: it goes on taking the token.
    monkeypatch.setattr(auth, "verify", lambda _: principal)
    await auth.accounts.set_roles(service.ada, add=(), remove=("admin",), now=now)
    await all_refused(service, 401)
    await auth.accounts.set_roles(service.ada, add=("admin",), remove=(), now=now)
    assert (await service.send("GET", "/admin/users", bearer="x")).status_code == 200
    account = await auth.store.find_user("id", service.ada)
    await auth.store.save_user(msgspec.structs.replace(account, disabled_at=now))  # nothing ends
    await all_refused(service, 401)
    await auth.accounts.set_enabled(service.ada, enabled=True, now=now)
    assert (await service.send("GET", "/admin/users", bearer="x")).status_code == 200
    await auth.store.end_sessions(ending(user_id=service.ada), now=now)
    await all_refused(service, 401)
    monkeypatch.undo()
    await nothing_happened(service)


async def all_refused(service, status):
    for method, path in every(service):
        answer = await service.send(method, path, bearer="x")
        refused(answer, status, "invalid_token")
        assert answer.json()["reason"] in {"revoked", "signed_out"}


async def test_nobody_locks_themselves_out(service):
    """403 says what to do; a role besides goes, and so does another's."""

    async def do(path, body=None):
        return await service.send("POST", path, json=body, bearer=service.ada_token)

    own = f"/admin/users/{service.ada}"
    for path, body in (
        (f"{own}/disable", None),
        (f"{own}/roles", {"remove": ["admin"]}),
        (f"{own}/roles", {"remove": ["other", "admin"], "add": ["Admin", "other"]}),
    ):
        answer = await do(path, body)
        refused(answer, 403, "forbidden")
        assert "another administrator" in answer.json()["detail"]
        assert "admit user" in answer.json()["detail"]
    answer = await do(f"{own}/roles", {"remove": ["admin"], "add": ["admin", "more"]})
    assert answer.json()["user"]["roles"] == ["admin", "more"]
    assert (await do(f"{own}/roles", {"remove": ["more"]})).status_code == 200
    tokens = await service.sign_in()  # the lost role took the token with it
    service.ada_token = tokens["access_token"]
    bobs = f"/admin/users/{service.bob}"
    assert (await do(f"{bobs}/roles", {"add": ["admin"]})).status_code == 200
    assert (await do(f"{bobs}/disable")).status_code == 200
    assert await service.auth.accounts.find(EMAIL)


async def test_where_nobody_administers_there_is_nothing_to_be_found(serve):
    """With no role set it is not the empty one that lets somebody in."""
    async with serve(admin_role="admin") as service:
        paths = list(operations(service.auth))
    async with serve(throttle="off") as service:
        await people(service)
        there = await service.send("GET", "/no/such/route", bearer=service.ada_token)
        for each in paths:
            path = each.path.replace("{id}", "x" * 22)
            for bearer in (None, service.ada_token):
                answer = await service.send(each.method, path, bearer=bearer)
                refused(answer, 404, "not_found")
                assert answer.content == there.content
        document = (await service.send("GET", "/openapi.json")).json()
        assert not any("admin" in path.lower() for path in document["paths"])
        assert not any("Admin" in name for name in document["components"]["schemas"])


async def test_a_field_that_is_not_known_changes_nothing(service):
    """In a body, in a query, on a route that takes neither."""
    path = f"/admin/users/{service.bob}"
    privileges = {"email_verified": True, "roles": ["admin"], "id": "1", "password_hash": "x"}
    for name, value in privileges.items():
        for route, body in (("roles", {"add": ["x"]}), ("disable", {}), ("enable", {})):
            answer = await service.send(
                "POST", f"{path}/{route}", json=body | {name: value}, bearer=service.ada_token
            )
            refused(answer, 422, "invalid_input")
            assert set(answer.json()["fields"]) == {name}
            answer = await service.send(
                "POST", f"{path}/{route}?{name}=1", json=body, bearer=service.ada_token
            )
            refused(answer, 422, "invalid_input")
    for each in ("sessions", "disable"):
        method = "DELETE" if each == "sessions" else "POST"
        answer = await service.send(method, f"{path}/{each}?all=1", bearer=service.ada_token)
        refused(answer, 422, "invalid_input")
    await nothing_happened(service)


async def test_what_is_searched_is_text_and_nothing_else(service):
    """No wildcard, no statement, nothing that lasts; cursors that are made up lead nowhere else."""
    for search in ("%", "_", "*", "' OR 1=1 --", "[a-z]", "\\", "a' || 'da", "😀" * 300):
        answer = await service.client.get(
            "/auth/admin/users",
            params={"search": search},
            headers={"Authorization": f"Bearer {service.ada_token}"},
        )
        assert answer.json() == {"users": [], "next": None}, search
    for query, wrong in (
        ("search=%00", "search"),
        (f"search={'x' * 10_000}", "search"),
        ("search=%1b%5B31m", "search"),
        ("limit=1000000000", "limit"),
        ("limit=-1", "limit"),
        ("after=Jw==", "after"),
        ("after=AA", "after"),  # a NUL
        (f"after={'YWFh' * 2_500}", "after"),
    ):
        path = f"/admin/users?{query}"
        answer = await service.send("GET", path, bearer=service.ada_token)
        refused(answer, 422, "invalid_input")
        assert set(answer.json()["fields"]) == {wrong}
        assert len(answer.content) < 1_000
    made_up = await service.send("GET", "/admin/users?after=fg", bearer=service.ada_token)
    assert made_up.json() == {"users": [], "next": None}
    flood = "&".join(f"{'x' * 50}{index}=1" for index in range(500))
    answer = await service.send("GET", f"/admin/users?{flood}", bearer=service.ada_token)
    assert len(answer.json()["fields"]) == 10


async def test_a_page_of_an_origin_that_is_not_allowed_gets_no_say(service):
    """CORS is as for every other route: an allowed origin may call it with a token that it has."""
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    path = f"/auth/admin/users/{service.bob}/disable"
    allowed = await service.client.options(path, headers={"Origin": FRONT, **preflight})
    assert allowed.headers["access-control-allow-origin"] == FRONT
    other = await service.client.options(
        path, headers={"Origin": "https://evil.example", **preflight}
    )
    assert "access-control-allow-origin" not in other.headers
    for method in ("PUT", "PATCH"):
        refused(await service.send(method, path[5:]), 405, "method_not_allowed")
    await nothing_happened(service)


async def test_nothing_secret_is_shown(service):
    """No hash of a password, no token and no key of a retry, in any answer."""
    account = await service.auth.store.find_user("id", service.bob)
    for method, path in every(service):
        if method == "GET":
            answer = await service.send(method, path, bearer=service.ada_token)
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            for secret in (account.password_hash, "argon2", "retry_key", "password_version", "eyJ"):
                assert secret not in answer.text


async def test_a_claim_in_a_token_of_ours_gives_no_role_that_the_account_has_not(service):
    """The very key that signs, and a role that a hook or a bug put there."""
    header, payload = opened(service.bob_token)
    key = signing_key(service.auth)
    forged = signed(header, payload | {"roles": ["admin"]}, key)
    assert service.auth.verify(forged).roles == ("admin",)
    for method, path in every(service):
        refused(await service.send(method, path, bearer=forged), 401, "invalid_token")
    await nothing_happened(service)
