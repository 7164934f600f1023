"""The guards of FastAPI, Starlette and Litestar: who is let in, and what the others are told."""

from math import nan
from typing import Any

import pytest

from admit import Admit
from admit.revocation.endings import ending
from admit.testing.http_caller import PASSWORD, refused, set_cookies
from admit.testing.http_cookies import sign_in_with_cookie
from tests.cheap import cheap
from tests.frameworks.apps import GUARDS, RECENT
from tests.frameworks.sockets import answered, shake_hands

pytestmark = pytest.mark.anyio

GUARDED = ("/page", "/maybe", "/admin", "/recent", "/broken")


async def get(service, path, **given):
    return await service.client.request("GET", path, headers=headers_of(**given))


def headers_of(*, bearer=None, headers=(), cookies=None):
    listed = list(headers)
    if bearer is not None:
        listed.append(("Authorization", f"Bearer {bearer}"))
    if cookies:
        pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
        listed.append(("Cookie", pairs))
    return listed


def told(answer):
    """All of an answer but what names this one exchange."""
    headers = [(name, value) for name, value in answer.headers.items() if name != "x-request-id"]
    return answer.status_code, sorted(headers), answer.content


@pytest.fixture
async def service(serve):
    async with serve(throttle="off", access_cookie="on") as service:
        yield service


async def test_who_is_signed_in_is_known(service):
    user = await service.register()
    token = (await service.sign_in())["access_token"]
    for path in ("/page", "/maybe", "/recent"):
        answer = await get(service, path, bearer=token)
        assert (answer.status_code, answer.json()) == (200, {"user": user["id"]}), path
    answer = await service.client.request("POST", "/page", headers=headers_of(bearer=token))
    assert answer.json() == {"user": user["id"]}


async def test_where_it_is_optional_nobody_may_call(service):
    await service.register()
    answer = await get(service, "/maybe")
    assert (answer.status_code, answer.json()) == (200, {"user": None})
    refused(await get(service, "/maybe", bearer="x"), 401, "invalid_token")
    stale = {service.access_cookie: "x"}
    assert (await get(service, "/maybe", cookies=stale)).json() == {"user": None}


async def test_a_refusal_is_that_of_our_own_route_word_for_word(service):
    """Status, every header and the body; but for the request's id, which is of our own log."""
    await service.register()
    token = (await service.sign_in())["access_token"]
    presented: dict[str, dict[str, Any]] = {
        "none": {},
        "empty": {"bearer": ""},
        "malformed": {"bearer": "x"},
        "another scheme": {"headers": [("Authorization", "Basic YTpi")]},
        "damaged": {"bearer": token[:-4] + "AAAA"},
        "twice": {"headers": [("Authorization", f"Bearer {token}")] * 2},
        "joined": {"headers": [("Authorization", f"Bearer {token}, Bearer {token}")]},
        "in two places": {"bearer": token, "cookies": {service.access_cookie: token}},
        "two cookies": {
            "headers": [("Cookie", f"{service.access_cookie}={each}") for each in "ab"]
        },
        "a bad cookie": {"cookies": {service.access_cookie: "x"}},
    }
    for name, given in presented.items():
        ours = await get(service, "/auth/me", **given)
        assert ours.status_code in {400, 401}
        for path in GUARDED:
            if path == "/maybe" and ours.status_code == 401 and not given.get("bearer"):
                continue
            assert told(await get(service, path, **given)) == told(ours), (name, path)


async def ended(service, how):
    """The access token of a session that ended so."""
    tokens = await service.sign_in()
    token = tokens["access_token"]
    if how == "signed_out":
        await service.send("POST", "/logout", bearer=token)
    elif how == "password_changed":
        other = (await service.sign_in())["access_token"]
        body = {"current_password": PASSWORD, "new_password": PASSWORD + "!"}
        await service.send("POST", "/password", json=body, bearer=other)
    elif how == "reuse_detected":
        again = (await service.refresh(tokens["refresh_token"])).json()["refresh_token"]
        assert (await service.refresh(again)).status_code == 200
        service.clock.advance(service.settings.leeway + 1)
        await service.refresh(tokens["refresh_token"])
    elif how == "revoked":
        auth, now = service.auth, service.auth.clock()
        await auth.sessions.end(
            ending("revoked", auth.settings, now=now, user_id=tokens["user"]["id"]), now=now
        )
    else:
        service.clock.advance(service.settings.access_ttl + 11)
    return token


REASONS = ("signed_out", "revoked", "password_changed", "reuse_detected", "expired")


@pytest.mark.parametrize("how", REASONS)
async def test_a_token_that_is_over_is_refused_with_its_reason(service, how):
    await service.register()
    token = await ended(service, how)
    ours = await service.send("GET", "/me", bearer=token)
    refused(ours, 401, "invalid_token", reason=how)
    for path in GUARDED:
        assert told(await get(service, path, bearer=token)) == told(ours), path


async def test_a_role_opens_what_is_closed_to_others(service):
    user = await service.register()
    token = (await service.sign_in())["access_token"]
    answer = await get(service, "/admin", bearer=token)
    refused(answer, 403, "forbidden")
    assert answer.headers["www-authenticate"] == 'Bearer realm="admit", error="insufficient_scope"'
    accounts, now = service.auth.accounts, service.auth.clock()
    await accounts.set_roles(user["id"], add=("admin",), remove=(), now=now)
    service.clock.advance(1)
    token = (await service.sign_in())["access_token"]
    assert (await get(service, "/admin", bearer=token)).json() == {"user": user["id"]}


