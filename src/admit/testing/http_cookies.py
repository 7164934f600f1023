"""The HTTP contract of delivery: which way a token travels, and what its cookie looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admit.testing.http_caller import EMAIL, PASSWORD, Mixin, refused, set_cookies

if TYPE_CHECKING:
    import httpx

    from admit.testing.http_caller import Serve, Service

COOKIE_BYTES = 4_096
"""What browsers hold of a cookie's name and value at least (RFC 6265 section 6.1)."""


def attributes(service: Service, max_age: int) -> set[str]:
    """Every attribute that a cookie has, and no other."""
    site = service.settings.cookie_samesite.title()
    flags = {"Path=/", "HttpOnly", f"SameSite={site}", f"Max-Age={max_age}"}
    return flags | ({"Secure"} if service.settings.base_url.startswith("https:") else set())


async def sign_in_with_cookie(
    service: Service, cookies: dict[str, str] | None = None
) -> httpx.Response:
    """The answer to a sign-in that doesn't name a delivery."""
    body = {"login": EMAIL, "password": PASSWORD}
    answer = await service.send("POST", "/login", json=body, cookies=cookies)
    assert answer.status_code == 200, answer.text
    return answer


def delivered(service: Service, answer: httpx.Response) -> str:
    """The refresh token of the answer's cookie, which is the only place where it stands."""
    value, found = set_cookies(answer)[service.refresh_cookie]
    assert found == attributes(service, 604_800)
    assert len(service.refresh_cookie) + len(value) < COOKIE_BYTES
    assert value not in answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "user"}
    return value


