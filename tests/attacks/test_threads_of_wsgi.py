"""What an attacker can do to a request on its way through WSGI, in Flask and in Django."""

import io
import json

import pytest
from django.test import override_settings

from admit import Admit
from admit.frameworks.bridge import BRIDGE
from admit.testing.http_caller import PASSWORD
from tests.cheap import cheap
from tests.frameworks.django_site import MIDDLEWARE, Site
from tests.frameworks.flask_site import flask_app
from tests.frameworks.wsgi_caller import called

LIMIT = 64 * 1024
SECRETS = ("__Host-Http-admit-refresh", "__Host-Http-admit-access")


class Attacker:
    """Writes every byte of an environ by hand."""

    def __init__(self, app, auth):
        self.app = app
        self.auth = auth

    def send(self, method, path, body=b"", **environ):
        given = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "REMOTE_PORT": "1",
            "HTTP_HOST": "auth.example.com",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        } | environ
        if body and "HTTP_TRANSFER_ENCODING" not in given:
            given.setdefault("CONTENT_LENGTH", str(len(body)))
        if body:
            given.setdefault("CONTENT_TYPE", "application/json")
        given = {name: value for name, value in given.items() if value is not None}
        status, headers, answer = called(self.app, given)
        return status, dict(headers), answer

    def me(self, **environ):
        return self.send("GET", "/guarded", **environ)


@pytest.fixture(scope="module", params=["flask", "django"])
def attacker(request, tmp_path_factory):
    place = tmp_path_factory.mktemp("attacked")
    settings = cheap(
        data_dir=place, base_url="https://auth.example.com", access_cookie=True,
        throttle_login="1000/minute",
    )  # fmt: skip
    auth = Admit(settings)
    if request.param == "flask":
        yield Attacker(flask_app(auth), auth)
    else:
        with Site(auth) as site:
            yield Attacker(site.wsgi(), auth)
    BRIDGE.call(auth.close())


@pytest.fixture(scope="module")
def victim(attacker):
    """Tokens of a session, and of another one that the attacker has."""

    async def sessions():
        await attacker.auth.begin()
        accounts, made = attacker.auth.accounts, []
        for name in ("ada", "eve"):
            given = {"password": PASSWORD, "now": attacker.auth.clock()}
            await accounts.register(email=f"{name}@example.com", **given)
            account = await accounts.check(login=f"{name}@example.com", **given)
            made.append(await attacker.auth.sessions.open(account, now=given["now"]))
        return made

    return BRIDGE.call(sessions())


def test_the_environ_of_the_server_is_not_spoofed_by_headers(attacker, victim):
    """What we keep in an environ has no name that a header could have."""
    eves = victim[1].user.id
    for name in ("admit.principal", "admit.refused", "ADMIT_PRINCIPAL", "REMOTE_USER"):
        header = f"HTTP_{name.upper().replace('.', '_').replace('-', '_')}"
        assert attacker.me(**{header: eves})[0] == 401
    assert attacker.me(HTTP_X_FORWARDED_USER=eves, HTTP_X_REMOTE_USER=eves)[0] == 401


def test_a_doubled_authorization_is_refused(attacker, victim):
    """A proxy may look at one and we at the other; servers join them with a comma."""
    good, other = (each.access_token for each in victim)
    for joined in (
        f"Bearer {good},Bearer {other}",
        f"Bearer {good}, bearer {good}",
        f"Basic YTpi,Bearer {good}",
        f"Bearer x,Bearer {good}",
    ):
        status, _, body = attacker.me(HTTP_AUTHORIZATION=joined)
        assert (status, b'"malformed"' in body) == (400, True), joined
    assert attacker.me(HTTP_AUTHORIZATION=f"Bearer {good},{other}")[0] == 401


