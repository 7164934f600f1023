"""Former systems' tokens over HTTP: in the body, in the header, in those systems' own cookies."""

import pytest
from starlette.datastructures import Headers

from admit.frameworks.renewing import Renewing
from admit.http.renewal import Renewal
from admit.model import Origin
from admit.testing.http_caller import PASSWORD, refused, set_cookies
from tests.moving import former
from tests.moving.conftest import reader

pytestmark = pytest.mark.anyio
COOKIE = "refresh_token_cookie"
JWT = "jwt"
ORIGIN = {"Origin": "https://evil.example"}


@pytest.fixture
async def service(service_for):
    """Takes from Flask-JWT-Extended and from Express, each with its cookie."""
    readers = (
        reader("FlaskJWTExtended", cookie=COOKIE, cookie_path="/api", cookie_domain="example.com"),
        reader("Express", cookie=JWT),
    )
    async with service_for(*readers) as service:
        yield service


async def refresh(service, cookies, **given):
    return await service.send("POST", "/refresh", cookies=cookies, **given)


@pytest.mark.parametrize(("system", "cookie"), [("FlaskJWTExtended", COOKIE), ("Express", JWT)])
async def test_a_token_in_the_former_cookie_comes_back_in_ours(service, token_of, system, cookie):
    answer = await refresh(service, {cookie: token_of(system)})
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    set_now = set_cookies(answer)
    assert set(set_now) == {service.refresh_cookie}  # the former one is left where it is
    value, attributes = set_now[service.refresh_cookie]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= attributes
    service.clock.advance(11)
    assert (await refresh(service, {service.refresh_cookie: value})).status_code == 200


async def test_a_token_in_the_header_comes_back_in_the_body(service, token_of):
    token = token_of("Express")
    answer = await service.send("POST", "/refresh", headers={"Refresh-Token": token})
    assert answer.json()["refresh_token"]
    assert not answer.headers.get_list("set-cookie")


async def test_our_cookie_goes_before_the_former_one(service, token_of):
    token = token_of("Express")
    answer = await refresh(service, {JWT: token})
    ours = set_cookies(answer)[service.refresh_cookie][0]
    for _ in range(3):
        service.clock.advance(60)
        answer = await refresh(service, {JWT: token, service.refresh_cookie: ours})
        assert answer.status_code == 200
        ours = set_cookies(answer)[service.refresh_cookie][0]


async def test_another_site_can_move_nobody(service, token_of):
    token = token_of("Express")
    refused(await refresh(service, {JWT: token}, headers=ORIGIN), 403, "csrf_failed")
    answer = await service.send("POST", "/logout", cookies={JWT: token}, headers=ORIGIN)
    refused(answer, 403, "csrf_failed")
    assert (await refresh(service, {JWT: token})).status_code == 200  # nothing had happened


async def test_a_bad_former_cookie_is_refused_and_stays(service, token_of):
    answer = await refresh(service, {JWT: token_of("Express", "access")})
    refused(answer, 401, "refresh_refused", reason="malformed")


async def test_a_former_cookie_that_stands_twice_is_refused(service, token_of):
    pairs = f"{JWT}={token_of('Express')}; {JWT}={token_of('Express', username='bob')}"
    answer = await service.send("POST", "/refresh", headers={"Cookie": pairs})
    refused(answer, 400, "malformed")


async def test_signing_out_ends_and_removes_the_former_cookie(service, token_of):
    flask, express = token_of("FlaskJWTExtended"), token_of("Express")
    answer = await service.send("POST", "/logout", cookies={COOKIE: flask, JWT: express})
    assert answer.status_code == 204
    removed = set_cookies(answer)
    assert removed[COOKIE] == ("", {"Max-Age=0", "Path=/api", "Domain=example.com"})
    assert removed[JWT] == ("", {"Max-Age=0", "Path=/"})
    for token in (flask, express):  # a copy of it is of no use either
        answer = await service.refresh(token)
        refused(answer, 401, "refresh_refused", reason="signed_out")