class Cookies(Mixin):
    """Delivery and cookies."""

    async def test_the_cookie_is_the_default_and_the_only_way_back(self, serve: Serve) -> None:
        """A refresh token that came in a cookie goes back in one, and never stands in a body."""
        async with serve() as service:
            await service.register()
            first = delivered(service, await sign_in_with_cookie(service))
            cookies = {service.refresh_cookie: first}
            answer = await service.send("POST", "/refresh", cookies=cookies)
            assert answer.status_code == 200
            assert delivered(service, answer) != first

    async def test_a_token_that_rests_is_not_set_again(self, serve: Serve) -> None:
        """Or an answer that is late would put it back over its successor."""
        async with serve(access_cookie="on") as service:
            await service.register()
            first = delivered(service, await sign_in_with_cookie(service))
            cookies = {service.refresh_cookie: first}
            answer = await service.send("POST", "/refresh", cookies=cookies)
            cookies = {service.refresh_cookie: delivered(service, answer)}
            for passed, again in ((9.5, False), (0.5, True)):
                service.clock.advance(passed)
                answer = await service.send("POST", "/refresh", cookies=cookies)
                assert answer.status_code == 200
                assert (service.refresh_cookie in set_cookies(answer)) is again
                assert service.access_cookie in set_cookies(answer)

    async def test_with_body_delivery_no_cookie_is_set(self, serve: Serve) -> None:
        """The token stands in the body only."""
        async with serve() as service:
            await service.register()
            body = {"login": EMAIL, "password": PASSWORD, "delivery": "body"}
            answer = await service.send("POST", "/login", json=body)
            assert "refresh_token" in answer.json()
            assert not set_cookies(answer)

    async def test_signing_out_removes_the_cookies_with_every_attribute(self, serve: Serve) -> None:
        """Or a browser would take the removal for another cookie, and keep this one."""
        async with serve() as service:
            await service.register()
            token = delivered(service, await sign_in_with_cookie(service))
            cookies = {service.refresh_cookie: token}
            answer = await service.send("POST", "/logout", cookies=cookies)
            assert answer.status_code == 204
            gone = ("", attributes(service, 0))
            assert set_cookies(answer)[service.refresh_cookie] == gone
            answer = await service.refresh(token)
            refused(answer, 401, "refresh_refused", reason="signed_out")

    async def test_only_our_own_cookie_name_counts(self, serve: Serve) -> None:
        """A sibling subdomain can plant a cookie without the prefix; it is not looked at."""
        async with serve() as service:
            await service.register()
            token = delivered(service, await sign_in_with_cookie(service))
            names = {"admit-refresh", "__Host-admit-refresh", "__Secure-admit-refresh"}
            for name in names - {service.refresh_cookie}:
                answer = await service.send("POST", "/refresh", cookies={name: token})
                refused(answer, 401, "unauthenticated")

    async def test_a_cookie_that_stands_twice_is_refused(self, serve: Serve) -> None:
        """Which of the two is ours can't be told."""
        async with serve() as service:
            await service.register()
            token = delivered(service, await sign_in_with_cookie(service))
            name = service.refresh_cookie
            headers = {"Cookie": f"{name}=planted; {name}={token}"}
            refused(await service.send("POST", "/refresh", headers=headers), 400, "malformed")

    async def test_a_token_in_two_places_is_refused(self, serve: Serve) -> None:
        """Cookie, body and header: any two of them."""
        async with serve() as service:
            await service.register()
            token = (await service.sign_in())["refresh_token"]
            cookies = {service.refresh_cookie: token}
            headers = {"Refresh-Token": token}
            body = {"refresh_token": token}
            for path in ("/refresh", "/logout"):
                for two in (
                    await service.send("POST", path, cookies=cookies, headers=headers),
                    await service.send("POST", path, cookies=cookies, json=body),
                    await service.send("POST", path, headers=headers, json=body),
                    await service.send("POST", path, headers=[*headers.items()] * 2),
                ):
                    refused(two, 400, "malformed")
            assert (await service.refresh(token)).status_code == 200

    async def test_signing_in_ends_the_session_whose_cookie_is_presented(
        self, serve: Serve
    ) -> None:
        """One browser holds one session; nobody can plant one that outlives a sign-in."""
        async with serve() as service:
            await service.register()
            other = await service.sign_in()
            answer = await sign_in_with_cookie(service)
            access, held = answer.json()["access_token"], delivered(service, answer)
            answer = await sign_in_with_cookie(service, {service.refresh_cookie: held})
            assert await service.me(access) == 401
            answer = await service.refresh(held)
            refused(answer, 401, "refresh_refused", reason="signed_out")
            assert await service.me(other["access_token"]) == 200

    async def test_the_access_cookie_is_off_unless_it_is_set(self, serve: Serve) -> None:
        """Then no answer sets it and `/me` doesn't look at it."""
        async with serve() as service:
            await service.register()
            answer = await sign_in_with_cookie(service)
            assert set(set_cookies(answer)) == {service.refresh_cookie}
            cookies = {service.access_cookie: answer.json()["access_token"]}
            answer = await service.send("GET", "/me", cookies=cookies)
            refused(answer, 401, "unauthenticated")

    async def test_the_access_cookie_opens_me_and_nothing_that_writes(self, serve: Serve) -> None:
        """A token in the header and one in the cookie are one too many."""
        async with serve(access_cookie=True) as service:
            await service.register()
            answer = await sign_in_with_cookie(service)
            value, found = set_cookies(answer)[service.access_cookie]
            assert found == attributes(service, 900)
            assert len(service.access_cookie) + len(value) < COOKIE_BYTES
            cookies = {service.access_cookie: value}
            assert (await service.send("GET", "/me", cookies=cookies)).status_code == 200
            both = await service.send("GET", "/me", cookies=cookies, bearer=value)
            refused(both, 400, "malformed")
            for method, path in (
                ("POST", "/logout/all"),
                ("POST", "/password"),
                ("GET", "/sessions"),
                ("DELETE", "/sessions/x"),
            ):
                answer = await service.send(method, path, cookies=cookies)
                refused(answer, 401, "unauthenticated")
            answer = await service.send("POST", "/logout", cookies=cookies)
            assert set_cookies(answer)[service.access_cookie] == ("", attributes(service, 0))