async def test_a_sign_in_that_is_long_ago_is_asked_for_again(service):
    """RFC 9470; a refresh makes the token new, and not the sign-in."""
    await service.register()
    tokens = await service.sign_in()
    service.clock.advance(RECENT * 60)
    assert (await get(service, "/recent", bearer=tokens["access_token"])).status_code == 200
    service.clock.advance(1)
    fresh = (await service.refresh(tokens["refresh_token"])).json()["access_token"]
    for token in (tokens["access_token"], fresh):
        answer = await get(service, "/recent", bearer=token)
        refused(answer, 401, "insufficient_user_authentication")
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert challenge.endswith(f'max_age="{RECENT * 60}"')
    again = (await service.sign_in())["access_token"]
    assert (await get(service, "/recent", bearer=again)).status_code == 200


async def test_every_method_is_guarded(service):
    """HEAD runs the route, so it is guarded; OPTIONS never does."""
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PROPFIND"):
        answer = await service.client.request(method, "/page")
        assert answer.status_code in {401, 405}, method
    answer = await service.client.request("OPTIONS", "/page")
    assert answer.status_code in {204, 405}


async def test_without_a_watch_a_guard_looks_for_what_is_revoked(serve):
    """Where nothing goes on between requests, as on AWS Lambda."""
    async with serve(watch=False, throttle="off") as service:
        user = await service.register()
        token = (await service.sign_in())["access_token"]
        assert (await get(service, "/page", bearer=token)).json() == {"user": user["id"]}
        await service.send("POST", "/logout", bearer=token)
        service.clock.advance(2)
        answer = await get(service, "/page", bearer=token)
        refused(answer, 401, "invalid_token", reason="signed_out")


async def test_a_store_that_is_out_is_told_by_the_guard(serve, tmp_path):
    """Nobody started Admit, and it can't start: 503, and no word of why."""
    url = "postgresql://app@127.0.0.1:1/none"
    async with serve(
        database_url=url, secret=("of-thirty-two-bytes-or-more-0123456789",)
    ) as service:
        answer = await get(service, "/page", bearer="x")
        refused(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert "127.0.0.1" not in answer.text


async def test_a_websocket_is_for_who_is_signed_in(service):
    user = await service.register()
    token = (await service.sign_in())["access_token"]
    app = service.client._transport.app
    sent = await shake_hands(app, headers=[(b"authorization", f"Bearer {token}".encode())])
    assert [each["type"] for each in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.close",
    ]
    assert sent[1]["text"] == user["id"]


async def test_a_handshake_is_refused_word_for_word(service):
    """Before it is accepted, where the server can; else it is closed, and nothing is said."""
    await service.register()
    token = await ended(service, "signed_out")
    app = service.client._transport.app
    bad = [(b"authorization", f"Bearer {token}".encode())]
    for headers, given in (([], {}), (bad, {"bearer": token})):
        ours = await service.send("GET", "/me", **given)
        status, said, body = answered(await shake_hands(app, headers=headers))
        assert (status, body) == (ours.status_code, ours.json())
        assert said == {
            name: value for name, value in ours.headers.items() if name != "x-request-id"
        }
        (closed,) = await shake_hands(app, headers=headers, answers=False)
        assert (closed["type"], closed["code"]) == ("websocket.close", 1008)


async def test_a_cookie_opens_a_websocket_and_a_page(service):
    user = await service.register()
    answer = await sign_in_with_cookie(service)
    token = answer.json()["access_token"]
    cookie = {service.access_cookie: token}
    assert (await get(service, "/page", cookies=cookie)).json() == {"user": user["id"]}
    app = service.client._transport.app
    line = f"{service.access_cookie}={token}".encode()
    sent = await shake_hands(app, headers=[(b"cookie", line)])
    assert sent[1]["text"] == user["id"]


async def test_a_handshake_renews_nothing(service):
    """Not every browser keeps its cookies, and the parent would be theft after the leeway."""
    await service.register()
    answer = await sign_in_with_cookie(service)
    held = {name: value for name, (value, _) in set_cookies(answer).items()}
    service.clock.advance(service.settings.access_ttl + 11)
    line = "; ".join(f"{name}={value}" for name, value in held.items()).encode()
    app = service.client._transport.app
    status, _, body = answered(await shake_hands(app, headers=[(b"cookie", line)]))
    assert (status, body["reason"]) == (401, "expired")
    service.clock.advance(service.settings.leeway + 1)
    cookies = {service.refresh_cookie: held[service.refresh_cookie]}
    assert (await service.send("POST", "/refresh", cookies=cookies)).status_code == 200


def test_no_guard_asks_for_what_nobody_has(framework, tmp_path):
    auth = Admit(cheap(data_dir=tmp_path))
    guard = GUARDS[framework](auth)
    asked = ({"role": ""}, {"role": ["admin"]}, {"within": 0}, {"within": -1.0}, {"within": nan})
    for needs in asked:
        with pytest.raises(ValueError, match="nobody passes"):
            guard.needs(**needs)
    for role in (None, print):  # a variable that is not set; a view, where the role was forgotten
        with pytest.raises(ValueError, match="nobody passes"):
            guard.role(role)


def test_the_same_needs_are_the_same_guard(framework, tmp_path):
    """So that a framework can see that a request meets it twice."""
    guard = GUARDS[framework](Admit(cheap(data_dir=tmp_path)))
    assert guard.role("admin") is guard.needs(role="admin") is not guard.user
