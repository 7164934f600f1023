"""What a renewal does to the headers of a request and of its answer."""

import pytest

from admit.guards.asgi import ScopeHeaders
from admit.http.embedding import delivered, with_cookie

NEW = ("admit-refresh=new; Path=/", "admit-access=new; Path=/")
KEPT = [(b"content-type", b"text/html"), (b"set-cookie", b"theme=dark"), (b"etag", b'"1"')]


def test_an_answer_gets_the_cookies_beside_its_own() -> None:
    headers = delivered(KEPT, NEW)
    assert headers[:3] == KEPT
    assert headers[3:] == [
        (b"cache-control", b"no-store"),
        (b"set-cookie", NEW[0].encode()),
        (b"set-cookie", NEW[1].encode()),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Cache-Control",
        "cache-control",
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Surrogate-Control",
        "Expires",
    ],
)
def test_no_cache_is_told_to_store_somebodys_cookies(name: str) -> None:
    """Some obey a header of their own before `Cache-Control` (RFC 9213 section 2.2)."""
    headers = delivered([(name.encode(), b"public, max-age=600")], NEW)
    assert [each for each in headers if each[0] != b"set-cookie"] == [
        (b"cache-control", b"no-store")
    ]


def test_what_the_app_does_with_the_cookies_itself_stays() -> None:
    """It signs out, say: a token that comes after the removal would undo it."""
    removal = (b"Set-Cookie", b"admit-refresh=; Max-Age=0")
    headers = delivered([removal], NEW)
    cookies = [value for name, value in headers if name == b"set-cookie"]
    assert cookies == [removal[1], NEW[1].encode()]


def test_a_request_has_one_cookie_header_afterwards() -> None:
    given = [(b"cookie", b"a=1"), (b"accept", b"*/*"), (b"cookie", b"b=2")]
    assert with_cookie(given, "c=3") == [(b"accept", b"*/*"), (b"cookie", b"c=3")]


def test_the_headers_of_a_scope_are_read_as_they_came() -> None:
    headers = ScopeHeaders({"headers": [(b"x", b"1"), (b"y", b"\xe9"), (b"x", b"2")]})
    assert (headers.get("x"), headers.get("y"), headers.get("z")) == ("1", "\xe9", None)
    assert headers.getlist("x") == ["1", "2"]
    assert headers.getlist("z") == []
