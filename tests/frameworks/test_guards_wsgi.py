"""Guards in Flask and Django: who gets in, and that a refusal is the contract's, word for word."""

from itertools import count

import httpx
import pytest

from admit import Admit
from admit.errors import Forbidden, InsufficientUserAuthentication
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_caller import Clock, Service, set_cookies
from tests.cheap import cheap
from tests.frameworks.threaded import WAYS

pytestmark = pytest.mark.anyio

numbers = count()
OWN = {"x-request-id"}
"""What each answer of Admit's own has for itself."""


@pytest.fixture(scope="module", params=WAYS)
def behind(request, tmp_path_factory):
    """The transport to each framework, the `Admit` there, and its clock; with access cookies."""
    clock = Clock()
    settings = cheap(data_dir=tmp_path_factory.mktemp("behind"), access_cookie=True)
    auth = Admit(settings, clock=clock)
    with WAYS[request.param](auth) as transport:
        yield transport, auth, clock
        BRIDGE.call(auth.close())


@pytest.fixture
async def threaded(behind):
    """The service."""
    transport, auth, clock = behind
    async with httpx.AsyncClient(transport=transport, base_url=auth.settings.base_url) as client:
        yield Service(client, auth, clock)


class Caller(Service):
    """A service, and an account that has signed in there."""

    email = ""
    access = ""
    user: dict[str, str] | None = None


@pytest.fixture
async def caller(threaded):
    """A new account for each test."""
    caller = Caller(threaded.client, threaded.auth, threaded.clock)
    caller.email = f"ada{next(numbers)}@example.com"
    caller.user = await caller.register(caller.email)
    caller.access = (await caller.sign_in(caller.email))["access_token"]
    return caller


def told(answer):
    headers = {name: value for name, value in answer.headers.items() if name not in OWN}
    return answer.status_code, headers, answer.content


async def get(service, path, **given):
    """Any view, whose answer need not be the contract's."""
    service.client.cookies.clear()
    headers = list(given.get("headers", {}).items())
    if bearer := given.get("bearer"):
        headers.append(("Authorization", f"Bearer {bearer}"))
    if cookies := given.get("cookies"):
        headers.append(("Cookie", "; ".join(f"{k}={v}" for k, v in cookies.items())))
    return await service.client.request(given.get("method", "GET"), path, headers=headers)


VIEWS = ["/guarded", "/later", "/thing"]


@pytest.mark.parametrize("view", VIEWS)
async def test_whoever_is_signed_in_gets_in(caller, view):
    answer = await get(caller, view, bearer=caller.access)
    assert (answer.status_code, answer.json()) == (200, {"user_id": caller.user["id"]})


@pytest.mark.parametrize("view", VIEWS)
async def test_a_refusal_is_that_of_the_routes_word_for_word(caller, view):
    """Every form of 401, and the 400 for two tokens."""
    revoked = (await caller.sign_in(caller.email))["access_token"]
    await caller.send("POST", "/logout", bearer=revoked)
    in_cookie = {caller.access_cookie: caller.access}
    forms = [
        {},
        {"bearer": "x"},
        {"bearer": "a" * 9_000},
        {"bearer": revoked},
        {"headers": {"Authorization": "Basic YTpi"}},
        {"headers": {"Authorization": f"Bearer {caller.access}, Bearer {caller.access}"}},
        {"cookies": {caller.access_cookie: "x"}},
        {"cookies": in_cookie, "bearer": caller.access},
        {"headers": {"Cookie": f"{caller.access_cookie}=a; {caller.access_cookie}=b"}},
    ]
    statuses = []
    for form in forms:
        ours = await get(caller, "/auth/me", **form)
        theirs = await get(caller, view, **form)
        assert told(theirs) == told(ours)
        statuses.append(theirs.status_code)
    assert statuses == [401, 401, 401, 401, 401, 400, 401, 400, 400]


async def test_an_expired_token_is_refused_word_for_word(caller):
    caller.clock.advance(911)
    ours = await get(caller, "/auth/me", bearer=caller.access)
    theirs = await get(caller, "/guarded", bearer=caller.access)
    assert told(theirs) == told(ours)
    assert (theirs.status_code, theirs.json()["reason"]) == (401, "expired")


async def with_role(caller):
    given = {"add": ("admin",), "remove": (), "now": caller.clock()}
    await BRIDGE.wait(caller.auth.accounts.set_roles(caller.user["id"], **given))
    return (await caller.sign_in(caller.email))["access_token"]


@pytest.mark.parametrize("view", ["/admin", "/both"])
async def test_a_role_is_asked_for(caller, view):
    answer = await get(caller, view, bearer=caller.access)
    expected = caller.auth.gate.answer(Forbidden())
    assert (answer.status_code, answer.content) == (403, expected.body)
    assert answer.headers["www-authenticate"] == expected.headers["WWW-Authenticate"]
    admin = await with_role(caller)
    assert (await get(caller, view, bearer=admin)).status_code == 200


async def test_a_recent_sign_in_is_asked_for(caller):
    """RFC 9470: the refusal says how recent."""
    assert (await get(caller, "/recent", bearer=caller.access)).status_code == 200
    caller.clock.advance(301)
    answer = await get(caller, "/recent", bearer=caller.access)
    expected = caller.auth.gate.answer(InsufficientUserAuthentication(max_age=300))
    assert (answer.status_code, answer.content) == (401, expected.body)
    assert answer.headers["www-authenticate"] == expected.headers["WWW-Authenticate"]
    assert 'max_age="300"' in answer.headers["www-authenticate"]


async def test_where_it_is_optional_nobody_may_call(caller):
    assert (await get(caller, "/optional")).json() == {"user_id": None}
    known = await get(caller, "/optional", bearer=caller.access)
    assert known.json() == {"user_id": caller.user["id"]}
    assert (await get(caller, "/optional", bearer="x")).status_code == 401
    stale = await get(caller, "/optional", cookies={caller.access_cookie: "x"})
    assert stale.json() == {"user_id": None}


async def test_a_cookie_does_nothing_for_another_site(caller):
    """Refused as the routes refuse it, word for word."""
    body = {"login": caller.email, "password": "correct horse battery"}
    held = set_cookies(await caller.send("POST", "/login", json=body))
    cookies = {name: value for name, (value, _) in held.items()}
    own = await get(caller, "/guarded", method="POST", cookies=cookies)
    assert own.status_code == 200
    for elsewhere in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        theirs = await get(caller, "/guarded", method="POST", cookies=cookies, headers=elsewhere)
        ours = await get(caller, "/auth/refresh", method="POST", cookies=cookies, headers=elsewhere)
        assert told(theirs) == told(ours)
        assert (theirs.status_code, theirs.json()["code"]) == (403, "csrf_failed")
        read = await get(caller, "/guarded", cookies=cookies, headers=elsewhere)
        assert read.status_code == 200
