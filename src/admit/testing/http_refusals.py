"""The HTTP contract of refusals, of the public keys, and of the health checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from admit.testing.http_caller import EMAIL, PASSWORD, Mixin, refused

if TYPE_CHECKING:
    from admit.testing.http_caller import Headers, Serve

JSON = {"Content-Type": "application/json"}
TAKES_A_BODY = ("/register", "/login", "/refresh", "/logout")
NEEDS_A_BEARER = (
    ("GET", "/me"),
    ("GET", "/sessions"),
    ("DELETE", "/sessions/x"),
    ("POST", "/password"),
    ("POST", "/logout/all"),
)
NOT_JSON: tuple[bytes, ...] = (
    b"{",
    b'{"login": "a"',
    b'{"login": "a", "login": "b"}',
    b'{"login": "a", "nested": {"x": 1, "x": 2}}',
    b"[]",
    b"null",
    b'"text"',
    b"1",
    b"{'login': 'a'}",
    b'{"login": NaN}',
    b'{"login": "\\ud800"}',
    b'{"\\udfff": "a"}',
    b'{"login": "\xff"}',
    b'{"login": "a"}'.decode().encode("utf-16"),
    b"\xef\xbb\xbf{}",
    b"{}{}",
    b'{"login": "a\nb"}',
    b'{"login": ' + b"[" * 20_000,
    b'{"login": ' + b"9" * 20_000 + b"}",
)
NOT_A_JSON_TYPE = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
    "application/json, text/plain",
    "text/plain; application/json",
    "",
)


class Refusals(Mixin):
    """Refusals, keys and health."""

    async def test_what_is_no_json_object_is_malformed(self, serve: Serve) -> None:
        """400 at every route that takes a body, and nothing was tried."""
        async with serve() as service:
            for path in TAKES_A_BODY:
                for body in NOT_JSON:
                    answer = await service.send("POST", path, content=body, headers=JSON)
                    refused(answer, 400, "malformed")

    async def test_another_content_type_is_unsupported(self, serve: Serve) -> None:
        """415: these are what a form on another site can send without a preflight."""
        async with serve() as service:
            await service.register()
            body = json.dumps({"login": EMAIL, "password": PASSWORD}).encode()
            for path in TAKES_A_BODY:
                for type_ in NOT_A_JSON_TYPE:
                    headers = {"Content-Type": type_}
                    answer = await service.send("POST", path, content=body, headers=headers)
                    refused(answer, 415, "unsupported_media_type")
                refused(
                    await service.send("POST", path, content=body), 415, "unsupported_media_type"
                )
            for type_ in ("application/json", "Application/JSON; charset=UTF-8"):
                headers = {"Content-Type": type_}
                answer = await service.send("POST", "/login", content=body, headers=headers)
                assert answer.status_code == 200

    async def test_over_64_kib_is_too_large(self, serve: Serve) -> None:
        """413; at exactly 64 KiB a body is still read."""
        async with serve() as service:
            for path in TAKES_A_BODY:
                for spaces in (64 * 1024 + 1, 1024 * 1024):
                    body = b"{}".ljust(spaces)
                    answer = await service.send("POST", path, content=body, headers=JSON)
                    refused(answer, 413, "too_large")
            body = b"{}".ljust(64 * 1024)
            answer = await service.send("POST", "/login", content=body, headers=JSON)
            refused(answer, 422, "invalid_input")

    async def test_every_wrong_field_is_named(self, serve: Serve) -> None:
        """422: wrong types, missing, unknown, out of bounds; nothing is converted."""
        async with serve() as service:
            for wrong in (None, True, 1, 1.5, [], ["a"], {}, {"$ne": ""}, ""):
                body = {"email": wrong, "password": wrong, "username": [wrong]}
                answer = await service.send("POST", "/register", json=body)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == set(body)
                login = {"login": wrong, "password": wrong, "delivery": wrong}
                answer = await service.send("POST", "/login", json=login)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == set(login)
            for path, missing in (
                ("/register", {"email", "password"}),
                ("/login", {"login", "password"}),
            ):
                answer = await service.send("POST", path, json={"unknown": 1})
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == missing | {"unknown"}
            for path in ("/refresh", "/logout"):
                for token in ({"refresh_token": 1}, {"refresh_token": ""}, {"token": "x"}):
                    answer = await service.send("POST", path, json=token)
                    refused(answer, 422, "invalid_input")

    async def test_names_and_addresses_have_their_form(self, serve: Serve) -> None:
        """NUL, direction marks, look-alikes and spaces are not part of a name."""
        async with serve() as service:
            names = ("ab", "x" * 65, "a b", "a\0b", "\u202eabc", "\u0430bc", "a@b", "abc\n", "<b>")
            for name in names:
                body = {"email": EMAIL, "password": PASSWORD, "username": name}
                answer = await service.send("POST", "/register", json=body)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {"username"}
            addresses = (
                "ada",
                "@b.com",
                "a@",
                "a b@c.com",
                "a\0@b.com",
                "a@b.com\n",
                "a\u202e@b.com",
            )
            for email in (*addresses, "x" * 300 + "@b.com"):
                body = {"email": email, "password": PASSWORD}
                answer = await service.send("POST", "/register", json=body)
                refused(answer, 422, "invalid_input")
                assert set(answer.json()["fields"]) == {"email"}

    async def test_without_a_token_there_is_no_error_code(self, serve: Serve) -> None:
        """RFC 6750 section 3.1: the challenge names an error only where a token was shown."""
        async with serve() as service:
            for method, path in NEEDS_A_BEARER:
                for value in (None, "", "Bearer", "Bearer ", "Basic YTpi", "x"):
                    headers: Headers = [] if value is None else [("Authorization", value)]
                    answer = await service.send(method, path, headers=headers)
                    refused(answer, 401, "unauthenticated")
                    assert answer.headers["www-authenticate"] == 'Bearer realm="admit"'

    async def test_a_bad_token_gets_the_error_code(self, serve: Serve) -> None:
        """401 `invalid_token`, in the challenge too; a refresh token is a bad access token."""
        async with serve() as service:
            await service.register()
            refresh = (await service.sign_in())["refresh_token"]
            for method, path in NEEDS_A_BEARER:
                for token in ("x", "a.b.c", "a b", "a.b.?", refresh, "a" * 9_000):
                    answer = await service.send(method, path, bearer=token)
                    refused(answer, 401, "invalid_token")
                    challenge = 'Bearer realm="admit", error="invalid_token"'
                    assert answer.headers["www-authenticate"] == challenge

    async def test_two_authorization_headers_are_malformed(self, serve: Serve) -> None:
        """The same one twice too."""
        async with serve() as service:
            await service.register()
            token = (await service.sign_in())["access_token"]
            twice = [("Authorization", f"Bearer {token}")] * 2
            for method, path in NEEDS_A_BEARER:
                answer = await service.send(method, path, headers=twice)
                refused(answer, 400, "malformed")

    async def test_what_is_not_there_is_404(self, serve: Serve) -> None:
        """A suffix, another case or a slash make it another address."""
        async with serve() as service:
            for path in (
                "",
                "/",
                "/nope",
                "/me/",
                "/me/x.css",
                "/ME",
                "//me",
                "/me%2f",
                "/sessions/",
            ):
                refused(await service.send("GET", path), 404, "not_found")

    async def test_another_method_is_405_with_those_that_are_taken(self, serve: Serve) -> None:
        """TRACE and OPTIONS included."""
        async with serve() as service:
            for path, taken in (
                ("/login", "POST"),
                ("/register", "POST"),
                ("/refresh", "POST"),
                ("/logout", "POST"),
                ("/logout/all", "POST"),
                ("/password", "POST"),
                ("/me", "GET"),
                ("/sessions", "GET"),
                ("/sessions/x", "DELETE"),
                ("/.well-known/jwks.json", "GET"),
            ):
                for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - {
                    taken
                }:
                    answer = await service.send(method, path)
                    refused(answer, 405, "method_not_allowed")
                    allowed = {each.strip() for each in answer.headers["allow"].split(",")}
                    assert allowed - {"HEAD"} == {taken}

    async def test_the_public_keys_may_be_cached(self, serve: Serve) -> None:
        """And hold nothing private."""
        async with serve() as service:
            answer = await service.send("GET", "/.well-known/jwks.json")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=300"
            [key] = answer.json()["keys"]
            assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
            assert (key["alg"], key["use"]) == ("ES256", "sig")
            if self.at_root:
                root = await service.send_to_root("GET", "/.well-known/jwks.json")
                assert root.json() == answer.json()

    async def test_the_service_says_how_it_is(self, serve: Serve) -> None:
        """At the root, for whoever watches it."""
        async with serve() as service:
            if self.at_root:
                for path in ("/healthz", "/readyz"):
                    answer = await service.send_to_root("GET", path)
                    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    async def test_the_openapi_document_is_served(self, serve: Serve) -> None:
        """Under the prefix, with the address where the service is reached."""
        async with serve() as service:
            answer = await service.send("GET", "/openapi.json")
            assert answer.status_code == 200
            assert answer.json()["openapi"].startswith("3.1")
            assert answer.json()["servers"] == [{"url": service.settings.base_url}]
            assert service.settings.prefix + "/refresh" in answer.json()["paths"]

    async def test_too_many_attempts_are_429(self, serve: Serve) -> None:
        """`Retry-After` says when another try makes sense, and then it does."""
        async with serve(throttle_login="2/minute") as service:
            await service.register()
            body = {"login": EMAIL, "password": "wrong one"}
            for _ in range(2):
                answer = await service.send("POST", "/login", json=body)
                refused(answer, 401, "invalid_credentials")
            answer = await service.send("POST", "/login", json=body)
            refused(answer, 429, "too_many_attempts")
            service.clock.advance(int(answer.headers["retry-after"]))
            await service.sign_in()
