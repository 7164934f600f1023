"""A link to our own page to sign in sends whoever signs in on to somebody else's page.

What browsers make of each address is in the WHATWG's URL standard; tests/browser asks one.
"""

import json
import re

import pytest

from admit.settings import Settings
from admit.web.places import Places

OWN = "https://auth.example.com"
APP = "https://app.example.com"

EVIL = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2f..",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\u00a0//evil.example",
    "/\r\nLocation: https://evil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/%2e/%2fevil.example",
    "/a/%2E./b",
    "/.",
    "/..",
    "/%",
    "/%zz",
    "/%u002fevil",
    "https://evil.example",
    "https:/evil.example",
    "https:evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http://auth.example.com/",
    "http://app.example.com/",
    "HTTPS://EVIL.EXAMPLE",
    "https://auth.example.com:8443/",
    "https://auth.example.com:80/",
    "https://auth.example.com:/",
    "https://auth.example.com:443:443/",
    "https://auth.example.com.evil.example",
    "https://auth.example.com@evil.example",
    "https://auth.example.com:443@evil.example",
    "https://evil.example@auth.example.com/",
    "https://evil.example\\@auth.example.com",
    "https://evil.example#@auth.example.com",
    "https://evil.example?@auth.example.com",
    "https://auth.example.com\\evil.example",
    "https://auth.example.com%2eevil.example",
    "https://auth.example.com%00.evil.example",
    "https://auth.example.com\x00.evil.example",
    "https://auth.example.com.",
    "https://auth。example。com",
    "https://auth.example.com\uff0fevil.example",
    "https://\uff41uth.example.com/",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "//auth.example.com/",
    "//auth.example.com:443/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "javascript://auth.example.com/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "blob:https://auth.example.com/x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://auth.example.com/",
    "about:blank",
    "evil.example",
    "evil.example/path",
    "account",
    "./account",
    "?x=1",
    "#x",
    "",
    "/a b",
    "/<script>",
    '/"onload=',
    "/a\\b",
    "/{x}",
    "/\ud800",
    "/" + "a" * 2048,
    "/" + "ä" * 1024,
    # back to where one is only sent on again, without end
    "/auth/sign-in",
    "/auth/sign-in?return_to=/auth/sign-in",
    "/auth/sign-up#x",
    "/auth/signed-out",
    f"{OWN}/auth/sign-in",
]

GOOD = {
    "/": "/",
    "/shop": "/shop",
    "/shop/": "/shop/",
    "/shop/2?page=3&next=%2Fa%5Cb//c#part": "/shop/2?page=3&next=%2Fa%5Cb//c#part",
    "/auth/account": "/auth/account",
    "/auth/sign-in/else": "/auth/sign-in/else",
    "/stra\u00dfe?q=\u00e4": "/stra%C3%9Fe?q=%C3%A4",
    "/a.b/..c/...": "/a.b/..c/...",
    "/@me/:x;y,z": "/@me/:x;y,z",
    "/%C3%A4": "/%C3%A4",
    f"{OWN}": OWN,
    f"{OWN}/": f"{OWN}/",
    f"{OWN}:443/x": f"{OWN}/x",
    f"{OWN}:0443/x": f"{OWN}/x",
    "HTTPS://Auth.Example.COM/X": f"{OWN}/X",
    f"{APP}/a?b#c": f"{APP}/a?b#c",
    "http://localhost:3000/": "http://localhost:3000/",
}


@pytest.fixture(scope="module")
def places():
    settings = Settings.load(
        environ={},
        dotenv=None,
        base_url=OWN,
        allowed_origins=f"{APP},http://localhost:3000",
    )
    return Places(settings, never=frozenset({"/auth/sign-in", "/auth/sign-up", "/auth/signed-out"}))


@pytest.mark.parametrize("wanted", EVIL, ids=ascii)
def test_nobody_is_sent_to(places, wanted):
    assert places.allowed(wanted) is None


@pytest.mark.parametrize("wanted", GOOD, ids=ascii)
def test_one_may_be_sent_to(places, wanted):
    assert places.allowed(wanted) == GOOD[wanted]


@pytest.mark.anyio
async def test_what_is_not_allowed_is_not_spoken_of_and_one_goes_home(serve):
    async with serve(pages=True) as service:
        for wanted in ("//evil.example", "https://evil.example", "javascript:alert(1)"):
            for page in ("/sign-in", "/sign-up", "/signed-out"):
                answer = await service.client.get(f"/auth{page}", params={"return_to": wanted})
                assert answer.status_code == 200
                assert "evil" not in answer.text
                assert "alert(" not in answer.text
                told = re.search(
                    r'<script type="application/json"[^>]*>(.*?)</script>', answer.text
                )
                if told:
                    assert json.loads(told[1])["next"] == "/auth/account"


@pytest.mark.anyio
async def test_of_two_places_the_last_is_judged_and_used(serve):
    """Which of two is taken must not differ between who judges and who sends."""
    async with serve(pages=True) as service:
        answer = await service.client.get("/auth/sign-in?return_to=/x&return_to=//evil.example")

    assert "evil" not in answer.text