def test_a_cookie_is_not_planted_inside_of_another_ones_value(attacker, victim):
    """Whoever can plant any cookie would plant ours, were a comma taken for a joint."""
    evil = f"{SECRETS[1]}={victim[1].access_token}"
    for planted in (f"theme=dark,{evil}", f"theme=dark, {evil}", f"a=b; theme=x,{evil}; c=d"):
        assert attacker.me(HTTP_COOKIE=planted)[0] == 401, planted
    own = f"{SECRETS[1]}={victim[0].access_token}"
    for planted in (f"{own}; theme=dark,{evil}", f"theme=dark,{evil}; {own}"):
        status, _, body = attacker.me(HTTP_COOKIE=planted)
        assert (status, victim[0].user.id.encode() in body) == (200, True)
    for doubled in (f"{own},{evil}", f"{own}, {evil}", f"a=b; {own},{evil}; c=d"):
        assert attacker.me(HTTP_COOKIE=doubled)[0] == 400


def test_a_no_break_space_before_a_cookie_is_a_part_of_its_name(attacker, victim):
    """Chromium lets a sibling plant such a name; taken for a blank, its value held a joint."""
    evil = f"{SECRETS[1]}={victim[1].access_token}"
    alone = f"\xa0{evil}"
    for planted in (alone, f"a=b; {alone}", f"{alone},{evil}", f"{alone},{alone}"):
        assert attacker.me(HTTP_COOKIE=planted)[0] == 401, planted


def test_two_refresh_tokens_are_refused(attacker, victim):
    """In one header that was two, or in two cookies of one name."""
    token = victim[0].refresh_token
    for given in (
        {"HTTP_REFRESH_TOKEN": f"{token},{token}"},
        {"HTTP_REFRESH_TOKEN": f"{token}, x"},
        {"HTTP_COOKIE": f"{SECRETS[0]}={token},{SECRETS[0]}=x"},
        {"HTTP_COOKIE": f"{SECRETS[0]}={token}", "HTTP_REFRESH_TOKEN": token},
    ):
        status, _, body = attacker.send("POST", "/auth/refresh", **given)
        assert (status, b'"malformed"' in body) == (400, True), given
    assert attacker.send("POST", "/auth/refresh", HTTP_REFRESH_TOKEN=token)[0] == 200


def test_forwarded_headers_choose_no_address_and_no_origin(attacker, victim):
    """No proxy is trusted here: neither the limits nor the check of origins believe them."""
    cookie = f"{SECRETS[1]}={victim[0].access_token}"
    forged = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_FORWARDED_PROTO": "http",
        "HTTP_X_FORWARDED_FOR": "127.0.0.1",
        "HTTP_FORWARDED": "host=evil.example;proto=http",
        "HTTP_HOST": "evil.example",
    }
    crossed = {"HTTP_ORIGIN": "http://evil.example", "HTTP_COOKIE": cookie}
    assert attacker.send("POST", "/guarded", **forged, **crossed)[0] == 403
    body = json.dumps({"login": "ada@example.com", "password": PASSWORD}).encode()
    assert attacker.send("POST", "/auth/login", body, **forged)[0] == 200
    sessions = attacker.send(
        "GET", "/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {victim[0].access_token}"
    )
    assert b"127.0.0.1" not in sessions[2]
    assert b"192.0.2.1" in sessions[2]


def test_a_body_over_64_kib_is_not_read(attacker):
    """Neither one that says so, nor one in chunks that never says how long it is."""

    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size=-1):
            assert 0 <= size <= LIMIT + 1, "asked for more than is ever needed"
            self.taken += size
            return b" " * min(size, 1_000)

    announced = Endless()
    status, _, _ = attacker.send(
        "POST", "/auth/login", CONTENT_LENGTH=str(10**9), CONTENT_TYPE="application/json",
        **{"wsgi.input": announced},
    )  # fmt: skip
    assert (status, announced.taken) == (413, 0)
    chunked = Endless()
    status, _, _ = attacker.send(
        "POST", "/auth/login", HTTP_TRANSFER_ENCODING="chunked", CONTENT_TYPE="application/json",
        **{"wsgi.input": chunked},
    )  # fmt: skip
    assert status == 413