async def test_signing_out_of_ours_ends_a_former_cookie_that_lies_beside_it(service, token_of):
    first, other = token_of("FlaskJWTExtended"), token_of("Express")
    answer = await refresh(service, {COOKIE: first})
    ours = set_cookies(answer)[service.refresh_cookie][0]
    cookies = {service.refresh_cookie: ours, JWT: other}
    assert (await service.send("POST", "/logout", cookies=cookies)).status_code == 204
    for token in (first, other, ours):
        answer = await service.refresh(token)
        refused(answer, 401, "refresh_refused", reason="signed_out")


async def test_signing_in_anew_ends_the_former_cookies_token(service, token_of):
    await service.register("mara@example.com", "mara")
    token = token_of("Express")
    answer = await service.send(
        "POST",
        "/login",
        json={"login": "mara@example.com", "password": PASSWORD},
        cookies={JWT: token},
    )
    assert answer.status_code == 200
    refused(await refresh(service, {JWT: token}), 401, "refresh_refused", reason="signed_out")


class Records:
    """The former system's, which may be gone before its time."""

    gone = True

    def __call__(self, _):
        if self.gone:
            raise ConnectionError
        return False


async def test_former_records_that_cannot_be_asked_keep_nobody_from_signing_in(
    service_for, token_of
):
    async with service_for(reader("Express", cookie=JWT, account=Records())) as service:
        await service.register("mara@example.com", "mara")
        answer = await service.send(
            "POST",
            "/login",
            json={"login": "mara@example.com", "password": PASSWORD},
            cookies={JWT: token_of("Express")},
        )
        assert answer.status_code == 200


async def test_former_records_that_cannot_be_asked_keep_nobody_from_signing_out(
    service_for, token_of
):
    records, token = Records(), token_of("Express")
    async with service_for(reader("Express", cookie=JWT, blacklisted=records)) as service:
        answer = await service.send("POST", "/logout", cookies={JWT: token})
        assert answer.status_code == 204
        records.gone = False
        refused(await refresh(service, {JWT: token}), 401, "refresh_refused", reason="signed_out")


async def test_without_a_former_system_its_cookie_is_no_token(service_for, token_of):
    async with service_for() as service:
        refused(await refresh(service, {JWT: token_of("Express")}), 401, "unauthenticated")


async def test_the_session_is_the_users_own(service, token_of):
    answer = await refresh(service, {JWT: token_of("Express")})
    me = await service.send("GET", "/me", bearer=answer.json()["access_token"])
    assert me.json()["user"]["id"] == former.USER_ID.hex


@pytest.fixture
async def pages(service_for):
    """A service whose pages renew themselves, and which takes Express's cookie."""
    async with service_for(reader("Express", cookie=JWT), access_cookie=True) as service:
        yield service


async def opened(pages, token, **headers):
    given = Headers({"cookie": f"{JWT}={token}", **headers})
    renewal = Renewal(pages.auth)
    return await renewal.renew(given, method="GET", path="/page", origin=Origin(ip="192.0.2.1"))


async def test_a_page_that_a_server_renders_moves_the_session_on_the_way_in(pages, token_of):
    renewed = await opened(pages, token_of("Express"), **{"sec-fetch-site": "same-origin"})
    assert renewed.refusal is None
    assert any(each.startswith(f"{pages.refresh_cookie}=") for each in renewed.delivered)
    assert pages.access_cookie in renewed.cookie


async def test_frameworks_of_threads_see_that_a_page_may_move_its_session(pages, token_of):
    assert Renewing(pages.auth).needs({"HTTP_COOKIE": f"{JWT}={token_of('Express')}"})


async def test_a_picture_on_another_site_moves_nobody(pages, token_of):
    """The former cookie may come along, but ours would not be kept: the move would be lost."""
    token = token_of("Express")
    renewed = await opened(pages, token, **{"sec-fetch-site": "cross-site"})
    assert not renewed.delivered
    assert await pages.auth.store.events(kind="signed_in") == []
    assert (await refresh(pages, {JWT: token})).status_code == 200
