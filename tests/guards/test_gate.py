"""The gate by itself: both of its doors, synchronous and not, let in and refuse the same."""

import pytest

from admit import InvalidToken, Principal, Settings
from admit.errors import (
    CsrfFailed,
    Forbidden,
    InsufficientUserAuthentication,
    Malformed,
    RefreshRefused,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from admit.guards.gate import ANYBODY, Gate, Needs

pytestmark = pytest.mark.anyio

NOW = 1_000_000.0
ADA = Principal(
    user_id="ada",
    session_id="s",
    roles=("staff",),
    auth_time=NOW - 60,
    version=0,
    expires_at=NOW + 60,
    payload=b"{}",
)
OPTIONAL = Needs(optional=True)
WHY = RefreshRefused(reason="signed_out")


class Known:
    """Knows one token; of another it says what it is told to."""

    def __init__(self, refusal=None):
        self.refusal = refusal or InvalidToken(reason="expired")

    def verify(self, token):
        if token != "good":
            raise self.refusal
        return ADA

    async def verify_async(self, token):
        return self.verify(token)


class Given:
    """Headers as they came."""

    def __init__(self, *pairs):
        self.pairs = pairs

    def get(self, key):
        return next(iter(self.getlist(key)), None)

    def getlist(self, key):
        return [value for name, value in self.pairs if name == key]


def bearer(token):
    return ("authorization", f"Bearer {token}")


def cookie(token):
    return ("cookie", f"admit-access={token}")


@pytest.fixture(params=["sync", "async"])
def pass_(request):
    """Passes a gate by one of its doors."""

    async def pass_(*pairs, needs=ANYBODY, changing=False, instead=None, known=None, cookies=True):
        settings = Settings(access_cookie=True) if cookies else None
        gate = Gate(known or Known(), settings=settings, clock=lambda: NOW)
        headers = Given(*pairs)
        if request.param == "sync":
            return gate.admit(headers, needs, changing=changing, instead=instead)
        return await gate.admit_async(headers, needs, changing=changing, instead=instead)

    return pass_


@pytest.mark.parametrize("changing", [False, True])
async def test_a_good_token_lets_in(pass_, changing):
    evil = ("origin", "https://evil.example")
    assert await pass_(bearer("good"), evil, changing=changing) is ADA
    assert await pass_(cookie("good"), changing=changing) is ADA
    assert await pass_(cookie("good"), evil) is ADA


@pytest.mark.parametrize(
    ("pairs", "given", "refusal"),
    [
        ((), {}, Unauthenticated),
        ((bearer("x"),), {}, InvalidToken),
        ((bearer("x"),), {"needs": OPTIONAL}, InvalidToken),
        ((bearer("x"),), {"instead": WHY}, InvalidToken),
        ((cookie("x"),), {}, InvalidToken),
        ((cookie("x"),), {"instead": WHY}, RefreshRefused),
        ((), {"instead": WHY}, RefreshRefused),
        ((bearer("good"), bearer("good")), {"needs": OPTIONAL}, Malformed),
        ((bearer("good"), cookie("good")), {}, Malformed),
        ((cookie("good"), cookie("x")), {}, Malformed),
        ((cookie("good"), ("origin", "null")), {"changing": True}, CsrfFailed),
        ((cookie("good"), ("origin", "null")), {"changing": True, "needs": OPTIONAL}, CsrfFailed),
        ((cookie("good"),), {"cookies": False}, Unauthenticated),
        ((bearer("good"),), {"needs": Needs(role="admin")}, Forbidden),
        ((bearer("good"),), {"needs": Needs(role="admin", optional=True)}, Forbidden),
        ((bearer("good"),), {"needs": Needs(within=59.9)}, InsufficientUserAuthentication),
        ((bearer("x"),), {"known": Known(Unavailable())}, Unavailable),
        ((cookie("x"),), {"known": Known(Unavailable()), "needs": OPTIONAL}, Unavailable),
    ],
)
async def test_whoever_is_refused_is_told_why(pass_, pairs, given, refusal):
    with pytest.raises(Refusal) as told:
        await pass_(*pairs, **given)
    assert type(told.value) is refusal


async def test_who_need_not_be_anybody_is_nobody(pass_):
    """Where the cookie is bad, or can't be renewed, too: the browser sends it by itself."""
    for pairs, instead in (((), None), ((), WHY), ((cookie("x"),), None), ((cookie("x"),), WHY)):
        assert await pass_(*pairs, needs=OPTIONAL, instead=instead) is None
    assert await pass_(bearer("good"), needs=OPTIONAL) is ADA


async def test_what_a_route_needs_the_caller_has(pass_):
    for needs in (Needs(role="staff"), Needs(within=60), Needs(role="staff", within=60)):
        assert await pass_(bearer("good"), needs=needs) is ADA


def test_the_gate_names_its_cookie() -> None:
    assert Gate(Known()).access_cookie is None
    assert Gate(Known(), settings=Settings()).access_cookie is None
    settings = Settings(access_cookie=True, base_url="https://example.com")
    assert Gate(Known(), settings=settings).access_cookie == "__Host-Http-admit-access"