def test_a_body_in_chunks_is_read_or_refused(attacker):
    """Where the server does not say its end, it is not taken for an empty one."""
    body = b'{"login": "nobody@example.com", "password": "wrong horse battery"}'
    given = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": "application/json"}
    assert attacker.send("POST", "/auth/login", body, **given)[0] == 401
    unknown = {"wsgi.input_terminated": None}
    status, _, answer = attacker.send("POST", "/auth/login", body, **given, **unknown)
    assert (status, b"Content-Length" in answer) == (400, True)


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "0x10", "9" * 100, "²"])
def test_a_length_that_is_none_is_refused(attacker, length):
    status, _, _ = attacker.send(
        "POST", "/auth/login", b"{}", CONTENT_LENGTH=length, CONTENT_TYPE="application/json"
    )
    assert status in {400, 413}


def test_a_body_that_breaks_off_is_malformed(attacker):
    class Gone(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("the client is gone")

    status, _, body = attacker.send(
        "POST", "/auth/login", CONTENT_LENGTH="10", CONTENT_TYPE="application/json",
        **{"wsgi.input": Gone()},
    )  # fmt: skip
    assert (status, b'"malformed"' in body) == (400, True)


def test_head_has_no_body_and_changes_nothing(attacker, victim):
    given = {"HTTP_AUTHORIZATION": f"Bearer {victim[0].access_token}"}
    status, _, body = attacker.send("HEAD", "/auth/me", **given)
    assert (status, body) == (200, b"")
    assert attacker.send("HEAD", "/auth/me")[0] == 401
    assert attacker.send("HEAD", "/guarded")[0] == 401
    assert attacker.send("HEAD", "/auth/logout", **given)[0] == 405


@pytest.mark.parametrize(
    "path", ["/auth/\xff\xfe", "/auth\n/me", "/auth/\x00", "/auth//me", "/auth/me/", "/authx"]
)
def test_no_bytes_of_a_path_are_a_500(attacker, victim, path):
    """A path that only looks like one of ours isn't one: no slash is added or taken away."""
    given = {"HTTP_AUTHORIZATION": f"Bearer {victim[0].access_token}"}
    assert attacker.send("GET", path, QUERY_STRING="\xff=\xfe", **given)[0] == 404


def test_a_redirecting_framework_redirects_none_of_our_routes(attacker):
    """Django would add a slash and lose the body of a POST."""
    for path in ("/auth/login/", "/auth/login//", "/auth"):
        status, headers, _ = attacker.send("POST", path, b"{}", CONTENT_TYPE="application/json")
        assert (status, "Location" in headers) == (404, False)


CACHED = [
    "django.middleware.cache.UpdateCacheMiddleware",
    *MIDDLEWARE,
    "django.middleware.cache.FetchFromCacheMiddleware",
]


@pytest.mark.parametrize("path", ["/open", "/guarded"])
def test_a_cache_of_the_whole_site_hands_nobody_anothers_session(tmp_path, path):
    """Django's stands around all other middleware, and stores answers with their cookies."""
    auth = Admit(cheap(data_dir=tmp_path, access_cookie=True))

    async def sign_in():
        await auth.begin()
        now, name = auth.clock(), "ada@example.com"
        await auth.accounts.register(email=name, password=PASSWORD, now=now)
        account = await auth.accounts.check(login=name, password=PASSWORD, now=now)
        tokens = await auth.sessions.open(account, now=now)
        return tokens.refresh_token, tokens.access_token

    BRIDGE.keep(auth)
    refresh, access = BRIDGE.call(sign_in())
    with Site(auth) as site, override_settings(MIDDLEWARE=CACHED):
        attacker = Attacker(site.wsgi(), auth)
        _, headers, _ = attacker.send("GET", path, HTTP_COOKIE=f"admit-refresh={refresh}")
        assert headers["Cache-Control"] == "no-store, private"
        assert attacker.send("GET", path, HTTP_COOKIE=f"admit-access={access}")[0] == 200
        status, headers, _ = attacker.send("GET", path)
        assert (status, "Set-Cookie" in headers) == (200 if path == "/open" else 401, False)
    BRIDGE.call(auth.close())
