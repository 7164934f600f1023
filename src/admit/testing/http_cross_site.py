"""The HTTP contract of cross-site requests: who may use a browser's cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.testing.http_caller import EMAIL, PASSWORD, Mixin, refused
from admit.testing.http_cookies import delivered, sign_in_with_cookie

if TYPE_CHECKING:
    from admit.testing.http_caller import Serve, Service

FRIEND = "https://app.friend.example"
FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # a sibling subdomain
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://sibling.example.com"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},  # a sandboxed frame, a redirect, a file
    {"Origin": ""},
    {"Origin": FRIEND},
)


def own(service: Service) -> tuple[dict[str, str], ...]:
    """What our own pages, and what is no browser, send."""
    origin = {"Origin": service.settings.base_url}
    return (
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        origin,
        {"Sec-Fetch-Site": "same-origin", **origin},
    )


class CrossSite(Mixin):
    """Requests from other sites."""

    async def test_another_site_cannot_use_the_cookie(self, serve: Serve) -> None:
        """Not to refresh, not to sign out; a sibling subdomain is another site."""
        async with serve() as service:
            await service.register()
            cookies = {
                service.refresh_cookie: delivered(service, await sign_in_with_cookie(service))
            }
            for path in ("/refresh", "/logout"):
                for headers in FOREIGN:
                    answer = await service.send("POST", path, headers=headers, cookies=cookies)
                    refused(answer, 403, "csrf_failed")
            for headers in own(service):
                answer = await service.send("POST", "/refresh", headers=headers, cookies=cookies)
                assert answer.status_code == 200, headers

    async def test_another_site_can_neither_sign_in_nor_register(self, serve: Serve) -> None:
        """Cookie or not: it would sign the visitor in as somebody else."""
        async with serve() as service:
            await service.register()
            login = {"login": EMAIL, "password": PASSWORD}
            new = {"email": "bob@example.com", "password": PASSWORD}
            for headers in FOREIGN:
                for path, body in (("/login", login), ("/register", new)):
                    answer = await service.send("POST", path, headers=headers, json=body)
                    refused(answer, 403, "csrf_failed")
            for headers in own(service):
                answer = await service.send("POST", "/login", headers=headers, json=login)
                assert answer.status_code == 200, headers

    async def test_another_site_cannot_have_the_cookies_removed(self, serve: Serve) -> None:
        """SameSite keeps the cookie back; the answer that removes it must not get through."""
        async with serve() as service:
            for headers in FOREIGN:
                answer = await service.send("POST", "/logout", headers=headers)
                refused(answer, 403, "csrf_failed")

    async def test_a_token_that_is_no_cookie_passes_from_anywhere(self, serve: Serve) -> None:
        """A bearer token, or a refresh token in the body, was put there by who holds it."""
        async with serve() as service:
            await service.register()
            for headers in FOREIGN:
                tokens = await service.sign_in()
                bearer = tokens["access_token"]
                me = await service.send("GET", "/me", headers=headers, bearer=bearer)
                assert me.status_code == 200
                body = {"refresh_token": tokens["refresh_token"]}
                again = await service.send("POST", "/refresh", headers=headers, json=body)
                assert again.status_code == 200
                out = await service.send("POST", "/logout", headers=headers, bearer=bearer)
                assert out.status_code == 204

    async def test_basic_credentials_are_no_bearer_token(self, serve: Serve) -> None:
        """A browser sends those along by itself, so they prove nothing."""
        async with serve() as service:
            await service.register()
            cookies = {
                service.refresh_cookie: delivered(service, await sign_in_with_cookie(service))
            }
            for value in ("Basic YTpi", "Bearer", "Bearer ", "Negotiate x", "x"):
                headers = {"Sec-Fetch-Site": "cross-site", "Authorization": value}
                answer = await service.send("POST", "/refresh", headers=headers, cookies=cookies)
                refused(answer, 403, "csrf_failed")

    async def test_an_allowed_origin_may_use_the_cookie(self, serve: Serve) -> None:
        """And reads the answers, with credentials, and never by `*`."""
        async with serve(allowed_origins=FRIEND) as service:
            await service.register()
            cookies = {
                service.refresh_cookie: delivered(service, await sign_in_with_cookie(service))
            }
            headers = {"Sec-Fetch-Site": "cross-site", "Origin": FRIEND}
            answer = await service.send("POST", "/refresh", headers=headers, cookies=cookies)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == FRIEND
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert "origin" in answer.headers["vary"].lower()
            headers["Origin"] = FRIEND.replace("https", "http")
            answer = await service.send("POST", "/refresh", headers=headers, cookies=cookies)
            refused(answer, 403, "csrf_failed")
            assert "access-control-allow-origin" not in answer.headers

    async def test_a_preflight_is_answered_for_allowed_origins_only(self, serve: Serve) -> None:
        """Fetch standard, section 3.2.2."""
        async with serve(allowed_origins=FRIEND) as service:
            asked = {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,refresh-token",
            }
            headers = {**asked, "Origin": FRIEND}
            answer = await service.client.request("OPTIONS", "/auth/refresh", headers=headers)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == FRIEND
            assert "POST" in answer.headers["access-control-allow-methods"]
            headers["Origin"] = "https://evil.example"
            answer = await service.client.request("OPTIONS", "/auth/refresh", headers=headers)
            assert "access-control-allow-origin" not in answer.headers
