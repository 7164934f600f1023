"""A page on another site makes the visitor's browser send requests, with the visitor's cookie.

The contract's own cases are in `admit.testing.http_cross_site`; here are the ways that pages have.
"""

import pytest

from admit.testing.http_caller import EMAIL, PASSWORD, refused
from admit.testing.http_cookies import sign_in_with_cookie

pytestmark = pytest.mark.anyio
CHANGES = ("/refresh", "/logout", "/login", "/register")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")
DISGUISED = (
    b'{"login": "ada@example.com", "password": "correct horse battery", "x": "="}',
    b"login=ada%40example.com&password=correct+horse+battery",
    b"",
)


@pytest.fixture
async def cookies(service):
    """The cookie of a visitor who is signed in."""
    await service.register()
    answer = await sign_in_with_cookie(service)
    [line] = answer.headers.get_list("set-cookie")
    name, _, value = line.partition(";")[0].partition("=")
    return {name: value}


async def living(service, cookies):
    return (await service.send("POST", "/refresh", cookies=cookies)).status_code == 200


async def test_a_form_cannot_change_anything(service, cookies):
    """From another site it is 403, and even from our own it is 415: a form can't send JSON."""
    for path in CHANGES:
        for type_ in FORMS:
            for body in DISGUISED:
                for headers, status in (
                    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
                    ({"Origin": "null"}, 403),
                    ({"Sec-Fetch-Site": "same-site", "Origin": "https://blog.localhost"}, 403),
                    ({}, 415),
                    ({"Sec-Fetch-Site": "same-origin"}, 415),
                ):
                    answer = await service.send(
                        "POST",
                        path,
                        content=body,
                        headers={"Content-Type": type_, **headers},
                        cookies=cookies,
                    )
                    assert answer.status_code == status, (path, type_, headers, answer.text)
    assert await living(service, cookies)


async def test_a_request_without_a_body_needs_our_own_origin_too(service, cookies):
    """`fetch` in no-cors mode sends a POST without a type and without a preflight."""
    for path in ("/refresh", "/logout"):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = await service.send("POST", path, headers=headers, cookies=cookies)
            refused(answer, 403, "csrf_failed")
    assert await living(service, cookies)


async def test_near_misses_of_our_origin_are_other_origins(service, cookies):
    """Another port, scheme, case, or a name that ours is a part of."""
    for origin in (
        "http://localhost:8001",
        "http://localhost",
        "https://localhost:8000",
        "http://localhost:8000.evil.example",
        "http://localhost:8000/",
        "http://localhost:8000@evil.example",
        "http://evil.example/http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://sub.localhost:8000",
        "http://localhost:8000, https://evil.example",
        "HTTP://LOCALHOST:8000",
        "*",
        "file://",
    ):
        headers = {"Origin": origin}
        answer = await service.send("POST", "/refresh", headers=headers, cookies=cookies)
        refused(answer, 403, "csrf_failed")
    assert await living(service, cookies)


async def test_a_method_in_a_header_or_a_query_changes_nothing(service, cookies):
    """There is no way round by GET."""
    for path in (*CHANGES, "/logout/all"):
        for override in ({}, {"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}):
            answer = await service.send(
                "GET", f"{path}?_method=POST", headers=override, cookies=cookies
            )
            refused(answer, 405, "method_not_allowed")
    assert await living(service, cookies)


async def test_a_token_in_the_query_is_not_looked_at(service, cookies):
    """Addresses end up in logs and histories (RFC 6750 section 5.3)."""
    [token] = cookies.values()
    for name in ("refresh_token", "token", "access_token"):
        answer = await service.send("POST", f"/refresh?{name}={token}")
        refused(answer, 401, "unauthenticated")
        answer = await service.send("GET", f"/me?{name}={token}")
        refused(answer, 401, "unauthenticated")


async def test_signing_a_visitor_in_as_somebody_else_is_refused(service, cookies):
    """Login CSRF: afterwards the visitor would work in the attacker's account."""
    body = {"login": EMAIL, "password": PASSWORD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await service.send("POST", "/login", json=body, headers=headers)
        refused(answer, 403, "csrf_failed")
        assert not answer.headers.get_list("set-cookie")
    assert await living(service, cookies)


async def test_a_foreign_page_cannot_read_an_answer(service, cookies):
    """No answer names another origin, and none may be embedded."""
    for method, path in (("GET", "/me"), ("POST", "/refresh"), ("OPTIONS", "/refresh")):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        answer = await service.send(method, path, headers=headers, cookies=cookies)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
